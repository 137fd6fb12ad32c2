"""The tap beside other ways to get the same leads: `make bench`, explained in README.md here."""
