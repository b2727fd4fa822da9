"""A dialect: everything that an attempt needs for one wire format."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config.providers import Provider
from worker.errors import AttemptFailed
from worker.providers.assembly import Assembly
from worker.providers.credentials import current
from worker.providers.query import Query
from worker.providers.rules import Rules


@dataclass(frozen=True, slots=True)
class Dialect:
    """One wire format.

    Attributes:
        path: the path of completions, after the base URL.
        probe: returns the path of a probe, which costs nothing.
        models: the path of the list of models, which costs nothing; the probe's path if one response serves both.
        takes: the capabilities that the format can express, named as in `CompletionRequest.needs`.
        headers: returns the provider's headers.
        rules: what becomes of each field of a request.
        body: returns the body of a request, by the rules.
        assembly: returns what puts one answer together.
        silent_after_tool: whether no content is a whole answer where the last message is a tool's result.
    """

    path: str
    probe: Callable[[Provider], str]
    models: str
    takes: frozenset[str]
    headers: Callable[[Provider], dict[str, str]]
    rules: Rules
    body: Callable[[Query], dict[str, Any]]
    assembly: Callable[[], Assembly]
    silent_after_tool: bool = False


def api_key(provider: Provider) -> str | None:
    """Returns the provider's key as it is now, None if it has none.

    Raises:
        AttemptFailed: no HTTP header can carry the key. A later exception would quote it.
    """
    if provider.api_key is None:
        return None
    key = current(provider.api_key)
    if not (key.isascii() and key.isprintable()):
        raise AttemptFailed(
            "connection", "the API key holds characters that cannot be sent", codes=("invalid_api_key",)
        )
    return key


def shortened(identifier: str, longest: int) -> str:
    """Returns an identifier, or its SHA-256, 64 hexadecimal digits, where the vendor takes no more than `longest`."""
    return identifier if len(identifier) <= longest else hashlib.sha256(identifier.encode()).hexdigest()


def without_none(**fields: Any) -> dict[str, Any]:
    """Returns the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
