"""Where settings come from: the defaults, below one TOML file, below the environment."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from config.redis_url import with_password

PREFIX = "FALLBACK_"
DELIMITER = "__"

Tree = dict[str, Any]
"""A table of TOML, with its tables inside."""


class ConfigurationError(ValueError):
    """The configuration cannot be used. Its text has one line per error, and no value that may be a secret."""

    def __init__(self, *lines: str) -> None:
        # A name may hold what would break its line.
        super().__init__("\n".join(line if line.isprintable() else ascii(line)[1:-1] for line in lines))


def read(settings: type[BaseSettings], environ: Mapping[str, str]) -> Tree:
    """Returns the merged layers as one tree that `settings` is still to check.

    Raises:
        ConfigurationError: a file or a variable cannot be read, or a key is written where only its name belongs.
    """
    given = {name: value for name, value in environ.items() if value}
    path = given.get("FALLBACK_CONFIG")
    written = merge(_defaults(), _file(Path(path)) if path else {})
    overrides = _spell(_variables(settings, given), written)
    tree = merge(written, overrides)
    if "redis_url" not in overrides and "REDIS_URL" in given:
        tree["redis_url"] = given["REDIS_URL"]
    if password := _secret("redis_url", "REDIS_PASSWORD", given):
        tree["redis_url"] = with_password(
            str(tree.get("redis_url", settings.model_fields["redis_url"].default)), password
        )
    for name, provider in _tables(tree, "providers"):
        tree["providers"][name] = _complete(name, provider, overrides, given)
    return tree


def merge(below: Tree, above: Tree, path: tuple[str, ...] = ()) -> Tree:
    """Returns both trees as one; where they meet, `above` wins, table by table save for the models' entries."""
    merged = dict(below)
    for key, value in above.items():
        here = (*path, key)
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = merge(below[key], value, here) if both and not _is_model(here) else value
    return merged


def _is_model(path: tuple[str, ...]) -> bool:
    """Says whether a table replaces the one below it: the prices of one model are wrong for another."""
    return len(path) == 4 and path[0] == "providers" and path[2] == "models"


def _defaults() -> Tree:
    return tomllib.loads(files("config").joinpath("defaults.toml").read_text("utf-8"))


def _file(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise ConfigurationError(f"FALLBACK_CONFIG: {path}: {exc.strerror}") from exc
    except UnicodeDecodeError:
        raise ConfigurationError(f"FALLBACK_CONFIG: {path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"FALLBACK_CONFIG: {path}: {exc}") from exc
    except RecursionError:
        raise ConfigurationError(f"FALLBACK_CONFIG: {path}: is nested too deep") from None
    except ValueError:  # a path with a NUL, an integer of more digits than Python reads
        raise ConfigurationError(f"FALLBACK_CONFIG: {path}: cannot be read") from None


def _variables(settings: type[BaseSettings], given: Mapping[str, str]) -> Tree:
    ours = {name: value for name, value in given.items() if _is_ours(settings, name)}
    for name, value in ours.items():
        try:
            _explode(settings, {name: value})
        except (SettingsError, RecursionError):
            raise ConfigurationError(f"{name}: is not JSON, as a list or a table must be") from None
    return _explode(settings, ours)


def _is_ours(settings: type[BaseSettings], name: str) -> bool:
    """Says whether a variable is read; one without the delimiter that names no section may be anybody's.

    Kubernetes gives every pod FALLBACK_PORT and the like for a service named "fallback".
    """
    if not name.upper().startswith(PREFIX):
        return False
    section, nested, _ = name[len(PREFIX) :].lower().partition(DELIMITER)
    if section in settings.model_fields:
        return True
    if nested:
        raise ConfigurationError(f"{name}: unknown section; there are {', '.join(settings.model_fields)}")
    return False


def _explode(settings: type[BaseSettings], variables: Mapping[str, str]) -> Tree:
    source = EnvSettingsSource(settings, case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter=DELIMITER)
    source.env_vars = {name.lower(): value for name, value in variables.items()}
    return source()


def _spell(layer: Tree, written: Tree) -> Tree:
    """Returns a variable's tree with the names of `written`: HIGH_PRIORITY means high-priority if that is there."""
    sections = [section for section in ("providers", "chains") if section in layer]
    spelled = layer | {section: _respell(layer[section], written.get(section)) for section in sections}
    for name, provider in _tables(spelled, "providers"):
        if "models" in provider:
            models = dict(_tables(written, "providers")).get(name, {}).get("models")
            spelled["providers"][name] = {**provider, "models": _respell(provider["models"], models)}
    return spelled


def _respell(table: Any, known: Any) -> Any:
    if not isinstance(table, dict) or not isinstance(known, dict):
        return table
    return {_known(key, known): value for key, value in table.items()}


def _known(key: str, known: Iterable[str]) -> str:
    same_letters = (name for name in known if name.lower() == key.lower())
    same_words = (name for name in known if name.lower().replace("-", "_") == key.lower().replace("-", "_"))
    return next(same_letters, next(same_words, key))


def _tables(tree: Tree, section: str) -> list[tuple[str, Tree]]:
    tables = tree.get(section)
    return [item for item in tables.items() if isinstance(item[1], dict)] if isinstance(tables, dict) else []


def _complete(name: str, provider: Tree, overrides: Tree, given: Mapping[str, str]) -> Tree:
    """Returns a provider's table with the base URL and the key that its variables hold."""
    if "api_key" in provider:
        raise ConfigurationError(f"providers.{name}.api_key: put its variable's name in api_key_env, never the key")
    completed = dict(provider)
    base_url = given.get(str(provider.get("base_url_env", "")))
    if base_url and "base_url" not in dict(_tables(overrides, "providers")).get(name, {}):
        completed["base_url"] = base_url
    if key := _secret(f"providers.{name}.api_key_env", str(provider.get("api_key_env", "")), given):
        completed["api_key"] = SecretStr(key)
    return completed


def _secret(path: str, variable: str, given: Mapping[str, str]) -> str:
    """Returns what a variable holds, or the file that the same name with _FILE names, stripped; empty if neither."""
    if variable in given:
        return given[variable].strip()
    if not variable or f"{variable}_FILE" not in given:
        return ""
    try:
        return Path(given[f"{variable}_FILE"]).read_text("utf-8").strip()
    except (OSError, ValueError) as exc:
        # The value stays out of the message: people put the key itself where the file's name belongs.
        reason = os.strerror(exc.errno) if isinstance(exc, OSError) and exc.errno else "is not UTF-8 text"
        raise ConfigurationError(f"{path}: {variable}_FILE: {reason}") from None
