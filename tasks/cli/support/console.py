"""The console that commands print to: as wide as the terminal, and as wide as the text where there is none."""

import os
import sys

from rich.console import Console

_WIDEST = 1000
"""Columns if there is no terminal, so that nothing is cut or wrapped."""


def console() -> Console:
    """Returns the console; who sets COLUMNS gets that width."""
    is_bounded = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if is_bounded else _WIDEST)
