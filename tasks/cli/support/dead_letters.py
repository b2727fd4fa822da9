"""Dead letters as lines of output."""

from typing import Any

from tasks.cli.support.duration import instant
from tasks.cli.support.quoting import quoted
from tasks.cli.support.usd import usd
from worker.chain.report import total
from worker.task.dead_letters import DeadLetter
from worker.task.journal import fields


def line(letter: DeadLetter) -> str:
    """Returns a dead letter as one line: time, task, chain, error, message, and what it cost."""
    texts = map(quoted, (letter.task_id, letter.chain, letter.error, letter.message))
    cost = total(letter.attempts)
    paid = (f"for {usd(cost)}",) if cost else ()
    return " ".join((instant(letter.at_ms / 1000), *texts, *paid))


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """Returns a dead letter as JSON values; `at` is an epoch in seconds."""
    return {
        "task_id": letter.task_id,
        "at": letter.at_ms / 1000,
        "chain": letter.chain,
        "error": letter.error,
        "message": letter.message,
        "cost_usd": total(letter.attempts),
        "attempts": [fields(attempt) for attempt in letter.attempts],
    }


def none_found(since: float | None) -> str:
    """Returns the sentence for an empty list."""
    return "no dead letters" + ("" if since is None else " in that time")
