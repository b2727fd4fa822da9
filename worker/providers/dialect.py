"""A dialect: everything that an attempt needs for one wire format."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from config.providers import Model, Provider
from worker.errors import AttemptFailed
from worker.request import CompletionRequest, Image, Message, Text
from worker.result import FinishReason, Usage

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """The parts of one whole answer; `message` is an OpenAI assistant message."""

    id: str
    model: str
    message: dict[str, Any] = field(repr=False)
    finish_reason: FinishReason
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One wire format.

    Attributes:
        path: the path of completions, after the base URL.
        probe: returns the path of a probe, which costs nothing.
        models: the path of the list of models, which costs nothing; the probe's path if one response serves both.
        takes: the capabilities that the format can express, named as in `CompletionRequest.needs`.
        headers: returns the provider's headers.
        body: returns the body of a request; the last argument is whether to stream.
        token: matches the bytes of an event that carries a piece of the answer, and of no other event.
        ended: returns whether these bytes hold the end of a stream; may miss it, but never returns True too early.
        answer: parses all events; raises AttemptFailed, or any error that a wrong shape causes.
        plain: parses the one object of a plain answer, likewise.
    """

    path: str
    probe: Callable[[Provider], str]
    models: str
    takes: frozenset[str]
    headers: Callable[[Provider], dict[str, str]]
    body: Callable[[CompletionRequest, Model, bool], dict[str, Any]]
    token: re.Pattern[bytes]
    ended: Callable[[bytes], bool]
    answer: Callable[[list[Event]], ParsedAnswer]
    plain: Callable[[Event], ParsedAnswer]


def api_key(provider: Provider) -> str | None:
    """Returns the provider's key, None if it has none.

    Raises:
        AttemptFailed: no HTTP header can carry the key. A later exception would quote it.
    """
    if provider.api_key is None:
        return None
    key = provider.api_key.get_secret_value()
    if not (key.isascii() and key.isprintable()):
        raise AttemptFailed(
            "connection", "the API key holds characters that cannot be sent", codes=("invalid_api_key",)
        )
    return key


def parts(message: Message) -> tuple[Text | Image, ...]:
    """Returns a message's content as parts."""
    if isinstance(message.content, str):
        return (Text(type="text", text=message.content),)
    return message.content or ()


def text_of(message: Message) -> str:
    """Returns a message's text, with its parts joined."""
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content or () if isinstance(part, Text))


def without_none(**fields: Any) -> dict[str, Any]:
    """Returns the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def join_utf8(pieces: Iterable[str]) -> str:
    """Returns the pieces joined as a text that UTF-8 can encode.

    A provider may cut between the halves of a surrogate pair. Joining pairs them again; a single half is replaced.
    """
    text = "".join(pieces)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def count(numbers: object, name: str) -> int:
    """Returns a count of tokens, 0 if it is missing or invalid: a bad usage must not lose a whole answer."""
    number = numbers.get(name) if isinstance(numbers, dict) else None
    return number if isinstance(number, int) and number > 0 else 0
