"""From what a provider says went wrong to AttemptFailed.

One reading serves all: `{"error": {"type", "code", "message"}}` with Anthropic's `details.error_code` and `request_id`,
OpenAI's string codes, llama.cpp's numbers, and the bare object or text that other servers send.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from config.providers import Provider
from worker.errors import AttemptFailed
from worker.http import Response
from worker.providers.detail import TELLING, told, word
from worker.providers.dialect import Event, parts, text_of
from worker.request import Assistant, CompletionRequest, Image, JsonSchema

_MOST = 65_536


def from_response(response: Response, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure that an error response is."""
    text = response.head(_MOST)[:_MOST].decode(errors="replace")
    said = _parsed(text)
    error, secrets = _error(said), _secrets(provider, request)
    return AttemptFailed(
        "status",
        told(_message(error) or text, secrets),
        status=response.status,
        codes=_codes(error, secrets),
        retry_after=response.retry_after(),
        request_id=request_id(response) or word(said.get("request_id")),
    )


def from_event(event: Event, response_id: str | None, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure that an error event in a stream is; its status is the one that it names, if any."""
    error, secrets = _error(event), _secrets(provider, request)
    number = error.get("code")
    return AttemptFailed(
        "stream_error",
        told(_message(error), secrets),
        status=number if isinstance(number, int) and 400 <= number < 600 else None,
        codes=_codes(error, secrets),
        request_id=response_id or word(event.get("request_id")),
    )


def request_id(response: Response) -> str | None:
    """Returns the provider's id of a request, as Anthropic or OpenAI sends it."""
    return response.header("request-id") or response.header("x-request-id")


def _parsed(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _error(said: dict[str, Any]) -> dict[str, Any]:
    error = said.get("error", said)
    return error if isinstance(error, dict) else {"message": error}


def _message(error: dict[str, Any]) -> str:
    message = error.get("message")
    return message if isinstance(message, str) else ""


def _codes(error: dict[str, Any], secrets: list[str]) -> tuple[str, ...]:
    details = error.get("details")
    said = (details.get("error_code") if isinstance(details, dict) else None, error.get("code"), error.get("type"))
    return tuple(dict.fromkeys(filter(None, (word(each, secrets) for each in said))))


def _secrets(provider: Provider, request: CompletionRequest) -> list[str]:
    key = provider.api_key.get_secret_value() if provider.api_key else ""
    own = (request.provider_options or {}).get(provider.name)
    return [key, request.user or "", *filter(None, _words(request)), *request.stops, *_texts(own)]


def _words(request: CompletionRequest) -> Iterator[str]:
    """Yields what the producer wrote."""
    for message in request.messages:
        yield text_of(message)
        yield from (part.image_url.url for part in parts(message) if isinstance(part, Image))
        if isinstance(message, Assistant):
            yield from (call.function.arguments for call in message.tool_calls or ())
    for tool in request.tools or ():
        yield tool.function.description or ""
        yield from _texts(tool.function.parameters)
    if isinstance(request.response_format, JsonSchema):
        yield from _texts(request.response_format.json_schema)


def _texts(value: object) -> Iterator[str]:
    """Yields the texts of a JSON value; not the short ones, `object` for example, which errors may well name."""
    if isinstance(value, str) and len(value) >= TELLING:
        yield value
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(_texts, value.values()))
    elif isinstance(value, list | tuple):
        yield from chain.from_iterable(map(_texts, value))
