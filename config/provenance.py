"""The settings in force and the origin of each, without keys and passwords."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pydantic import SecretStr

from config.redis_url import has_password, shown
from config.settings import Settings, checked
from config.sources import REDIS_LOGIN, Layer, Tree, known_name, layers, merge, merged

_DEFAULT = "default"

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting in force.

    `value` is a JSON value: `set` in place of a key or password, None if there is none. `origin` is `default`, the path
    of the file, or the name of the variable.
    """

    path: str
    value: Any
    origin: str


def effective(environ: Mapping[str, str] | None = None) -> list[Entry]:
    """Returns every setting of an environment, by default this process's, and of the file that it names.

    Raises:
        ConfigurationError: they are invalid.
    """
    found = layers(Settings, os.environ if environ is None else environ)
    settings = checked(merged(found))
    origins = _inherited(reduce(merge, map(_origins, found)))
    table = settings.model_dump(by_alias=True)
    entries = [Entry(".".join(path), value, _origin(origins, path)) for path, value in _leaves(table)]
    return [each for entry in entries for each in (_of_redis(entry, origins) if entry.path == "redis_url" else [entry])]


def _of_redis(entry: Entry, origins: Tree) -> list[Entry]:
    password = "set" if has_password(entry.value) or REDIS_LOGIN in origins else None
    origin = origins.get(REDIS_LOGIN, entry.origin)
    return [Entry(entry.path, shown(entry.value), entry.origin), Entry(REDIS_LOGIN, password, origin)]


def _origins(layer: Layer) -> Tree:
    """Returns the layer's tree with the origin of each value in its place."""
    return reduce(_overlaid, (_marked(tree, origin) for origin, tree in layer.origins), {})


def _marked(tree: Tree, origin: str) -> Tree:
    return {key: _marked(value, origin) if isinstance(value, dict) else origin for key, value in tree.items()}


def _overlaid(below: Tree, above: Tree) -> Tree:
    """Returns two trees of one layer as one, merged key by key, also inside a model."""
    both = {key: _overlaid(below[key], above[key]) for key in below.keys() & above.keys() if _tables(below, above, key)}
    return {**below, **above, **both}


def _tables(below: Tree, above: Tree, key: str) -> bool:
    return isinstance(below[key], dict) and isinstance(above[key], dict)


def _inherited(origins: Tree) -> Tree:
    """Returns the origins with those of `[breaker]` copied to each provider, as the settings do."""
    shared = {"breaker": origins.get("breaker", {})}
    return {**origins, "providers": {name: merge(shared, own) for name, own in origins["providers"].items()}}


def _origin(origins: Tree, path: _Path) -> str:
    here: Any = origins
    for step in path:
        if not isinstance(here, dict):
            break
        here = here.get(known_name(step, here))
    return here if isinstance(here, str) else _DEFAULT


def _leaves(table: Mapping[str, Any], above: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    for key, value in table.items():
        path = (*above, str(key))
        if isinstance(value, dict):
            yield from _leaves(value, path)
        elif not _is_key_of_its_table(path):
            yield path, _plain(value)


def _is_key_of_its_table(path: _Path) -> bool:
    return len(path) == 3 and path[0] in ("providers", "chains") and path[2] == "name"


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "set"
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value
