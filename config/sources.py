"""The sources of settings. The environment overrides one TOML file, which overrides the defaults."""

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

from config.errors import ConfigurationError
from config.presets import applied
from config.redis_url import has_password, with_password
from config.secret_file import SecretFile

PREFIX = "FALLBACK_"
DELIMITER = "__"
REDIS_LOGIN = "redis_url.password"
"""The path of the password of `redis_url`, which has a variable of its own."""

Tree = dict[str, Any]
"""A table of TOML with its nested tables."""


@dataclass(frozen=True, repr=False)
class Layer:
    """A part of the settings that overrides the layers below it. It has no repr, because it may hold keys.

    `origins` has parts of the tree with their origin: `preset NAME`, `default`, the path of the file, or the name of a
    variable. A later part overrides an earlier one.
    """

    tree: Tree
    origins: tuple[tuple[str, Tree], ...]


def layers(settings: type[BaseSettings], environ: Mapping[str, str]) -> list[Layer]:
    """Returns the layers, the lowest first; merged they are one tree, which is not validated yet.

    Raises:
        ConfigurationError: a file or a variable cannot be read, or a setting holds a key instead of a variable's name.
    """
    given = {name: value for name, value in environ.items() if value}
    path = given.get("FALLBACK_CONFIG")
    found = [_layer("default", _defaults())] + ([_layer(path, _file(Path(path)))] if path else [])
    overrides = _variables(settings, given, merged(found))
    found.append(overrides)
    found = [_layer(*preset) for preset in applied(merged(found))] + found
    found += _redis_url(settings, merged(found), overrides.tree, given)
    for name, provider in _tables(merged(found), "providers"):
        found += _completions(name, provider, overrides.tree, given)
    for name, receiver in _tables(merged(found), "alerts"):
        found += _secrets(name, receiver, given)
    return found


def merged(found: Iterable[Layer]) -> Tree:
    """Returns the layers, the lowest first, as one tree."""
    return reduce(merge, (layer.tree for layer in found))


def merge(below: Tree, above: Tree, path: tuple[str, ...] = ()) -> Tree:
    """Returns both trees as one. `above` wins; tables are merged, except a model's, which replaces the one below."""
    merged = dict(below)
    for key, value in above.items():
        here = (*path, key)
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = merge(below[key], value, here) if both and not _is_model(here) else value
    return merged


def _is_model(path: tuple[str, ...]) -> bool:
    """Returns whether a table replaces the one below it: the prices of one model are wrong for another."""
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
    """Returns whether a variable is a setting.

    One without the delimiter that names no section is ignored: Kubernetes sets FALLBACK_PORT and the like in every pod
    for a service named "fallback".

    Raises:
        ConfigurationError: it has the delimiter and names no section.
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
    """Returns a variable's tree with the names of `written`: HIGH_PRIORITY becomes high-priority if that exists."""
    sections = [section for section in ("providers", "models", "chains", "alerts") if section in layer]
    spelled = layer | {section: _respell(layer[section], written.get(section)) for section in sections}
    for name, provider in _tables(spelled, "providers"):
        below = dict(_tables(written, "providers")).get(name, {})
        if "models" in provider:
            provider["models"] = _respell(provider["models"], below.get("models"))
        if isinstance(headers := provider.get("headers"), dict):
            hyphened = {header.replace("_", "-"): value for header, value in headers.items()}
            provider["headers"] = _respell(hyphened, below.get("headers"))
    return spelled


def _respell(table: Any, known: Any) -> Any:
    if not isinstance(table, dict) or not isinstance(known, dict):
        return table
    return {known_name(key, known): value for key, value in table.items()}


def known_name(key: str, known: Iterable[str]) -> str:
    """Returns the known name that equals a key without regard to case, then to hyphens; else the key itself."""
    same_letters = (name for name in known if name.lower() == key.lower())
    same_words = (name for name in known if name.lower().replace("-", "_") == key.lower().replace("-", "_"))
    return next(same_letters, next(same_words, key))


def _tables(tree: Tree, section: str) -> list[tuple[str, Tree]]:
    tables = tree.get(section)
    return [item for item in tables.items() if isinstance(item[1], dict)] if isinstance(tables, dict) else []


def _redis_url(settings: type[BaseSettings], tree: Tree, overrides: Tree, given: Mapping[str, str]) -> Iterator[Layer]:
    """Yields the layers of REDIS_URL and of the password's variable."""
    url = str(tree.get("redis_url", settings.model_fields["redis_url"].default))
    if "redis_url" not in overrides and "REDIS_URL" in given:
        url = given["REDIS_URL"]
        yield _layer("REDIS_URL", {"redis_url": url})
    password, variable = _secret("redis_url", "REDIS_PASSWORD", given)
    if password and not has_password(url):
        login = with_password(url, password.get_secret_value())
        yield Layer({"redis_url": login}, ((variable, {REDIS_LOGIN: ""}),))


def _completions(name: str, provider: Tree, overrides: Tree, given: Mapping[str, str]) -> Iterator[Layer]:
    """Yields the layers of the variables of a provider's base URL, key and headers."""
    if "api_key" in provider:
        raise ConfigurationError(f"providers.{name}.api_key: put its variable's name in api_key_env, never the key")
    variable = str(provider.get("base_url_env", ""))
    if variable in given and "base_url" not in dict(_tables(overrides, "providers")).get(name, {}):
        yield _layer(variable, {"providers": {name: {"base_url": given[variable]}}})
    key, variable = _secret(f"providers.{name}.api_key_env", str(provider.get("api_key_env", "")), given)
    if key:
        yield _layer(variable, {"providers": {name: {"api_key": key}}})
    for header, table in _tables(provider, "headers"):
        path = f"providers.{name}.headers.{header}"
        if "value" in table:
            raise ConfigurationError(f"{path}.value: put its variable's name in env, never the value")
        value, variable = _secret(f"{path}.env", str(table.get("env", "")), given)
        if value:
            yield _layer(variable, {"providers": {name: {"headers": {header: {"value": value}}}}})


def _secrets(name: str, receiver: Tree, given: Mapping[str, str]) -> Iterator[Layer]:
    """Yields the layers of the variables of an alert receiver's address and secret."""
    for field, why in (("url", "whoever knows it can post"), ("secret", "it signs")):
        path = f"alerts.{name}.{field}"
        if field in receiver:
            raise ConfigurationError(f"{path}: put its variable's name in {field}_env, never the value: {why}")
        value, variable = _secret(f"{path}_env", str(receiver.get(f"{field}_env", "")), given)
        if value:
            yield _layer(variable, {"alerts": {name: {field: value}}})


def _secret(path: str, variable: str, given: Mapping[str, str]) -> tuple[SecretStr | None, str]:
    """Returns the stripped value of a variable, or of the file that `<variable>_FILE` names; and the name set."""
    if variable in given:
        return SecretStr(given[variable].strip()) or None, variable
    file = f"{variable}_FILE"
    if not variable or file not in given:
        return None, variable
    try:
        place = Path(given[file]).absolute()  # a worker may change its folder
        return SecretFile(place.read_text("utf-8-sig").strip(), str(place)) or None, file
    except (OSError, ValueError) as exc:
        # The message omits the value: people put the key itself in place of the file's name.
        reason = os.strerror(exc.errno) if isinstance(exc, OSError) and exc.errno else "is not UTF-8 text"
        raise ConfigurationError(f"{path}: {file}: {reason}") from None
