"""Presets: tables of providers that are known by name, as data; they are presets.toml."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from config.errors import ConfigurationError

Table = dict[str, Any]
"""A table of TOML with its nested tables."""


def _load() -> tuple[dict[str, Table], dict[str, tuple[str, ...]]]:
    tables: dict[str, Table] = tomllib.loads(files("config").joinpath("presets.toml").read_text("utf-8"))
    sources = {name: tuple(table.pop("source")) for name, table in tables.items()}
    return tables, sources


PRESETS, SOURCES = _load()
"""The table of a provider for each preset, and the addresses where its facts stand."""


def applied(tree: Table) -> Iterator[tuple[str, Table]]:
    """Yields the trees that the presets of a tree's providers stand for, each with its origin, `preset groq`.

    They belong below the tree. A variable that the preset reads a base URL from does not replace one that the tree has.

    Raises:
        ConfigurationError: there is no such preset.
    """
    providers = tree.get("providers")
    for name, provider in providers.items() if isinstance(providers, dict) else ():
        preset = provider.get("preset") if isinstance(provider, dict) else None
        if preset is not None:
            table = _table(name, preset)
            known = {key: value for key, value in table.items() if key != "base_url_env" or "base_url" not in provider}
            yield f"preset {preset}", {"providers": {name: known}}


def _table(provider: str, preset: Any) -> Table:
    if not isinstance(preset, str) or preset not in PRESETS:
        shown = ascii(preset) if isinstance(preset, str) and preset.isidentifier() else "of that name"
        raise ConfigurationError(f"providers.{provider}.preset: no preset {shown}; there are {', '.join(PRESETS)}")
    return PRESETS[preset]
