"""What holds of the breakers whatever happens: read off what is stored, off replies and events, without the model."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.worker.admission.stored_breakers import Stored

NEVER = -1
PATHS = {
    "circuit-breaker-open": ({"closed", "half-open", "open"}, "open"),
    "circuit-breaker-half-open": ({"open"}, "half-open"),
    "circuit-breaker-closed": ({"half-open"}, "closed"),
    "circuit-breaker-reset": ({"closed", "open", "half-open"}, "closed"),
}
"""Each event, the states that it may follow on, and the one it leads to. A quota can run out while forced closed."""


def admits(one: Stored, now: int) -> bool:
    """Tells whether a breaker admits, whether or not it is deprioritised."""
    f = one.fields
    now = max(now, f["seen"])
    override = f["override"] if not f["override_until"] or f["override_until"] > now else ""
    live = any(until > now for until in one.permits.values())
    barred = f["auth_locked"] or f["limited_until"] > now or (f["state"] == "open" and f["open_until"] > now)
    return override == "closed" or (not override and not barred and not (f["state"] == "half-open" and live))


def check_acquired(
    reply: Sequence[Any], chain: Sequence[str], before: Mapping[str, Stored], now: int, tried: Sequence[str]
) -> None:
    """Demands the first that admits, a deprioritised one only where no other does, else the earliest of the times.

    A retry is postponed only at a provider that was tried and had retries before.
    """
    kind, place, _, _, earliest, _, refusals, *_ = reply
    over_budget = {n: at for n, (reason, at) in zip(chain, refusals, strict=False) if reason == "retry-budget"}
    for name, at in over_budget.items():
        assert name in tried
        assert before[name].fields["budget_retries"] > 0
        assert at >= now + 1000
    eligible = [n for n in chain if n not in over_budget and (n not in before or admits(before[n], now))]
    first = [name for name in eligible if name not in before or not _deprioritised(before[name], now)]
    expected = first or eligible
    assert (kind == "next") == bool(expected)
    if expected:
        assert chain[place - 1] == expected[0]
    else:
        assert earliest == min((at for _, at in refusals if at != NEVER), default=NEVER)


def _deprioritised(one: Stored, now: int) -> bool:
    now = max(now, one.fields["seen"])
    forced = one.fields["override"] and (not one.fields["override_until"] or one.fields["override_until"] > now)
    return bool(one.fields["deprioritised_until"] > now and not forced)


def _check_budget(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Demands that retries were granted only up to one above the most generous limit: half of the calls, or five."""
    if new["budget_retries"] > old["budget_retries"]:
        assert new["budget_retries"] <= 1_000_000 + max(5_000_000, new["budget_calls"] / 2)


class Invariants:
    """Compares each step with the one before."""

    def __init__(self) -> None:
        self.before: dict[str, Stored] = {}
        self.states: dict[str, str] = {}

    def forget(self, name: str) -> None:
        """The keys of a breaker were lost."""
        self.before.pop(name, None)
        self.states.pop(name, None)

    def check(self, after: dict[str, Stored], events: Sequence[Mapping[str, str]], now: int) -> None:
        """Demands what holds after a step in which these events were written."""
        self._follow(events)
        reset = {event["provider"] for event in events if event["type"] == "circuit-breaker-reset"}
        forced = {event["provider"] for event in events if event["type"] == "circuit-breaker-forced-closed"}
        for name, one in after.items():
            live = [until for until in one.permits.values() if until > max(now, one.fields["seen"])]
            assert len(live) <= 1
            assert self.states.get(name, "closed") == one.fields["state"]
            if name in self.before:
                self._compare(self.before[name].fields, one.fields, reset=name in reset)
                if name not in forced and one.fields["override"] != "closed":
                    _check_budget(self.before[name].fields, one.fields)
        self.before = after

    def _compare(self, old: Mapping[str, Any], new: Mapping[str, Any], *, reset: bool) -> None:
        assert new["generation"] >= old["generation"]
        assert new["seen"] >= old["seen"]
        assert new["generation"] > old["generation"] or new["state"] == old["state"]
        assert new["limited_until"] >= old["limited_until"] or reset

    def _follow(self, events: Sequence[Mapping[str, str]]) -> None:
        for event in events:
            if event["type"] in PATHS:
                allowed, leads_to = PATHS[event["type"]]
                assert self.states.get(event["provider"], "closed") in allowed
                self.states[event["provider"]] = leads_to
