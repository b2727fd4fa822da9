"""Parses a provider's error into AttemptFailed.

One parser reads all forms: `{"error": {"type", "code", "message"}}`, with Anthropic's `details.error_code` and
`request_id`, OpenAI's string codes and llama.cpp's numbers; and the bare object or text that other servers send.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from config.providers import Provider
from worker.errors import AttemptFailed
from worker.providers.dialect import Event, parts, text_of
from worker.providers.http.client import Response
from worker.providers.scrubbing import TELLING, code_word, scrubbed
from worker.request import Assistant, CompletionRequest, Image, JsonSchema

_MOST = 65_536


def from_response(response: Response, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure of an error response."""
    text = response.head(_MOST)[:_MOST].decode(errors="replace")
    body = _parsed(text)
    error, secrets = _error(body), _secrets(provider, request)
    return AttemptFailed(
        "status",
        scrubbed(_message(error) or text, secrets),
        status=response.status,
        codes=_codes(error, secrets),
        retry_after=response.retry_after(),
        request_id=request_id(response) or code_word(body.get("request_id")),
    )


def from_event(event: Event, response_id: str | None, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure of an error event in a stream; its status is the one that the event names, if any."""
    error, secrets = _error(event), _secrets(provider, request)
    number = error.get("code")
    return AttemptFailed(
        "stream_error",
        scrubbed(_message(error), secrets),
        status=number if isinstance(number, int) and 400 <= number < 600 else None,
        codes=_codes(error, secrets),
        request_id=response_id or code_word(event.get("request_id")),
    )


def request_id(response: Response) -> str | None:
    """Returns the provider's id of a request, from Anthropic's or OpenAI's header."""
    return response.header("request-id") or response.header("x-request-id")


def _parsed(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _error(body: dict[str, Any]) -> dict[str, Any]:
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": error}


def _message(error: dict[str, Any]) -> str:
    message = error.get("message")
    return message if isinstance(message, str) else ""


def _codes(error: dict[str, Any], secrets: list[str]) -> tuple[str, ...]:
    details = error.get("details")
    codes = (details.get("error_code") if isinstance(details, dict) else None, error.get("code"), error.get("type"))
    return tuple(dict.fromkeys(filter(None, (code_word(each, secrets) for each in codes))))


def _secrets(provider: Provider, request: CompletionRequest) -> list[str]:
    key = provider.api_key.get_secret_value() if provider.api_key else ""
    own = (request.provider_options or {}).get(provider.name)
    return [key, request.user or "", *filter(None, _prompt_texts(request)), *request.stops, *_texts(own)]


def _prompt_texts(request: CompletionRequest) -> Iterator[str]:
    """Yields the texts that the producer wrote."""
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
    """Yields the texts of a JSON value, without short ones such as `object`, which errors may name by chance."""
    if isinstance(value, str) and len(value) >= TELLING:
        yield value
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(_texts, value.values()))
    elif isinstance(value, list | tuple):
        yield from chain.from_iterable(map(_texts, value))
