"""HTTP requests to a provider with time limits; open client.py first."""
