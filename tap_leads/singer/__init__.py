"""The Singer side: with `tap.py` the only code that knows the SDK."""
