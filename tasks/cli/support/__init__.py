"""What several commands share: tables, durations, dead letters, messages about Redis; open redis.py first."""
