"""The busy process of bench/redis_outage.py."""
