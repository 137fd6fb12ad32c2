"""The simulated API of Dashly and Carrot quest."""
