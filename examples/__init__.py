"""Examples that are meant to be copied."""
