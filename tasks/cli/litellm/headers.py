"""Headers of a deployment. One whose value may be a secret gets a variable, as a key does."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from config.headers import Headers
from config.sources import Tree
from tasks.cli.litellm.remarks import variable_of
from tasks.cli.litellm.section import Section
from tasks.cli.litellm.source import Steps

_TABLES = ("default_headers", "headers", "extra_headers")
"""Keys of litellm_params; a later one wins."""

_PUBLIC = frozenset(("anthropic-beta", "anthropic-version", "openai-beta", "openai-organization", "openai-project"))
_PUBLIC |= {"http-referer", "referer", "user-agent", "x-title"}
"""What is written as it stands. Anybody's own header may hold a secret."""

_ORGANIZATION = "OpenAI-Organization"

_ADAPTER: TypeAdapter[dict[str, Any]] = TypeAdapter(Headers)


def headers_of(params: Section, secrets: dict[Steps, str]) -> Tree:
    """Returns a provider's own `headers`, as a table with this one key; empty if there are none.

    Args:
        params: litellm_params.
        secrets: gets the values that are to be variables, by their path in the provider's table.
    """
    found: dict[str, tuple[str, Any]] = {}
    for section in (params.below(key) for key in _TABLES):
        found |= {
            name.lower(): (name, value) for name, value in section.items() if _is_sent(section, name, name, value)
        }
    organization = params.take("organization")
    if organization is not None and _is_sent(params, "organization", _ORGANIZATION, organization):
        found[_ORGANIZATION.lower()] = _ORGANIZATION, organization
    headers: Tree = {}
    for name, value in found.values():
        variable = variable_of(value)
        is_written = variable or name.lower() in _PUBLIC
        headers[name] = ({"env": variable} if variable else str(value)) if is_written else {}
        if not is_written:
            secrets["headers", name, "env"] = str(value)
    return {"headers": headers} if headers else {}


def _is_sent(section: Section, key: str, name: str, value: Any) -> bool:
    """Returns whether a value of the file can be a header; notes it where it cannot, or becomes a variable."""
    is_variable, is_public = variable_of(value) is not None, name.lower() in _PUBLIC
    try:
        _ADAPTER.validate_python({name: str(value) if is_public and not is_variable else {"env": "X"}})
    except ValidationError as exc:
        section.leave(key, exc.errors()[0]["msg"].removeprefix("Value error, "))
        return False
    if not isinstance(value, str | int | float):
        section.leave(key, "is no text")
        return False
    if not (is_variable or is_public):
        section.differ(key, "the value was left out, as it may be a secret; a variable holds it, see above")
    return True
