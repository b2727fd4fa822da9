"""Prints samples that came in pairs: median and range of each side, and the ratio pair by pair."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median

from redis import Redis
from rich import box
from rich.table import Table

_PACKAGES = ("celery", "kombu", "redis", "httpx", "pydantic")


@dataclass(frozen=True)
class Row:
    """One quantity, a sample of each side per round; `ours[i]` was measured right beside `barest[i]`."""

    name: str
    barest: Sequence[float]
    ours: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Returns ours / barest, pair by pair."""
        return [our / bare for our, bare in zip(self.ours, self.barest, strict=True)]

    @property
    def added(self) -> list[float]:
        """Returns ours - barest, pair by pair."""
        return [our - bare for our, bare in zip(self.ours, self.barest, strict=True)]


def table(title: str, rows: Sequence[Row]) -> Table:
    """Returns a table with a line per row: median (lowest to highest)."""
    lines = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    lines.add_column(min_width=18)
    for column in ("barest task", "this task", "ratio", "difference"):
        lines.add_column(column, justify="right", no_wrap=True, min_width=20)
    for row in rows:
        lines.add_row(row.name, *(_spread(samples) for samples in (row.barest, row.ours, row.ratios, row.added)))
    return lines


def machine(server: Redis) -> str:
    """Returns in one line what all this ran on."""
    info = server.info("server")
    name = info.get("server_name", "redis")
    packages = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python {platform.python_version()}, "
        f"{packages}, {name} {info.get(f'{name}_version', info['redis_version'])}"
    )


def _spread(samples: Sequence[float]) -> str:
    digits = 0 if abs(median(samples)) >= 50 else 2
    middle, low, high = (f"{value:.{digits}f}" for value in (median(samples), min(samples), max(samples)))
    return f"{middle} ({low} to {high})"
