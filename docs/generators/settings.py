"""Every setting of `config`: its path, its environment variable, what it may be, its default."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from config.settings import Settings
from config.sources import DELIMITER, PREFIX
from docs.generators.schemas import Schema, default, described, present, resolved
from docs.generators.tables import Table, code

PLACEHOLDERS = {
    "providers": "NAME",
    "chains": "NAME",
    "models": "TIER",
    "outcomes": "CLASS",
    "errors": "EVIDENCE",
    "headers": "HEADER",
    "tenants": "TENANT",
    "alerts": "RECEIVER",
}
"""What stands on the page for a key that the operator chooses."""

_MODELS = ("models",)
"""The table of models' names, beside which a provider's `models` has tiers."""

_HEADER = ["setting and variable", "value", "default", "meaning"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    `path` has placeholders for the keys that the operator chooses. `variable` is None where no variable may hold the
    setting. `default` is Markdown.
    """

    path: tuple[str, ...]
    value: str
    default: str
    variable: str | None


@cache
def settings() -> dict[str, Setting]:
    """Returns every setting by its dotted path, in the order of the models."""
    root = Settings.model_json_schema(mode="validation")
    return {".".join(each.path): each for each in _table(root, root, (), set())}


def annotated(notes: Table) -> Table:
    """Returns rows of `setting`, `unit` and `meaning` with what the models say about each setting.

    Raises:
        ValueError: a row is about no setting.
    """
    return Table(_HEADER, [_row(*cells) for cells in notes.rows])


def _row(name: str, unit: str, meaning: str) -> list[str]:
    found = settings().get(code(name))
    if found is None:
        raise ValueError(f"no setting {code(name)}")
    variable = f"<br>`{found.variable}`" if found.variable else ""
    return [name + variable, ", ".join(filter(None, (found.value, unit))), found.default, meaning]


def _table(schema: Schema, root: Schema, path: tuple[str, ...], seen: set[str]) -> Iterator[Setting]:
    for name, field in schema["properties"].items():
        if name == "name" and path and path[-1] == "NAME":  # the table's key
            continue
        yield from _field(field, root, (*path, name), seen)


def _field(field: Schema, root: Schema, path: tuple[str, ...], seen: set[str]) -> Iterator[Setting]:
    here = present(field)
    entries = [*here.get("patternProperties", {}).values(), here.get("additionalProperties")]
    entry = next((each for each in entries if isinstance(each, dict)), None)
    if entry is not None:
        key = "MODEL" if path == _MODELS else PLACEHOLDERS[path[-1]]
        yield from _field(entry, root, (*path, key), seen)
    elif "properties" not in resolved(here, root):
        yield Setting(path, described(here, root), default(field), _variable(path, here))
    elif here.get("$ref") in seen:
        yield Setting(path, f"table, as `{path[-1]}`", f"`{path[-1]}`", _variable(path, here))
    else:
        seen.add(str(here.get("$ref")))
        yield from _table(resolved(here, root), root, path, seen)


def _variable(path: tuple[str, ...], schema: Schema) -> str | None:
    return None if schema.get("format") == "password" else PREFIX + DELIMITER.join(path).upper()
