"""One attempt at one provider, in its dialect; open attempt.py first."""

from worker.providers.attempt import ask as ask
