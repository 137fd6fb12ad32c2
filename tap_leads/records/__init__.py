"""Records: converts API values into rows that every Singer target can load."""
