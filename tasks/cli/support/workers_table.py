"""The table of the workers, by name."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from worker.diagnosis.durations import span
from worker.telemetry.workers import Worker


def workers_table(workers: Sequence[Worker], now: float, *, is_known: bool = True) -> Table:
    """Returns a row per worker: whether it consumes or why not, its clock, its slots, its version, its last task.

    Args:
        workers: those to show; without any, a caption says so.
        now: the epoch in seconds by the clock of Redis.
        is_known: whether Redis takes their reports; of a worker that reports nothing nobody knows more without.
    """
    found = Table(box=None, pad_edge=False, caption_justify="left", caption_style="")
    for name in ("worker", "consuming", "clock", "slots", "version", "last task"):
        # A long name goes on in the next line: a terminal cuts nothing of it.
        found.add_column(name, no_wrap=name not in ("worker", "consuming"), overflow="fold")
    for each in workers:
        found.add_row(
            Text(each.name),
            _consuming(each, now, is_known),
            f"{each.clock_offset:+.1f} s",
            f"{each.used}/{each.slots}",
            each.version,
            f"{span(now - each.last_task_at)} ago" if each.last_task_at else "none",
        )
    if not workers:
        found.caption = "none; start one with `celery -A tasks worker`"
    return found


def _consuming(worker: Worker, now: float, is_known: bool) -> Text:
    if not is_known:
        return Text(f"not known, Redis takes no report since {span(now - worker.seen_at)}", "yellow")
    if not worker.alive:
        return Text(f"gone, last seen {span(now - worker.seen_at)} ago", "red")
    return Text("yes", "green") if worker.consuming else Text(f"no, {worker.reason}", "yellow")
