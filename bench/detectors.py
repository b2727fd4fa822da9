"""Measures how often the breaker's detectors alarm for nothing, and after how many calls once something has changed.

`python bench/detectors.py [--runs N] [--seed N] [--quick] [--plot docs/benchmarks/detectors.svg]` starts a server,
simulates calls in it, prints what it found, and ends it. It needs the extra `bench`. docs/benchmarks/detectors.md says
what it shows.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from redis import Redis
from rich.console import Console
from rich.status import Status

# Python puts this file's folder first, where `breaker` would be bench/breaker.py.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from bench.parts.detectors import late, specified, tables
from bench.parts.detectors.alarms import Detectors
from bench.parts.detectors.noise import HARDER, SPREADS
from bench.parts.detectors.plots import draw
from bench.parts.detectors.replay import Differs, replay
from bench.parts.detectors.scenarios import Simulation
from bench.parts.detectors.specified import CHANGES, FALSE_ALARMS, PROTOTYPE_LEARNED
from config.breaker import Breaker
from tasks.local import valkey
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from worker.errors import RedisUnavailable

SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
TIMES = (1.5, 2, 3, 5)
PLOTTED = SPREADS[2]
LEARNED, LEARNED_LATENCY = 2000, 500
"""Calls before a change, or before false alarms are counted: four time constants of the baseline, ten of the other."""

RUNS_OF_LATE = 60
"""As many times fewer runs of the learned limit: each of its calls is a record of its own."""


@click.command()
@click.option("--runs", default=300, show_default=True, type=click.IntRange(2, 100_000), help="Of each scenario.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--quick", is_flag=True, help="20 runs, to see that it runs.")
@click.option(
    "--plot", "plots", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="An SVG, or a PNG."
)
def main(runs: int, seed: int, quick: bool, plots: tuple[Path, ...]) -> None:
    """Measures the breaker's two detectors on simulated calls."""
    console = report.console()
    try:
        with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder)) as fleet:
            server = valkey.start(fleet)
            with Redis.from_url(server.url) as redis, console.status("replaying") as status:
                _run(console, status, redis, server.url, 20 if quick else runs, seed, plots)
    except (FleetError, RedisUnavailable, Differs) as exc:
        raise click.ClickException(str(exc)) from None
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything it started has ended") from None


def _run(console: Console, status: Status, redis: Redis, url: str, runs: int, seed: int, plots: Sequence[Path]) -> None:
    detectors = Detectors(redis, Breaker())
    console.print(f"{replay(url, detectors, seed):,} calls through the product: it alarmed at the very same ones")
    simulation = Simulation(detectors, runs, seed)
    # The prototype knew no least number of failures in the window, and its baselines were younger.
    prototype = Simulation(Detectors(redis, Breaker(failure_threshold=1)), runs, seed)

    status.update("failures")
    failing = {share: simulation.failing(share, LEARNED) for share in SHARES}
    changes = {change: simulation.failing_more(*change, LEARNED) for change in CHANGES}
    console.print(tables.failing(failing), tables.failing_more(changes))
    status.update("first tokens")
    steady = {scatter: simulation.steady(scatter, LEARNED_LATENCY) for scatter in (*SPREADS, *HARDER)}
    slower = {
        scatter: {times: simulation.slower(scatter, times, LEARNED_LATENCY) for times in TIMES} for scatter in steady
    }
    again = {scatter: simulation.slower_for_a_while(scatter, 3, LEARNED_LATENCY) for scatter in steady}
    console.print(tables.steady(steady), tables.slower(slower), tables.slowness(steady, slower, again))
    status.update("as the prototype")
    as_prototype = {change: prototype.failing_more(*change, PROTOTYPE_LEARNED) for change in CHANGES}
    unlearned = {share: prototype.failing(share, 0) for share in FALSE_ALARMS}
    console.print(specified.failures(failing, unlearned, changes, as_prototype))
    console.print(specified.latency([(steady[spread], slower[spread][3]) for spread in SPREADS]))
    status.update("the learned limit")
    seeds = range(seed, seed + max(2, runs // RUNS_OF_LATE))
    sides = [(usual, sigma, side) for usual in late.USUAL for sigma in late.SIGMAS for side in late.SIDES]
    console.print(late.rows({of: late.measured(url, *of, seeds) for of in sides}))
    calls = detectors.calls + prototype.detectors.calls
    console.print(f"{runs:,} runs of each scenario, {calls / 1e6:.0f} million calls, seed {seed}")
    for plot in plots:
        draw(plot, changes[0.01, 0.3], failing, slower[PLOTTED], steady)


if __name__ == "__main__":
    main()
