"""The Singer adapter: with `tap.py`, the only code that imports the SDK."""
