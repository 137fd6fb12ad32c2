"""Code that the four APIs share."""
