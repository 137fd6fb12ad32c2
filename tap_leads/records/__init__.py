"""Records: what a value of an API becomes in a row that every Singer target loads."""
