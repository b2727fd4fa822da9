"""Writes the fleet's events into the worker's log, each with its cure, and which providers this worker has not.

A worker's log is what somebody looks at first, and the change may have come from another worker. Each worker reads the
stream every few seconds, with the command that `fallback events` uses. No line has a prompt, an answer or a key.
"""

import logging

from config.providers import DISABLED
from config.settings import Settings
from worker.store.store import Store
from worker.telemetry.cures import cure
from worker.telemetry.event_fields import HEAD, text
from worker.telemetry.events import Event, newest_id, since

MOST = 20
"""Lines of one reading; where there are more, one line says so."""

_READ = 1000
"""Entries of one reading. A fleet that writes more in 3 s is read from its newest on."""

_UNLOGGED = ("request-failure", "circuit-breaker-half-open")
"""Events that a busy fleet writes too often; `fallback events` has them."""

_log = logging.getLogger(__name__)


class EventLog:
    """The fleet's events since this worker started, as lines of its log."""

    def __init__(self) -> None:
        self._last = ""

    def report(self, store: Store) -> None:
        """Logs the events since the last call, none at the first one: what happened before is no news.

        Raises:
            RedisUnavailable: the store did not answer.
        """
        if not self._last:
            self._last = newest_id(store)
            return
        last, found = since(store, self._last, _READ)
        is_full = len(found) == _READ
        self._last = newest_id(store) if is_full else last
        logged = [event for event in found if event["type"] not in _UNLOGGED]
        for event in logged[:MOST]:
            _log.warning("%s", line(event))
        if is_full or len(logged) > MOST:
            _log.warning('events-left-out cure="fallback events"')


EVENT_LOG = EventLog()
"""That of this process."""


def report_missing(settings: Settings) -> None:
    """Logs a line for each provider that is not configured here, with what it lacks."""
    for name, provider in settings.providers.items():
        if provider.missing and provider.missing != DISABLED:
            remedy = f"set {provider.wanted} where the workers run, and restart them" if provider.wanted else ""
            fields = text({"reason": provider.missing, "cure": remedy})
            _log.warning("provider-not-configured provider=%s %s", name, fields)


def line(event: Event) -> str:
    """Returns an event as a line: type, provider, its fields that are not empty, and the cure."""
    named = {"provider": event["provider"]} | {name: value for name, value in event.items() if name not in HEAD}
    return f"{event['type']} {text({**named, 'cure': cure(event)})}".rstrip()
