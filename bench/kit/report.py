"""Prints samples that came in pairs: median and range of each side, and the ratio pair by pair."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from random import Random
from statistics import median

from redis import Redis
from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One quantity, a sample of each side per round; `ours[i]` was measured right beside `theirs[i]`."""

    name: str
    theirs: Sequence[float]
    ours: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Returns ours / theirs, pair by pair."""
        return [our / their for our, their in zip(self.ours, self.theirs, strict=True)]

    @property
    def added(self) -> list[float]:
        """Returns ours - theirs, pair by pair."""
        return [our - their for our, their in zip(self.ours, self.theirs, strict=True)]


def interval(samples: Sequence[float]) -> tuple[float, float]:
    """Returns the 95 % interval of their median: the percentiles of 4,000 medians of as many, drawn with return."""
    drawn = Random(1)
    medians = sorted(median(drawn.choices(samples, k=len(samples))) for _ in range(4000))
    return medians[100], medians[3899]


def console() -> Console:
    """Returns where to print; wide enough for the tables where that is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 132)


def table(title: str, rows: Sequence[Row], sides: tuple[str, str] = ("barest task", "this task")) -> Table:
    """Returns a table with a line per row: median (lowest to highest)."""
    lines = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    lines.add_column(min_width=18, no_wrap=True)
    for column in (*sides, "ratio", "difference"):
        lines.add_column(column, justify="right", no_wrap=True, min_width=20)
    for row in rows:
        lines.add_row(row.name, *(spread(samples) for samples in (row.theirs, row.ours, row.ratios, row.added)))
    return lines


def grid(title: str, columns: Sequence[str], lines: Mapping[str, Sequence[str]]) -> Table:
    """Returns a table with a line per entry: its name, then what stands below the columns."""
    drawn = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column(min_width=18, no_wrap=True)
    for column in columns:
        drawn.add_column(column, justify="right", no_wrap=True)
    for name, cells in lines.items():
        drawn.add_row(name, *cells)
    return drawn


def machine(*packages: str) -> str:
    """Returns in one line what all this ran on."""
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    return f"{cores}, {platform.system()}, Python {platform.python_version()}, {versions}"


def server(redis: Redis) -> str:
    """Returns the server's name and version."""
    info = redis.info("server")
    name = info.get("server_name", "redis")
    return f"{name} {info.get(f'{name}_version', info['redis_version'])}"


def met(value: bool) -> str:
    """Returns the word for an aim that was met, or not."""
    return "met" if value else "not met"


def spread(samples: Sequence[float], digits: int | None = None) -> str:
    """Returns median (lowest to highest), with so many digits or as many as its size asks for."""
    if digits is None:
        digits = 0 if abs(median(samples)) >= 50 else 2
    middle, low, high = (f"{value:.{digits}f}" for value in (median(samples), min(samples), max(samples)))
    return f"{middle} ({low} to {high})"
