"""What one kind of interface is to the code that asks."""

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
class Served:
    """What one whole answer says; `message` is an OpenAI assistant message."""

    id: str
    model: str
    message: dict[str, Any] = field(repr=False)
    finish_reason: FinishReason
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One wire format.

    Attributes:
        path: of completions, after the base URL.
        probe: the path after the base URL whose answer costs nothing and shows most.
        models: the path of the list of models, which costs nothing; the probe's where one answer shows both.
        takes: what the format can say at all, in the words of `CompletionRequest.needs`.
        body: of a request for a stream, or for a plain answer.
        token: found in the bytes of an event that carries a piece of the answer, and in no other.
        ended: whether the last events of a stream are among these bytes. It may overlook them, never see them early.
        answer: from all events to what they say; raises AttemptFailed, or whatever a wrong shape makes it raise.
        plain: the same from the one object of a plain answer.
    """

    path: str
    probe: Callable[[Provider], str]
    models: str
    takes: frozenset[str]
    headers: Callable[[Provider], dict[str, str]]
    body: Callable[[CompletionRequest, Model, bool], dict[str, Any]]
    token: re.Pattern[bytes]
    ended: Callable[[bytes], bool]
    answer: Callable[[list[Event]], Served]
    plain: Callable[[Event], Served]


def api_key(provider: Provider) -> str | None:
    """Returns the provider's key, None where it has none.

    Raises:
        AttemptFailed: no HTTP header can carry it. It must not get as far as an exception that quotes it.
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
    """Returns a message's text, its parts joined."""
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content or () if isinstance(part, Text))


def given(**fields: Any) -> dict[str, Any]:
    """Returns the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def joined(pieces: Iterable[str]) -> str:
    """Returns the pieces of a text as one that UTF-8 can hold.

    A provider may cut between the halves of a surrogate pair: they meet again here, and one left alone is replaced.
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
    """Returns a count of tokens, 0 where the provider sent none: no whole answer is lost for its usage."""
    number = numbers.get(name) if isinstance(numbers, dict) else None
    return number if isinstance(number, int) and number > 0 else 0
