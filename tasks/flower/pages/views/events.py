"""Page 4: what changed, on a time axis with a lane for each provider, and as a table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from config.settings import Settings
from tasks.flower.pages.text import instant
from worker.store.store import Store
from worker.telemetry import events as stream

SPAN = 86_400.0
"""Seconds of the time axis at most; it begins with the oldest event that is read."""

READ, LISTED = 1_000, 100
WIDTH = 1_000
"""Units of the time axis."""

_FLEET = "fleet"
"""The lane of events without a provider."""

_HEAD = ("type", "provider", "at_ms", "task", "request")

_INSTANTS = ("open_until_ms", "until_ms", "since_ms")

_KINDS = {
    "bad": ("circuit-breaker-open", "provider-unhealthy", "provider-auth-locked", "message-quarantined"),
    "good": ("circuit-breaker-closed", "provider-recovered", "provider-auth-unlocked", "slow-ended"),
    "failure": ("request-failure",),
}
"""How an event is marked; any other one is a change."""


def events(settings: Settings, store: Store) -> dict[str, Any]:
    """Returns `begin` and `end` of the axis, `lanes` by provider with their marks, and the newest `events`.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    end = store.time()
    found = [event for _, event in stream.newest(store, READ) if _at(event) > end - SPAN]
    begin = min((_at(each) for each in found), default=end - 60)
    end = max(end, begin + 60)
    order = [*settings.providers, *sorted({each.get("provider") or _FLEET for each in found} - set(settings.providers))]
    lanes = [_lane(name, found, begin, end) for name in order]
    return {
        "begin": begin,
        "end": end,
        "middle": (begin + end) / 2,
        "lanes": [lane for lane in lanes if lane["events"]],
        "events": list(_rows(found[:LISTED])),
        "read": len(found),
    }


def _at(event: stream.Event) -> float:
    return int(event["at_ms"]) / 1000


def _kind(event: stream.Event) -> str:
    return next((kind for kind, types in _KINDS.items() if event["type"] in types), "change")


def _lane(name: str, found: Sequence[stream.Event], begin: float, end: float) -> dict[str, Any]:
    """Returns a lane's name, how many events it has, and by kind the places of its marks, each once."""
    own = [each for each in found if (each.get("provider") or _FLEET) == name]
    marks: dict[str, set[int]] = {}
    for each in own:
        marks.setdefault(_kind(each), set()).add(round(WIDTH * (_at(each) - begin) / (end - begin)))
    return {"lane": name, "events": len(own), "marks": {kind: sorted(places) for kind, places in marks.items()}}


def _rows(found: Sequence[stream.Event]) -> Iterator[dict[str, Any]]:
    """Yields the rows, each with an `id` that it keeps while further events come."""
    counted: Counter[str] = Counter(each["at_ms"] for each in found)
    for event in found:
        more = dict(_field(*pair) for pair in event.items() if pair[0] not in _HEAD and pair[1])
        yield {
            "id": f"{event['at_ms']}-{counted[event['at_ms']]}",
            "at": _at(event),
            "type": event["type"],
            "kind": _kind(event),
            "provider": event.get("provider", ""),
            "task": event.get("request", ""),
            "more": more,
        }
        counted[event["at_ms"]] -= 1


def _field(name: str, value: str) -> tuple[str, str]:
    """Returns a field as it is shown: an instant as such."""
    if name in _INSTANTS and value.isdigit() and int(value):
        return name.removesuffix("_ms"), instant(int(value) / 1000)
    return name, value
