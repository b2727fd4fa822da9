"""Dead letters as lines of output."""

from tasks.cli.support.duration import instant
from tasks.cli.support.quoting import quoted
from worker.task.dead_letters import DeadLetter


def line(letter: DeadLetter) -> str:
    """Returns a dead letter as one line: time, task, chain, error and message."""
    texts = map(quoted, (letter.task_id, letter.chain, letter.error, letter.message))
    return " ".join((instant(letter.at_ms / 1000), *texts))


def none_found(since: float | None) -> str:
    """Returns the sentence for an empty list."""
    return "no dead letters" + ("" if since is None else " in that time")
