"""What a receiver was alerted to: decides whether it gets an event, and says what the event ends.

1. An alert is the same as another if type, subject and cause are. It is sent once in five minutes.
2. An event that ends alerts is always sent, unless the receiver wants none. After it the same alert is a new one.
3. What has not ended after 30 days is forgotten: a worker whose clock was wrong may never come back.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config.alerts import ENDS, Receiver
from worker.telemetry.events import Event

REPEAT_AFTER_MS = 300_000
"""Milliseconds within which the same alert is not sent again."""

_KEPT_MS = 30 * 86_400_000

PREFIX = "alert:"
"""Begins the names of the hash's fields, see lua/alerts/receive.lua."""

_HAVE_AN_END = frozenset(kind for kinds in ENDS.values() for kind in kinds)


@dataclass(frozen=True, slots=True)
class Sent:
    """An alert that was sent: the id of its message, and when its event was written, in ms."""

    id: str
    at_ms: int


class Alerted:
    """What one receiver was alerted to and has not ended."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Reads the fields of its hash."""
        read = ((name, json.loads(value)) for name, value in fields.items() if name.startswith(PREFIX))
        self.sent = {name: Sent(*value) for name, value in read}
        self._stored = set(self.sent)
        self._changed: set[str] = set()

    def ended_by(self, event: Event) -> list[str]:
        """Returns the ids of the alerts that an event ends."""
        return [self.sent[name].id for name in self._ended_by(event)]

    def is_wanted(self, event: Event, receiver: Receiver) -> bool:
        """Returns whether a receiver gets an event."""
        kind = event["type"]
        if any(self._ended_by(event)):
            return kind in receiver.events or (receiver.recovery and kind in ENDS)
        before = self.sent.get(_name(event))
        return kind in receiver.events and not (before and int(event["at_ms"]) - before.at_ms < REPEAT_AFTER_MS)

    def note(self, event: Event, sent: str = "") -> None:
        """Notes an event that the receiver has, under its message's id, or without one that it does not get."""
        for name in list(self._ended_by(event)):
            del self.sent[name]
        at_ms = int(event["at_ms"])
        if sent:
            name = _name(event)
            self.sent[name] = Sent(sent, at_ms)
            self._changed.add(name)
        for name in list(self._forgettable(at_ms)):
            del self.sent[name]

    def changes(self) -> tuple[list[str], dict[str, str]]:
        """Returns the fields to remove and those to write since the last call."""
        removed = sorted(self._stored - self.sent.keys())
        written = {
            name: json.dumps([self.sent[name].id, self.sent[name].at_ms]) for name in self._changed & set(self.sent)
        }
        self._stored, self._changed = set(self.sent), set()
        return removed, written

    def _ended_by(self, event: Event) -> Iterator[str]:
        for kind in ENDS.get(event["type"], ()):
            begin = _prefix(kind, subject(event))
            yield from (name for name in self.sent if name.startswith(begin))

    def _forgettable(self, now_ms: int) -> Iterator[str]:
        for name, sent in self.sent.items():
            if now_ms - sent.at_ms >= (_KEPT_MS if _kind(name) in _HAVE_AN_END else REPEAT_AFTER_MS):
                yield name


def subject(event: Event) -> str:
    """Returns what an event is about: a provider, or a worker; empty for the fleet."""
    return event["provider"] or event.get("worker", "")


def cause(event: Event) -> str:
    """Returns why an event was written: its cause, the failure, or who did it; empty where it says none of them."""
    return event.get("cause") or event.get("failure") or event.get("by") or ""


def _name(event: Event) -> str:
    return _prefix(event["type"], subject(event)) + json.dumps(cause(event))


def _prefix(kind: str, about: str) -> str:
    return f"{PREFIX}{kind}:{about}:"


def _kind(name: str) -> str:
    return name.split(":")[1]
