"""Settings of this code base. Fallback has a module of the same name; neither imports the other."""

import os

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
"""The Redis of the Fallback fleet, with the database number that its workers use."""
