"""Competitors of the tap: programs that run in their own processes and are not imported."""
