"""The simulated API of Octanist."""
