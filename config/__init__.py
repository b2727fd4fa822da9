"""The operator's settings, as frozen values."""
