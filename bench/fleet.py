"""Counts the calls that still reach a provider when it fails under a fleet of workers, and when its cooldown ends.

`python bench/fleet.py [--rounds N] [--quick]` starts Valkey, two providers and 2, then 4, then 8 worker processes, lets
the first provider fail again and again, prints what it found, and ends all of it. docs/benchmarks/fleet.md says how and
why.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import click
from redis import Redis
from rich.console import Console

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.kit.load import BenchError
from bench.kit.mortal import Manner
from bench.parts.fleet.outages import AT_ONCE, COOLDOWN, SLOTS, Bench, Outage, Return
from tasks.local.errors import FleetError
from worker.errors import RedisUnavailable

PROCESSES = (2, 4, 8)
OUTAGES = {
    "500s": Manner("failing", delay=0.0),
    "slow 500s": Manner("failing"),
    "resets": Manner("resetting", delay=0.0),
}
_PACKAGES = ("celery", "kombu", "redis", "httpx")

Trial = tuple[Outage, Return]

Row = tuple[int, str]
"""The number of worker processes, and the way of failing."""

Found = dict[Row, list[Trial]]
T = TypeVar("T", Outage, Return)


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 50))
@click.option("--quick", is_flag=True, help="One round with 2 worker processes, to see that it runs.")
def main(rounds: int, quick: bool) -> None:
    """Measures what a provider's outage costs a fleet."""
    console = report.console()
    try:
        with ExitStack() as stack:
            bench = Bench.start(Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
            with Redis.from_url(bench.server.url) as server:
                console.print(f"{report.machine(*_PACKAGES)}, {report.server(server)}", soft_wrap=True)
            found = _run(console, bench, PROCESSES[:1] if quick else PROCESSES, 1 if quick else rounds)
            _show(console, bench.threshold, found)
    except (BenchError, FleetError, RedisUnavailable) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, bench: Bench, sizes: Sequence[int], rounds: int) -> Found:
    found: Found = {}
    for size in sizes:
        with console.status(f"starting workers, to be {size}"):
            bench.grow(size)
        for number in range(rounds):
            for name, outage in OUTAGES.items():
                with console.status(f"{size} workers, round {number + 1} of {rounds}: {name}"):
                    found.setdefault((size, name), []).append(_trial(bench, outage))
    return found


def _trial(bench: Bench, manner: Manner) -> Trial:
    # The one call of the 50 takes a while to fail, so that the others ask while it is under way.
    return bench.fail(manner), bench.ask_again(Manner(manner.kind))


def _show(console: Console, threshold: int, found: Found) -> None:
    outages = {row: [outage for outage, _ in trials] for row, trials in found.items()}
    returns = {row: [again for _, again in trials] for row, trials in found.items()}
    _table(
        console,
        "calls at the provider that fails under full load",
        outages,
        {
            "under way then": lambda outage: outage.under_way,
            "reached it after": lambda outage: outage.reached,
            "it failed in all": lambda outage: outage.failed,
            "at most": lambda outage: threshold + outage.under_way,
            "failures to open": lambda outage: outage.to_open,
        },
    )
    times: dict[str, Callable[[Outage], float]] = {
        "until open": lambda outage: outage.opened_ms,
        "until the last call": lambda outage: outage.last_ms,
    }
    _table(console, "ms from its failure", outages, times)
    _table(
        console,
        f"{AT_ONCE} at once at the cooldown's end, still down",
        returns,
        {
            "reached it": lambda again: again.reached,
            "refused: half-open": lambda again: again.refused["half-open"],
            "refused: open": lambda again: again.refused["open"],
        },
    )
    rounds = len(next(iter(found.values())))
    console.print(f"{rounds} rounds: median (lowest to highest); {SLOTS} slots a worker, a cooldown of {COOLDOWN:g} s")
    _judge(console, threshold, found)


def _table(
    console: Console, title: str, rows: Mapping[Row, Sequence[T]], columns: Mapping[str, Callable[[T], float]]
) -> None:
    lines = {
        f"{size} workers, {name}": [
            report.spread([figure(one) for one in its], digits=0) for figure in columns.values()
        ]
        for (size, name), its in rows.items()
    }
    console.print(report.grid(title, [*columns], lines))


def _judge(console: Console, threshold: int, found: Found) -> None:
    met, trials = report.met, [trial for its in found.values() for trial in its]
    console.print(f"aim: a failed provider fails at most {threshold} calls more than were under way, each time")
    for manner in OUTAGES:
        outages = [outage for (_, name), its in found.items() if name == manner for outage, _ in its]
        over, beyond = max(d.failed - d.under_way for d in outages), max(d.failed - d.slots for d in outages)
        console.print(f"  {manner}: {over:+} at worst, {beyond:+} to all slots: {met(over <= threshold)}")
    reached = {again.reached for _, again in trials}
    aim = f"1 call of {AT_ONCE}, each time; it is {min(reached)} to {max(reached)}"
    console.print(f"aim: at the cooldown's end {aim}: {met(reached == {1})}")
    unanswered = sum(outage.unanswered + again.unanswered for outage, again in trials)
    completions = sum(outage.completions + AT_ONCE for outage, _ in trials)
    console.print(f"aim: every completion is answered; {unanswered} of {completions} were not: {met(unanswered == 0)}")


if __name__ == "__main__":
    main()
