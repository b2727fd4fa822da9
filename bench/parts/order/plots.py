"""The figure of docs/benchmarks/order.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.kit.svg import COLOURS, document, save
from bench.parts.order.figures import shares
from bench.parts.order.runs import POLICIES, Run
from bench.parts.order.scenarios import CHEAP_OR_DEAR, MINUTE, SLOWER, SLOWNESS, Scenario
from bench.parts.order.tables import ByPolicy

WIDTH = 15.0
"""Seconds of one point of a curve."""

_COLOURS = dict(zip(POLICIES, (COLOURS[0], COLOURS[2], COLOURS[1], "#8957e5"), strict=True))


def draw(path: Path, stories: Mapping[str, ByPolicy], runs: Mapping[str, Mapping[str, Sequence[Run]]]) -> None:
    """Writes the figure: an SVG, or where the path ends with .png, a picture to look at."""
    with document("order"):
        figure = Figure(figsize=(10, 7.6), layout="constrained")
        ((regrets, slower), (seconds, slowness)) = figure.subplots(2, 2, width_ratios=(4, 5))
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
        _regrets(regrets, stories)
        _asked(slower, "Three times slower from minute 5 on", SLOWER, runs)
        _seconds(seconds, runs)
        _asked(slowness, "Four times slower from minute 3 to 6", SLOWNESS, runs)
        figure.legend(*regrets.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
        save(figure, path)


def _regrets(axes: Axes, stories: Mapping[str, ByPolicy]) -> None:
    for i, (policy, colour) in enumerate(_COLOURS.items()):
        percents = [median(100 * each.regret / each.oracle for each in found[policy]) for found in stories.values()]
        places = [place + 0.2 * (i - 1.5) for place in range(len(stories))]
        axes.barh(places, percents, 0.18, color=colour, label=policy)
    axes.set_yticks(range(len(stories)), [story.replace(" or dear", "\nor dear") for story in stories])
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xticks([0, 5, 10, 30, 100], ["0", "5", "10", "30", "100"])
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.set_title("Beyond the oracle", loc="left")
    axes.set(xlabel="regret, % of what the oracle pays")


def _seconds(axes: Axes, runs: Mapping[str, Mapping[str, Sequence[Run]]]) -> None:
    names = [f"{each.second_usd:g}" for each in CHEAP_OR_DEAR]
    for policy, colour in _COLOURS.items():
        percents = [
            median(100 * run.figures.regret / run.figures.oracle for run in runs[each.name][policy])
            for each in CHEAP_OR_DEAR
        ]
        axes.plot(names, percents, "o-", color=colour, linewidth=2, markersize=4)
    axes.set_title("Cheap and slow, or dear and fast", loc="left")
    axes.set(xlabel="USD that a second is worth", ylabel="regret, % of what the oracle pays", ylim=(0, None))


def _asked(axes: Axes, title: str, scenario: Scenario, runs: Mapping[str, Mapping[str, Sequence[Run]]]) -> None:
    for policy, colour in _COLOURS.items():
        each = [shares(scenario, run.completed, scenario.sick, WIDTH) for run in runs[scenario.name][policy]]
        percents = [fmean(at) for at in zip(*each, strict=True)]
        minutes = [(place + 0.5) * WIDTH / MINUTE for place in range(len(percents))]
        axes.plot(minutes, percents, color=colour, linewidth=2)
    axes.set_title(title, loc="left")
    axes.set(xlabel="minutes", ylabel=f"completions that ask {scenario.sick} first, %", ylim=(0, 103))
    axes.set_xlim(0, scenario.minutes)
