"""Development tools for maintainers of the tap."""
