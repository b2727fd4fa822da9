"""`fallback config`: the settings in force."""

import json
import sys

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.provenance import Entry, effective

_WIDTH = 1000
"""Columns if there is no terminal, so that no line is wrapped."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="An object on one line: value and origin by the setting's path.")
def config(as_json: bool) -> None:
    """Shows every setting in force, and which file or variable set it. Keys and passwords are not shown."""
    entries = effective()
    if as_json:
        click.echo(json.dumps({each.path: {"value": each.value, "from": each.origin} for each in entries}))
        return
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for each in entries:
        table.add_row(each.path, Text(_shown(each)), Text(each.origin))
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _shown(entry: Entry) -> str:
    if entry.value is None:
        return "-"
    return entry.value if isinstance(entry.value, str) and entry.value else json.dumps(entry.value)
