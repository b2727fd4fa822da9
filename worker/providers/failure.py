"""From what a provider says went wrong to AttemptFailed.

One reading serves all: `{"error": {"type", "code", "message"}}` with Anthropic's `details.error_code` and `request_id`,
OpenAI's string codes, llama.cpp's numbers, and the bare object or text that other servers send.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from config.providers import Provider
from worker.errors import AttemptFailed
from worker.http import Response
from worker.providers.detail import told
from worker.providers.dialect import Event, parts, text_of
from worker.request import Assistant, CompletionRequest, Image

_MOST = 65_536
_WORD = re.compile(r"[\w.-]{1,64}")


def from_response(response: Response, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure that an error response is."""
    text = response.head(_MOST)[:_MOST].decode(errors="replace")
    said = _parsed(text)
    error = _error(said)
    return AttemptFailed(
        "status",
        told(_message(error) or text, _secrets(provider, request)),
        status=response.status,
        codes=_codes(error),
        retry_after=response.retry_after(),
        request_id=request_id(response) or _word(said.get("request_id")),
    )


def from_event(event: Event, response_id: str | None, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure that an error event in a stream is; its status is the one that it names, if any."""
    error = _error(event)
    number = error.get("code")
    return AttemptFailed(
        "stream_error",
        told(_message(error), _secrets(provider, request)),
        status=number if isinstance(number, int) and 400 <= number < 600 else None,
        codes=_codes(error),
        request_id=response_id or _word(event.get("request_id")),
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


def _codes(error: dict[str, Any]) -> tuple[str, ...]:
    details = error.get("details")
    words = (details.get("error_code") if isinstance(details, dict) else None, error.get("code"), error.get("type"))
    return tuple(dict.fromkeys(word for word in map(_word, words) if word))


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _secrets(provider: Provider, request: CompletionRequest) -> list[str]:
    key = provider.api_key.get_secret_value() if provider.api_key else ""
    return [key, request.user or "", *filter(None, _words(request))]


def _words(request: CompletionRequest) -> Iterator[str]:
    """Yields what the producer wrote."""
    for message in request.messages:
        yield text_of(message)
        yield from (part.image_url.url for part in parts(message) if isinstance(part, Image))
        if isinstance(message, Assistant):
            yield from (call.function.arguments for call in message.tool_calls or ())
    yield from (tool.function.description or "" for tool in request.tools or ())
