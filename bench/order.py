"""Compares who is asked first: a scored chain beside the listed order, peak EWMA and LiteLLM's lowest latency.

`python bench/order.py [--runs N] [--seed N] [--jobs N] [--quick] [--plot docs/benchmarks/order.svg]` starts a server,
simulates completions whose breakers and scores are the product's scripts in it, prints what it found, and ends it. It
needs the extra `bench`. docs/benchmarks/order.md says what it shows.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import SimpleQueue
from pathlib import Path

import click

# Python puts this file's folder first, where `worker` would be its neighbour.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.parts.order import tables
from bench.parts.order.plots import draw
from bench.parts.order.runs import POLICIES, Run, begin, run
from bench.parts.order.scenarios import STORIES, Scenario
from tasks.local import valkey
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from worker.errors import RedisUnavailable

WIDE = 190
"""Characters of the widest table."""

Runs = dict[str, list[Run]]
"""By policy, one for each seed."""


@click.command()
@click.option("--runs", default=10, show_default=True, type=click.IntRange(1, 1000), help="Of each scenario.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the first run.")
@click.option("--quick", is_flag=True, help="One run of each, to see that it runs.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 16), help="Runs at a time.")
@click.option("--only", default="", help="Scenarios whose name has this.")
@click.option(
    "--plot", "plots", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="An SVG, or a PNG."
)
def main(runs: int, seed: int, quick: bool, jobs: int, only: str, plots: tuple[Path, ...]) -> None:
    """Measures what each order of a chain costs beyond that of an oracle."""
    console = report.console()
    console.width = max(console.width, WIDE)
    scenarios = [each for told in STORIES.values() for each in told if only in each.name]
    try:
        with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder)) as fleet:
            server = valkey.start(fleet)
            found: dict[str, Runs] = {}
            for name, each in _found(server.url, scenarios, range(seed, seed + (1 if quick else runs)), jobs):
                found[name] = each
                console.print(tables.scenario(name, _figures(each)))
    except (FleetError, RedisUnavailable) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None
    if only:
        return
    stories = tables.of_story({name: _figures(each) for name, each in found.items()})
    console.print(tables.regrets(stories), *tables.aims(stories), sep="\n")
    for plot in plots:
        draw(plot, stories, found)


def _found(url: str, scenarios: Sequence[Scenario], seeds: range, jobs: int) -> Iterator[tuple[str, Runs]]:
    """Yields what was found in each scenario, as soon as it is."""
    databases: SimpleQueue[int] = SimpleQueue()
    for number in range(jobs):
        databases.put(number)
    with ProcessPoolExecutor(jobs, initializer=begin, initargs=(url, databases)) as pool:
        begun = {each.name: [pool.submit(run, each, seed) for seed in seeds] for each in scenarios}
        for name, runs in begun.items():
            ended = [each.result() for each in runs]
            yield name, {policy: [each[policy] for each in ended] for policy in POLICIES}


def _figures(found: Runs) -> dict[str, list[tables.Figures]]:
    return {policy: [each.figures for each in runs] for policy, runs in found.items()}


if __name__ == "__main__":
    main()
