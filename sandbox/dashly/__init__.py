"""The API of Dashly and Carrot quest."""
