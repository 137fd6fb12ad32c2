"""Settings: how they are declared, where they come from, and what is wrong with them."""
