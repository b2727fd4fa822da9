"""Where settings come from: the defaults, below one TOML file, below the environment."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from config.redis_url import has_password, with_password

PREFIX = "FALLBACK_"
DELIMITER = "__"
REDIS_LOGIN = "redis_url.password"
"""Stands for the part of `redis_url` that a variable of its own holds."""

Tree = dict[str, Any]
"""A table of TOML, with its tables inside."""


class ConfigurationError(ValueError):
    """The configuration cannot be used. Its text has one line per error, and no value that may be a secret."""

    def __init__(self, *lines: str) -> None:
        # A name may hold what would break its line.
        super().__init__("\n".join(line if line.isprintable() else ascii(line)[1:-1] for line in lines))


@dataclass(frozen=True, repr=False)
class Layer:
    """A part of the settings that stands above others. It has no repr, as it may hold keys.

    `said` is who says which part of the tree: `default`, the file's path, or variables by name, the one that wins last.
    """

    tree: Tree
    said: tuple[tuple[str, Tree], ...]


def layers(settings: type[BaseSettings], environ: Mapping[str, str]) -> list[Layer]:
    """Returns the layers, the lowest first; merged they are one tree that `settings` is still to check.

    Raises:
        ConfigurationError: a file or a variable cannot be read, or a key is written where only its name belongs.
    """
    given = {name: value for name, value in environ.items() if value}
    path = given.get("FALLBACK_CONFIG")
    found = [_layer("default", _defaults())] + ([_layer(path, _file(Path(path)))] if path else [])
    overrides = _variables(settings, given, merged(found))
    found.append(overrides)
    found += _redis_url(settings, merged(found), overrides.tree, given)
    for name, provider in _tables(merged(found), "providers"):
        found += _completions(name, provider, overrides.tree, given)
    return found


def merged(found: Iterable[Layer]) -> Tree:
    """Returns the layers, the lowest first, as one tree."""
    return reduce(merge, (layer.tree for layer in found))


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


def _layer(origin: str, tree: Tree) -> Layer:
    return Layer(tree, ((origin, tree),))


def _variables(settings: type[BaseSettings], given: Mapping[str, str], written: Tree) -> Layer:
    ours = {name: value for name, value in given.items() if _is_ours(settings, name)}
    alone = {}
    for name, value in ours.items():
        try:
            alone[name] = _spell(_explode(settings, {name: value}), written)
        except (SettingsError, RecursionError):
            raise ConfigurationError(f"{name}: is not JSON, as a list or a table must be") from None
    # As in pydantic-settings, the variable of a field wins over that of its table.
    deepest_last = sorted(alone.items(), key=lambda item: item[0].count(DELIMITER))
    return Layer(_spell(_explode(settings, ours), written), tuple(deepest_last))


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
    return {known_name(key, known): value for key, value in table.items()}


def known_name(key: str, known: Iterable[str]) -> str:
    """Returns the name that a key means: with other letters, or a hyphen for an underscore; itself if there is none."""
    same_letters = (name for name in known if name.lower() == key.lower())
    same_words = (name for name in known if name.lower().replace("-", "_") == key.lower().replace("-", "_"))
    return next(same_letters, next(same_words, key))


def _tables(tree: Tree, section: str) -> list[tuple[str, Tree]]:
    tables = tree.get(section)
    return [item for item in tables.items() if isinstance(item[1], dict)] if isinstance(tables, dict) else []


def _redis_url(settings: type[BaseSettings], tree: Tree, overrides: Tree, given: Mapping[str, str]) -> Iterator[Layer]:
    """Returns the layers that REDIS_URL and the password's variable are."""
    url = str(tree.get("redis_url", settings.model_fields["redis_url"].default))
    if "redis_url" not in overrides and "REDIS_URL" in given:
        url = given["REDIS_URL"]
        yield _layer("REDIS_URL", {"redis_url": url})
    password, variable = _secret("redis_url", "REDIS_PASSWORD", given)
    if password and not has_password(url):
        yield Layer({"redis_url": with_password(url, password)}, ((variable, {REDIS_LOGIN: ""}),))


def _completions(name: str, provider: Tree, overrides: Tree, given: Mapping[str, str]) -> Iterator[Layer]:
    """Returns the layers that the variables of a provider's base URL and key are."""
    if "api_key" in provider:
        raise ConfigurationError(f"providers.{name}.api_key: put its variable's name in api_key_env, never the key")
    variable = str(provider.get("base_url_env", ""))
    if variable in given and "base_url" not in dict(_tables(overrides, "providers")).get(name, {}):
        yield _layer(variable, {"providers": {name: {"base_url": given[variable]}}})
    key, variable = _secret(f"providers.{name}.api_key_env", str(provider.get("api_key_env", "")), given)
    if key:
        yield _layer(variable, {"providers": {name: {"api_key": SecretStr(key)}}})


def _secret(path: str, variable: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Returns what a variable, or the file that the same name with _FILE names, holds, stripped; and which of them."""
    if variable in given:
        return given[variable].strip(), variable
    file = f"{variable}_FILE"
    if not variable or file not in given:
        return "", variable
    try:
        return Path(given[file]).read_text("utf-8").strip(), file
    except (OSError, ValueError) as exc:
        # The value stays out of the message: people put the key itself where the file's name belongs.
        reason = os.strerror(exc.errno) if isinstance(exc, OSError) and exc.errno else "is not UTF-8 text"
        raise ConfigurationError(f"{path}: {file}: {reason}") from None
