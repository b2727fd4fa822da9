"""Every event in every state, on every server: see breaker_table."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.worker.breaker_states import STATES
from tests.worker.breaker_table import CONTROLS, EVENTS, Row, rows
from tests.worker.clocked_breaker import BLANK, LEASE, MINUTE, SECOND, T0, ClockedBreaker, attempted
from worker.breaker import PassedOver, Permit

Fields = dict[str, Any]
RETRY_AFTER = 30 * SECOND
COMPARED = (
    "state", "opens", "passed", "limited_until", "locked", "quota", "streak", "first", "several", "count", "failed",
    "index", "wins", "override", "override_until", "misses",
)  # fmt: skip


def _failure(f: Fields, _: int) -> Fields:
    first, several = (f["first"], f["several"] or int(f["first"] != "task")) if f["streak"] else ("task", 0)
    streak = f["streak"] + 1
    return _ring(f) | {"failed": f["failed"] + 1, "streak": streak, "first": first, "several": several, "wins": 0}


def _ring(f: Fields) -> Fields:
    return f | {"count": f["count"] + 1, "index": f["index"] + 1}


NO_STREAK = {"streak": 0, "first": "", "several": 0}
WORDS: dict[str, Callable[[Fields, int], Fields]] = {
    "success": lambda f, _: _ring(f) | NO_STREAK | {"wins": f["wins"] + 1},
    "failure": _failure,
    "passed": lambda f, _: f | {"passed": f["passed"] + 1},
    "opened": lambda f, _: f | {"opens": f["opens"] + 1, "passed": 0},
    "healed": lambda f, _: f | {"opens": 0, "passed": 0, "quota": 0} | NO_STREAK,
    "limited": lambda f, now: f | {"limited_until": max(f["limited_until"], now + RETRY_AFTER)},
    "quota": lambda f, _: f | {"quota": f["quota"] + 1},
    "locked": lambda f, _: f | {"locked": 1},
    "unlocked": lambda f, _: f | {"locked": 0},
    "forced-open": lambda f, _: f | {"override": "open", "override_until": 0},
    "forced-closed": lambda f, _: f | {"override": "closed", "override_until": 0},
    "lapsed": lambda f, _: f | {"override": "", "override_until": 0},
    "forgotten": lambda *_: dict(BLANK),
}


def test_the_table_has_one_row_for_every_pair_of_a_state_and_an_event():
    count = Counter((row.state, row.event) for row in rows())
    pairs = set(itertools.product(STATES, EVENTS))
    print(f"{len(STATES)} states x {len(EVENTS)} events = {len(pairs)} pairs")
    assert set(count) == pairs, f"missing: {pairs - set(count)}, unknown: {set(count) - pairs}"
    assert max(count.values()) == 1, [pair for pair, times in count.items() if times > 1]


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row.state}-{row.event}")
def test_an_event_does_what_the_table_says(every_redis, row):
    b = ClockedBreaker(every_redis)
    STATES[row.state](b)
    permit = _permit(b, row)
    before, leases, told = b.fields(), b.leases(), b.changes()

    assert _do(b, row, permit) == _reply(row, before, b.now)
    _check_fields(row, before, b.fields(), b.now)
    assert b.changes()[len(told) :] == list(row.told)
    assert b.leases() == _leases(row, permit, leases, b)


def _permit(b: ClockedBreaker, row: Row) -> Permit:
    """Returns what the recorder holds; its lease is put into half-open states only, no other ever has one."""
    _, _, held = row.event.partition("@")
    generation = b.fields().get("generation", T0 - MINUTE) - (held == "old")
    if held not in ("live", "lapsed"):
        return Permit("alpha", generation)
    if row.state.startswith("half-open"):
        b.server.zadd(b.key() + ":leases", {"mine": b.now + (1 if held == "live" else 0)})
    return Permit("alpha", generation, "mine")


def _do(b: ClockedBreaker, row: Row, permit: Permit) -> Any:
    if row.event == "acquire":
        decision = b.acquire("alpha")
        return decision.permit.lease != "" if decision.permit else decision.passed_over
    if row.event == "authenticated":
        return b.probe()
    if row.event in CONTROLS:
        return b.control(row.event)
    outcome = row.event.partition("@")[0]
    retry_after = RETRY_AFTER if outcome == "rate-limited" else 0
    return b.reply(attempted(permit, outcome, retry_after=retry_after))[:3]


def _reply(row: Row, before: Fields, now: int) -> Any:
    changed = row.becomes if row.becomes and row.becomes != before.get("state", "closed") else ""
    plain = {"admitted": False, "leased": True, "done": None}
    plain |= {"counted": [1, changed, "none"], "dropped": [0, changed, "none"]}
    if row.reply in plain:
        return plain[row.reply]
    reason, _, until = row.reply.partition(" at ")
    at = {"never": None, "again": now + SECOND}.get(until, before.get(until))
    return (PassedOver("alpha", reason, None if at is None else at / 1000),)


def _check_fields(row: Row, before: Fields, after: Fields, now: int) -> None:
    if not before and not row.raised:
        assert after == {}
        return
    expected = BLANK | before
    for word in row.words:
        expected = WORDS[word](expected, now)
    expected["state"] = row.becomes or expected["state"]
    assert _compared(after) == _compared(expected)
    least = max(expected["generation"], before.get("generation", 0) + row.raised, now * row.raised)
    assert after["generation"] == least
    assert after["seen"] >= before.get("seen", 0)
    if "opened" in row.words:
        assert after["open_until"] > now
    else:
        assert after["open_until"] == (0 if "healed" in row.words else expected["open_until"])


def _compared(fields: Fields) -> Fields:
    return {name: fields[name] for name in COMPARED}


def _leases(row: Row, permit: Permit, before: dict[str, float], b: ClockedBreaker) -> dict[str, float]:
    if row.reply == "leased":
        return {f"permit-{b.permits}": b.now + LEASE}
    if row.raised:
        return {}
    settled = permit.lease if "@" in row.event else ""
    return {one: until for one, until in before.items() if one != settled}
