"""The API of Octanist."""
