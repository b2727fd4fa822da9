"""What the operator decides, as frozen values."""
