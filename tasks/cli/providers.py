"""`fallback providers`: what is configured, and what a preset configures."""

import json
import os
import sys
from dataclasses import asdict, dataclass

import click
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from config.presets import PRESETS, SOURCES
from config.providers import Provider
from tasks.celery import settings

_WIDTH = 1000
"""Columns if there is no terminal, so that no line is wrapped."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One provider, or one preset as a provider of its name would be.

    Attributes:
        name: the provider's or the preset's.
        preset: the preset of the provider, None without one.
        status: `configured`, or why it cannot be asked.
        dialect: its wire format.
        base_url: empty if it is the operator's to give.
        base_url_env: the variable of the base URL.
        api_key_env: the variable of the key.
        api_key_set: whether the variable, or the one with `_FILE` after its name, is set.
        model: the default model, empty if it is the operator's to give.
    """

    name: str
    preset: str | None
    status: str
    dialect: str
    base_url: str
    base_url_env: str
    api_key_env: str
    api_key_set: bool
    model: str


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="An object on one line: `providers`, and `presets` with `source`."
)
def providers(as_json: bool) -> None:
    """Shows the providers, and the presets with the variables that each wants. Keys are not shown."""
    configured = [_row(name, provider) for name, provider in settings.providers.items()]
    presets = [_row(name, _preset(name)) for name in PRESETS]
    if as_json:
        known = [{**asdict(row), "source": SOURCES[row.name]} for row in presets]
        click.echo(json.dumps({"providers": list(map(asdict, configured)), "presets": known}))
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(_table("provider", configured))
    console.print(
        '\nPresets. A table with preset = "NAME" makes a provider of one; the status is what it would have.\n'
    )
    console.print(_table("preset", presets))


def _preset(name: str) -> Provider:
    """Returns the provider that a preset makes in this environment, without its key."""
    provider = Provider.model_validate({"name": name, "preset": name, **PRESETS[name]})
    base_url = os.environ.get(provider.base_url_env) or provider.base_url
    key = SecretStr("set") if _is_set(provider.api_key_env) else None
    return provider.model_copy(update={"base_url": base_url, "api_key": key})


def _is_set(variable: str) -> bool:
    return bool(variable) and any(os.environ.get(each) for each in (variable, f"{variable}_FILE"))


def _row(name: str, provider: Provider) -> _Row:
    return _Row(
        name=name,
        preset=provider.preset,
        status=provider.missing or "configured",
        dialect=provider.dialect,
        base_url=provider.base_url,
        base_url_env=provider.base_url_env,
        api_key_env=provider.api_key_env,
        api_key_set=_is_set(provider.api_key_env),
        model=provider.models["default"].name,
    )


def _table(head: str, rows: list[_Row]) -> Table:
    table = Table(head, "status", "key's variable", "set", "base URL", "dialect", "model", box=None, pad_edge=False)
    for row in rows:
        is_set = ("yes" if row.api_key_set else "no") if row.api_key_env else "-"
        base_url = row.base_url or (f"in {row.base_url_env}" if row.base_url_env else "-")
        table.add_row(row.name, row.status, row.api_key_env or "-", is_set, base_url, row.dialect, row.model or "-")
    return table
