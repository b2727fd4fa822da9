"""What becomes of each field of a request: a dialect has one rule for each, and they make the body.

The reference page of requests is generated from the same rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from worker.providers.query import Query

Fields = Callable[[Query], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of one field.

    Attributes:
        kind: `unchanged` under its name, `mapped` to something else, `dropped` because the dialect lacks it, `refused`
            unless it is the default, or `ours`, which no provider sees.
        note: what else is to be known, as Markdown.
        fields: returns what the field makes of the body; None for nothing, or for a value that stays as it is.
        always: whether it makes something also of a request that has no such field.
    """

    kind: Literal["unchanged", "mapped", "dropped", "refused", "ours"]
    note: str = ""
    fields: Fields | None = None
    always: bool = False


Rules = Mapping[str, Rule]

UNCHANGED = Rule("unchanged")


def unchanged(note: str, fields: Fields, *, always: bool = False) -> Rule:
    """Returns the rule of a field that keeps its name and its meaning."""
    return Rule("unchanged", note, fields, always)


def mapped(note: str, fields: Fields, *, always: bool = False) -> Rule:
    """Returns the rule of a field that becomes another."""
    return Rule("mapped", note, fields, always)


def dropped(note: str = "") -> Rule:
    """Returns the rule of a field that is not sent."""
    return Rule("dropped", note)


OURS: Rules = {
    "metadata": Rule("ours", "stays with the request"),
    "timeout": Rule("ours", "the deadline"),
    "check_schema": Rule("ours", "whether an answer's form is checked"),
    "provider_options": Rule("ours", "merged into the body of the named provider, last"),
    "n": Rule("refused", "above 1"),
    "modalities": Rule("refused", "unless `text` alone"),
    "stream_options": Rule("ours", "accepted and ignored: what is streamed is the provider's setting"),
    "functions": Rule("ours", "become `tools`"),
    "function_call": Rule("ours", "becomes `tool_choice`"),
}
"""The fields that are the same in every dialect."""


def body(rules: Rules, query: Query) -> dict[str, Any]:
    """Returns the body that the rules make of a request, without what the provider or the model is not to be sent."""
    made: dict[str, Any] = {}
    left_out = query.dropped
    for name, rule in rules.items():
        value = getattr(query.request, name)
        if name in left_out or (value is None and not rule.always):
            continue
        if rule.fields is not None:
            for field, each in rule.fields(query).items():
                both = isinstance(each, dict) and isinstance(made.get(field), dict)
                made[field] = merged(made[field], each) if both else each
        elif rule.kind == "unchanged":
            made[name] = value
    for path in left_out:
        _remove(made, path.split("."))
    return made


def merged(body: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Returns the body with these options: objects are merged, any other value is replaced."""
    return body | {
        name: merged(body[name], value) if isinstance(value, dict) and isinstance(body.get(name), dict) else value
        for name, value in options.items()
    }


def _remove(value: Any, path: list[str]) -> None:
    """Removes a field; a list on the way stands for each of its items."""
    if isinstance(value, list):
        for item in value:
            _remove(item, path)
    elif isinstance(value, dict):
        first, *rest = path
        if rest:
            _remove(value.get(first), rest)
        else:
            value.pop(first, None)
