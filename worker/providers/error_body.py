"""Reads an error body of any shape: JSON however nested, JSON as text inside JSON, HTML of a proxy, plain text.

Vendors agree on nothing but words: what is under `message` or `detail` is for people, what is under `code` or `type` is
a code, wherever it stands. So the reader goes through the whole body and collects both.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from worker.providers.http.retry_after import parse_retry_after
from worker.providers.scrubbing import code_word

_MESSAGES = frozenset(("message", "msg", "detail", "details", "description", "title", "raw", "cause", "exception"))
_MESSAGES |= {"error", "errors", "error_description", "error_message", "errormessage", "localizedmessage"}
_MESSAGES |= {"code", "reason", "html-message", "status_msg", "error_msg"}
"""The keys of texts for people. What is no code word under the key of a code is one, too."""

_CODES = ("error_code", "errorcode", "reason", "quotaid", "code", "status", "__type", "error_type", "errortype", "type")
"""The keys of codes, the most specific first."""

_STATUSES = ("code", "status", "status_code", "statuscode", "http_status", "http_code", "error_code")
_WAITS = {"retrydelay": 1.0, "retry_after": 1.0, "retryafter": 1.0, "retry_after_seconds": 1.0, "retry_after_ms": 0.001}
_WAITS |= {"resets_in_seconds": 1.0, "estimated_time": 1.0}
"""The keys of a wait, and the seconds of their unit."""

_ECHOES = ("failed_generation", "input", "ctx", "flagged_input")
"""Keys of what the producer or the model wrote."""

_NOISE = frozenset(("error", "errors", "fail", "failed", "none", "null", "object", "about:blank"))
_DEEPEST, _MOST = 12, 2_000


@dataclass(slots=True)
class ErrorBody:
    """What a body says.

    Attributes:
        messages: texts for people, in order, without repetition.
        codes: codes and types, most specific first.
        status: the HTTP status that it names, None if it names none.
        retry_after: seconds, None if it names none under a key of its own.
        request_id: the provider's id of the request.
    """

    messages: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    status: int | None = None
    retry_after: float | None = None
    request_id: str | None = None

    @property
    def text(self) -> str:
        """Returns all messages as one text."""
        return ": ".join(self.messages)


def read(text: str) -> ErrorBody:
    """Returns what the text of a body says."""
    value = _json(text)
    found = ErrorBody() if value is None else from_json(value)
    if not (found.messages or found.codes):
        found.messages = [_visible(text) if value is None and "<" in text else text.strip()]
    return found


def from_json(value: Any) -> ErrorBody:
    """Returns what a body that was JSON says."""
    found, ranked, headers = ErrorBody(), list[tuple[int, int, str]](), dict[str, str]()
    for key, each, depth in _walk("error", value):
        if key == "request_id":
            found.request_id = found.request_id or code_word(each)
        elif "ratelimit-" in key:  # OpenRouter passes on the headers of the provider that it asked
            headers[key] = str(each)
        elif key in _WAITS and (wait := _seconds(each)) is not None:
            found.retry_after = wait * _WAITS[key]
        elif key in _STATUSES and (status := _status(each)):
            found.status = found.status or status
        elif key in _CODES and (code := code_word(each if isinstance(each, str) else str(each))):
            ranked.append((_CODES.index(key), -depth, code))
        elif isinstance(each, str) and key in _MESSAGES and each.strip():
            found.messages.append(" ".join(each.split()))
    found.retry_after = parse_retry_after(headers) if found.retry_after is None else found.retry_after
    found.messages = list(dict.fromkeys(found.messages))
    found.codes = [code for code in dict.fromkeys(code for *_, code in sorted(ranked)) if code.lower() not in _NOISE]
    return found


def is_error(event: Any) -> bool:
    """Returns whether one event, or the object of a plain answer, tells an error."""
    if isinstance(event, list):
        return bool(event) and is_error(event[0])
    if not isinstance(event, dict):
        return False
    if event.get("error"):
        return True
    if event.get("choices"):
        return False  # a choice may hold one; the assembly looks
    base = event.get("base_resp")  # MiniMax
    if event.get("object") == "error" or event.get("type") == "error" or event.get("error_code"):
        return True
    if isinstance(base, dict) and base.get("status_code"):
        return True
    return "id" not in event and any(isinstance(event.get(name), str) for name in ("message", "detail", "msg", "title"))


def _walk(key: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any, int]]:
    """Yields each plain value with its key in lower case and its depth; bounded, as anybody may have written it."""
    stack, seen = [(key, value, depth)], 0
    while stack and seen < _MOST:
        key, value, depth = stack.pop()
        seen += 1
        if depth > _DEEPEST or key in _ECHOES:
            continue
        if isinstance(value, str) and (inner := _json(value)) is not None:
            value = inner
        if isinstance(value, dict):
            stack += [(str(name).lower(), each, depth + 1) for name, each in reversed(_located(value).items())]
        elif isinstance(value, list):
            stack += [(key, each, depth + 1) for each in reversed(value)]
        elif value is not None and not isinstance(value, bool):
            yield key, value, depth


def _located(value: dict[str, Any]) -> dict[str, Any]:
    """Returns an item of pydantic's errors with its place before its message."""
    place, message = value.get("loc"), value.get("msg")
    if not (isinstance(place, list) and isinstance(message, str)):
        return value
    return value | {"loc": None, "msg": f"{'.'.join(map(str, place))}: {message}"}


def _json(text: str) -> Any:
    """Returns the object or list that a text is, None if it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _status(value: Any) -> int | None:
    text = str(value)
    return int(text) if re.fullmatch(r"[45][0-9]{2}", text) else None


def _seconds(value: Any) -> float | None:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s?", str(value))
    return float(found[1]) if found else None


class _Text(HTMLParser):
    """The text that a reader of a page sees."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("script", "style"):
            self._hidden = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.pieces.append(" ".join(data.split()))


def _visible(html: str) -> str:
    """Returns the visible text of a page, or the text itself if it is no page."""
    parser = _Text()
    with suppress(AssertionError):  # a declaration that is none, such as "<![x"
        parser.feed(html)
    return " ".join(dict.fromkeys(parser.pieces)) or html.strip()
