"""What a worker does with one request, from the chain down to the socket; open chain/walk.py first."""
