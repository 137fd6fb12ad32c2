"""Settings: declaration, loading and validation."""
