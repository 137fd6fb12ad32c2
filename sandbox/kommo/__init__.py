"""The API of Kommo (amoCRM)."""
