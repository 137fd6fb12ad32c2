"""The simulated API of Kommo (amoCRM)."""
