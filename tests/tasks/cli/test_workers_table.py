"""The workers as an operator sees them."""

from io import StringIO

from rich.console import Console

from tasks.cli.support.workers_table import workers_table
from tests.worker.diagnosis.fleet_facts import NOW, worker

LONG = "celery@fallback-worker-7d9c8b7f4-x2x9k.fallback.svc.cluster.local"
WHY = "told not to (cancel_consumer)"


def printed(*workers, width: int = 80) -> str:
    console = Console(width=width, file=StringIO())
    console.print(workers_table(workers, NOW))
    return console.file.getvalue()


def test_a_row_has_what_a_worker_does():
    row = printed(worker(used=3, last_task_at=NOW - 120, clock_offset=-0.04)).splitlines()[1]
    assert row.split() == ["one@host", "yes", "-0.0", "s", "3/100", "1.0.0", "2m", "ago"]


def test_a_long_name_and_a_reason_are_whole_on_a_narrow_terminal():
    text = printed(worker(LONG, consuming=False, reason=WHY))
    assert max(map(len, text.splitlines())) <= 80
    left = "".join(line[: text.index("consuming")] for line in text.splitlines()[1:])
    assert "".join(left.split()) == LONG
    assert [word for word in WHY.split() if word not in text] == []


def test_a_killed_worker_is_gone_and_an_empty_list_is_a_sentence():
    assert "gone, last seen 1m ago" in printed(worker(alive=False, seen_at=NOW - 60))
    assert "none; start one with `celery -A tasks worker`" in printed()
