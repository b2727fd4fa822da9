"""Every event in every state, on every server: see breaker_table."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.worker.admission.breaker_states import STATES
from tests.worker.admission.breaker_table import CONTROLS, EVENTS, Row, rows
from tests.worker.admission.clocked_breaker import BLANK, MINUTE, PERMIT_MS, SECOND, T0, ClockedBreaker, attempted
from worker.admission.breaker import Permit, Skipped

Fields = dict[str, Any]
RETRY_AFTER = 30 * SECOND
COMPARED = (
    "state", "opens", "half_open_successes", "limited_until", "auth_locked", "quota", "consecutive_failures",
    "first", "several", "count", "failed",
    "index", "consecutive_successes", "override", "override_until", "failed_probes",
)  # fmt: skip


def _failure(f: Fields, _: int) -> Fields:
    first, several = (
        (f["first"], f["several"] or int(f["first"] != "task")) if f["consecutive_failures"] else ("task", 0)
    )
    consecutive_failures = f["consecutive_failures"] + 1
    return _ring(f) | {
        "failed": f["failed"] + 1,
        "consecutive_failures": consecutive_failures,
        "first": first,
        "several": several,
        "consecutive_successes": 0,
    }


def _ring(f: Fields) -> Fields:
    return f | {"count": f["count"] + 1, "index": f["index"] + 1}


NO_FAILURES = {"consecutive_failures": 0, "first": "", "several": 0}
WORDS: dict[str, Callable[[Fields, int], Fields]] = {
    "success": lambda f, _: _ring(f) | NO_FAILURES | {"consecutive_successes": f["consecutive_successes"] + 1},
    "failure": _failure,
    "passed": lambda f, _: f | {"half_open_successes": f["half_open_successes"] + 1},
    "opened": lambda f, _: f | {"opens": f["opens"] + 1, "half_open_successes": 0},
    "healed": lambda f, _: f | {"opens": 0, "half_open_successes": 0, "quota": 0} | NO_FAILURES,
    "limited": lambda f, now: f | {"limited_until": max(f["limited_until"], now + RETRY_AFTER)},
    "quota": lambda f, _: f | {"quota": f["quota"] + 1},
    "auth_locked": lambda f, _: f | {"auth_locked": 1},
    "auth_unlocked": lambda f, _: f | {"auth_locked": 0},
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
    before, permits, changes = b.fields(), b.permits(), b.changes()

    assert _do(b, row, permit) == _reply(row, before, b.now)
    _check_fields(row, before, b.fields(), b.now)
    assert b.changes()[len(changes) :] == list(row.events)
    assert b.permits() == _permits(row, permit, permits, b)


def _permit(b: ClockedBreaker, row: Row) -> Permit:
    """Returns what the recorder holds; its permit is put into half-open states only, no other ever has one."""
    _, _, held = row.event.partition("@")
    generation = b.fields().get("generation", T0 - MINUTE) - (held == "old")
    if held not in ("live", "lapsed"):
        return Permit("alpha", generation)
    if row.state.startswith("half-open"):
        b.server.zadd(b.key() + ":permits", {"mine": b.now + (1 if held == "live" else 0)})
    return Permit("alpha", generation, "mine")


def _do(b: ClockedBreaker, row: Row, permit: Permit) -> Any:
    if row.event == "acquire":
        decision = b.acquire("alpha")
        return decision.permit.half_open_id != "" if decision.permit else decision.skipped
    if row.event == "authenticated":
        return b.probe()
    if row.event in CONTROLS:
        return b.control(row.event)
    outcome = row.event.partition("@")[0]
    retry_after = RETRY_AFTER if outcome == "rate-limited" else 0
    counted, change, (kind, *_), _ = b.reply(attempted(permit, outcome, retry_after=retry_after))
    return [counted, change, kind]


def _reply(row: Row, before: Fields, now: int) -> Any:
    changed = row.becomes if row.becomes and row.becomes != before.get("state", "closed") else ""
    plain = {"admitted": False, "permit": True, "done": None}
    plain |= {"counted": [1, changed, "none"], "dropped": [0, changed, "none"]}
    if row.reply in plain:
        return plain[row.reply]
    reason, _, until = row.reply.partition(" at ")
    at = {"never": None, "again": now + SECOND}.get(until, before.get(until))
    return (Skipped("alpha", reason, None if at is None else at / 1000),)


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


def _permits(row: Row, permit: Permit, before: dict[str, float], b: ClockedBreaker) -> dict[str, float]:
    if row.reply == "permit":
        return {f"permit-{b.permit_ids}": b.now + PERMIT_MS}
    if row.raised:
        return {}
    settled = permit.half_open_id if "@" in row.event else ""
    return {one: until for one, until in before.items() if one != settled}
