"""Settings: declared in `model`, loaded by `load`, validated by `validate`."""
