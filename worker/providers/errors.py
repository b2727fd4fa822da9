"""Turns a provider's error into AttemptFailed, whatever its shape; error_body.py reads that."""

from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl

from config.providers import Provider
from worker.errors import AttemptFailed
from worker.providers import credentials, error_body
from worker.providers.error_body import ErrorBody
from worker.providers.http.client import Response
from worker.providers.http.retry_after import parse_text
from worker.providers.scrubbing import MOST, TELLING, code_word, scrubbed
from worker.providers.text import parts, text_of
from worker.request import Assistant, Audio, CompletionRequest, ContentPart, File, Image, JsonSchema

_MOST = 65_536
_LONGEST = 86_400.0
"""Seconds of a wait at most; providers name what they like."""

_TEXT = 1_000
"""Characters of a provider's text that are compared with the tables of failures."""


def from_response(response: Response, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure of an error response."""
    body = error_body.read(response.head(_MOST)[:_MOST].decode(errors="replace"))
    body.request_id = request_id(response) or body.request_id
    return _failure("status", body, response.status, response.retry_after(), _secrets(provider, request))


def from_probe(status: int, body: bytes, provider: Provider) -> AttemptFailed:
    """Returns the failure of a probe's error response, which quotes no request."""
    found = error_body.read(body[:_MOST].decode(errors="replace"))
    return _failure("status", found, status, None, credentials.ever_used(provider))


def from_event(event: Any, response: Response, provider: Provider, request: CompletionRequest) -> AttemptFailed:
    """Returns the failure that an event of a stream tells, or the object of a 200; its status is the one it names."""
    body = error_body.from_json(_told(event))
    body.request_id = request_id(response) or body.request_id
    return _failure("stream_error", body, body.status, response.retry_after(), _secrets(provider, request))


def request_id(response: Response) -> str | None:
    """Returns the provider's id of a request, from Anthropic's or OpenAI's header."""
    return response.header("request-id") or response.header("x-request-id")


def _told(event: Any) -> Any:
    """Returns what an event tells beside the pieces of an answer."""
    if not isinstance(event, dict):
        return event
    choices = event.get("choices")
    found = choices if isinstance(choices, list) else []
    errors = [each["error"] for each in found if isinstance(each, dict) and each.get("error")]
    return {name: each for name, each in event.items() if name != "choices"} | ({"errors": errors} if errors else {})


def _failure(
    reason: str, body: ErrorBody, status: int | None, retry_after: float | None, secrets: list[str]
) -> AttemptFailed:
    text = scrubbed(body.text, secrets, _TEXT)
    waits = (retry_after, body.retry_after, parse_text(text))
    return AttemptFailed(
        reason,
        text[:MOST],
        status=status,
        codes=tuple(code for code in body.codes if code_word(code, secrets)),
        retry_after=next((min(wait, _LONGEST) for wait in waits if wait is not None), None),
        request_id=body.request_id,
        text=text,
    )


def _secrets(provider: Provider, request: CompletionRequest) -> list[str]:
    own = (request.provider_options or {}).get(provider.name)
    users = (request.user, request.safety_identifier, request.prompt_cache_key)
    return [
        *credentials.ever_used(provider),
        *filter(None, (*users, *_prompt_texts(request))),
        *request.stops,
        *_texts(own),
    ]


def _prompt_texts(request: CompletionRequest) -> Iterator[str]:
    """Yields the texts that the producer wrote."""
    for message in request.messages:
        yield text_of(message)
        for part in parts(message):
            yield from _attached(part)
        if isinstance(message, Assistant):
            yield from (call.function.arguments for call in message.tool_calls or ())
            yield from _texts(message.provider_fields)
    for tool in request.tools or ():
        yield tool.function.description or ""
        yield from _texts(tool.function.parameters)
    if isinstance(request.response_format, JsonSchema):
        yield from _texts(request.response_format.json_schema)
    if request.prediction:
        yield from _texts(request.prediction.model_dump())


def _attached(part: ContentPart) -> Iterator[str]:
    """Yields what a part holds beside text; of a URL also what may be signatures, as a provider may escape it anew."""
    if isinstance(part, Image):
        yield part.image_url.url
        yield from _texts([value for _, value in parse_qsl(part.image_url.url.partition("?")[2])])
    elif isinstance(part, File):
        yield part.file.base64
    elif isinstance(part, Audio):
        yield part.input_audio.data


def _texts(value: object) -> Iterator[str]:
    """Yields the texts of a JSON value, without short ones such as `object`, which errors may name by chance."""
    if isinstance(value, str) and len(value) >= TELLING:
        yield value
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(_texts, value.values()))
    elif isinstance(value, list | tuple):
        yield from chain.from_iterable(map(_texts, value))
