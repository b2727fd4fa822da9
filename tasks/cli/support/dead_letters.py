"""Dead letters as lines of output."""

from tasks.cli.support.duration import instant
from tasks.cli.support.quoting import quoted
from tasks.cli.support.usd import usd
from worker.chain.report import total
from worker.task.dead_letters import DeadLetter


def line(letter: DeadLetter) -> str:
    """Returns a dead letter as one line: time, task, chain, error, message, and what it cost."""
    texts = map(quoted, (letter.task_id, letter.chain, letter.error, letter.message))
    cost = total(letter.attempts)
    paid = (f"for {usd(cost)}",) if cost else ()
    return " ".join((instant(letter.at_ms / 1000), *texts, *paid))


def none_found(since: float | None) -> str:
    """Returns the sentence for an empty list."""
    return "no dead letters" + ("" if since is None else " in that time")
