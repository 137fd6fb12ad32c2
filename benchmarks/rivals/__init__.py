"""What runs in an environment of its own, or as a program of its own: nothing imports it."""
