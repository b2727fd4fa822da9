"""Asking a provider, in its dialect."""

from worker.providers.attempt import ask as ask
