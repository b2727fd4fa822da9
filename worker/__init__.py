"""What a worker does with one request."""
