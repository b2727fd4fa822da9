"""One attempt at one provider, in its dialect; open attempt.py first."""

from worker.providers.attempt import NO_HEADERS as NO_HEADERS
from worker.providers.attempt import ask as ask
