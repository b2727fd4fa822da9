"""The spans of a completion, from its producer over queue and waits to each attempt; open tracing.py first."""
