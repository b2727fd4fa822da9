"""The figure of docs/benchmarks/detectors.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.kit.svg import COLOURS, INK, PAPER, document, save
from bench.parts.detectors.alarms import FAILURE_RULES, LATENCY_RULES
from bench.parts.detectors.noise import Noise
from bench.parts.detectors.scenarios import Delays
from bench.parts.detectors.tables import DelaysByRule, FalseByRule

NONE = 0.0005
"""Where a logarithmic scale shows no alarm at all."""

_PLAIN = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}

HIGH = 30
"""Percent of runs above which a curve's label stands below it."""

Curve = tuple[str, Delays, str, str]
"""A label, what it is of, colour and line style."""


def draw(
    path: Path,
    failing_more: DelaysByRule,
    failing: Mapping[float, FalseByRule],
    slower: Mapping[float, DelaysByRule],
    steady: Mapping[Noise, FalseByRule],
) -> None:
    """Writes the figure.

    Args:
        path: of the SVG; where it ends with .png, of a picture to look at.
        failing_more: from 1 % to 30 %.
        failing: by share of failures.
        slower: by factor, at sigma 0.5.
        steady: by scatter.
    """
    of_failures = [(rule, failing_more[rule], colour, "-") for rule, colour in zip(FAILURE_RULES, COLOURS, strict=True)]
    of_latency = [
        (f"{rule}, x{times}", slower[times][rule], colour, style)
        for rule, colour, several in zip(LATENCY_RULES, COLOURS, ((2, 3), (3, 5)), strict=False)
        for times, style in zip(several, ("--", "-"), strict=True)
    ]
    with document("detectors"):
        figure = Figure(figsize=(10, 7.6), layout="constrained")
        ((rising, baselines), (slowing, scatters)) = figure.subplots(2, 2, width_ratios=(5, 4))
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
        _shares(rising, "Failures rise from 1 % to 30 %", of_failures, 120, 0.75)
        _baselines(baselines, failing)
        _shares(slowing, "First tokens take 2 to 5 times as long (sigma 0.5)", of_latency, 60, 0.75)
        _scatters(scatters, steady)
        save(figure, path)


def _shares(axes: Axes, title: str, curves: Sequence[Curve], calls: int, labelled: float) -> None:
    """Draws curves with their labels at the same share of the width: below those that are high, above the others."""
    for label, delays, colour, style in curves:
        shares = [100 * delays.share(call) for call in range(calls + 1)]
        axes.plot(shares, color=colour, linestyle=style, linewidth=2)
        at = round(labelled * calls)
        side, offset = ("top", -5) if shares[at] > HIGH else ("bottom", 4)
        where: dict[str, Any] = {"xytext": (0, offset), "textcoords": "offset points", "va": side, "ha": "center"}
        axes.annotate(label, (at, shares[at]), color=colour, **where)
    axes.set_title(title, loc="left")
    axes.set(xlabel="calls since the change", ylabel="runs that alarmed, %", xlim=(0, calls), ylim=(0, 103))


def _baselines(axes: Axes, failing: Mapping[float, FalseByRule]) -> None:
    for rule, colour in zip(FAILURE_RULES, COLOURS, strict=True):
        seen = {100 * share: rules[rule].rate for share, rules in failing.items() if rules[rule].rate}
        if not seen:
            axes.text(0.98, 0.03, f"{rule}: none", transform=axes.transAxes, color=colour, ha="right")
            continue
        axes.plot(seen.keys(), seen.values(), "o-", color=colour, linewidth=2, markersize=4)
        share = min(seen, key=lambda share: abs(share - 20))
        above = rule != FAILURE_RULES[0]
        where: dict[str, Any] = {"xytext": (-8, 4) if above else (8, -5), "textcoords": "offset points"}
        axes.annotate(
            rule,
            (share, seen[share]),
            color=colour,
            ha="right" if above else "left",
            va="bottom" if above else "top",
            **where,
        )
    axes.set_title("Nothing changes: failures", loc="left")
    axes.set(xlabel="calls that always fail, %", ylabel="false alarms per 10,000 calls", xlim=(0, None), yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()


def _scatters(axes: Axes, steady: Mapping[Noise, FalseByRule]) -> None:
    names = [scatter.name for scatter in steady]
    for rule, colour, marker in zip(LATENCY_RULES, COLOURS, "os", strict=False):
        rates = [max(rules[rule].rate, NONE) for rules in steady.values()]
        axes.plot(rates, names, marker, color=colour)
        where: dict[str, Any] = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(rule, (rates[0], names[0]), color=colour, bbox=_PLAIN, **where)
    axes.set_title("Nothing changes: first tokens", loc="left")
    axes.set(xlabel="false alarms per 10,000 calls", xscale="log")
    axes.set_xticks([NONE, 0.01, 0.1, 1, 10], ["none", "0.01", "0.1", "1", "10"])
    axes.minorticks_off()
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", linewidth=0.5, alpha=0.3, color=INK)
