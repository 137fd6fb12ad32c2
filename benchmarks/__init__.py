"""Compares the tap with other tools that extract the same leads: `make bench`; see README.md."""
