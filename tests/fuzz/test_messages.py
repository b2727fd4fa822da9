"""Whatever stands in the queue as a message is refused or served, and gone: no worker ends, nothing goes round."""

import time
from typing import Any
from uuid import uuid4

from tests.fuzz.conftest import Tell
from tests.fuzz.drawing import CASES, drawn
from tests.fuzz.envelopes import LINKED, MESSAGES, entry, is_awaited
from tests.fuzz.outcomes import SERVED, Outcome, awaited, counted
from tests.fuzz.strangers import Bed

REFUSALS = ("InvalidRequest", "UnknownChain", "DeadlineExceeded", "NotRegistered", "TaskRevokedError", "REVOKED")
BATCH = 500


def queued(bed: Bed, messages: list[dict[str, Any]]) -> dict[str, Outcome]:
    """Puts messages into the queue, each under an id of its own, and returns what comes of those that want it."""
    entries = {task_id: entry(message, task_id) for message in messages for task_id in (str(uuid4()),)}
    bed.redis.lpush("completions", *entries.values())
    try:
        found = awaited(bed.redis, [task_id for task_id, text in entries.items() if is_awaited(text, task_id)])
    except AssertionError as exc:
        raise AssertionError(f"{exc}: {[text[:1500] for key, text in entries.items() if key in str(exc)]}") from None
    return found


def test_each_message_is_refused_or_served_and_gone(bed: Bed, tell: Tell) -> None:
    started, outcomes, messages = time.monotonic(), list[Outcome](), drawn(MESSAGES, CASES)
    for at in range(0, len(messages), BATCH):
        outcomes += queued(bed, messages[at : at + BATCH]).values()
    assert {outcome.kind for outcome in outcomes} <= {SERVED, *REFUSALS}
    assert all(outcome.text.isprintable() for outcome in outcomes)
    bed.assert_unharmed()
    assert "Traceback" not in bed.log()
    took = time.monotonic() - started
    tell(f"{len(messages):,} messages in {took:.0f} s: {counted(outcomes)}; nobody waits for the others")


def test_a_message_whose_links_are_none_of_celerys_fails_or_is_served_and_gone(bed: Bed, tell: Tell) -> None:
    outcomes = queued(bed, drawn(LINKED, CASES // 5))
    bed.assert_unharmed()
    tell(f"{len(outcomes):,} messages with links: {counted(outcomes.values())}")
