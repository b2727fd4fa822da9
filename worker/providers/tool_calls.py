"""Tool calls: those of a request, and those of an answer."""

import hashlib
import json
import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.dialect import ParsedAnswer, join_utf8
from worker.request.fields import check_json
from worker.result import FinishReason, Usage

_LONGEST_NAME = 64
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


class Ids:
    """Maps the ids of a conversation's calls to ids that one vendor accepts.

    1. A call and its result get the same id.
    2. An id of the vendor's own form is kept, so that its caches still match.
    3. Any other id, and a repeated one, becomes `prefix` and a hash.
    4. The ids depend on the conversation alone, so they are the same in every attempt.
    """

    def __init__(self, own: re.Pattern[str], prefix: str) -> None:
        self._own, self._prefix = own, prefix
        self._times: dict[str, int] = {}
        self._mapped: dict[str, str] = {}

    def call(self, id_: str) -> str:
        """Returns the id of the next call, in the order of the conversation."""
        times = self._times[id_] = self._times.get(id_, 0) + 1
        self._mapped[id_] = id_ if times == 1 and self._own.fullmatch(id_) else self._prefix + _hash(f"{times}:{id_}")
        return self._mapped[id_]

    def result(self, id_: str) -> str:
        """Returns the mapped id of the last call with this id."""
        return self._mapped.get(id_, id_)


def arguments(text: str) -> dict[str, Any]:
    """Returns a call's arguments as an object.

    A model may write something else, or be cut off. Then the object has it under the key `arguments`, so that it is
    neither lost nor refused.
    """
    value = _parsed(text or "{}")
    return value if isinstance(value, dict) else {"arguments": text if value is None else value}


def arguments_json(text: str) -> str:
    """Returns a call's arguments as the JSON of an object, unchanged if they are one; some servers require it."""
    return text if text and isinstance(_parsed(text), dict) else json.dumps(arguments(text))


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
        check_json({"": value})
    except (ValueError, RecursionError):
        return None
    return value


def parsed_answer(
    id_: str,
    model: str,
    texts: list[str],
    calls: list[tuple[Any, Any, str]],
    finish: FinishReason,
    usage: Usage | None,
) -> ParsedAnswer:
    """Returns the answer of these texts and calls; a call is its id, its name and its arguments.

    Raises:
        AttemptFailed: `empty`, or `malformed`: it finishes with `tool_calls` and has none, or one has no name.
    """
    text = join_utf8(texts)
    if not (text or calls or finish == "length"):
        raise AttemptFailed("empty")
    if finish == "tool_calls" and not calls:
        raise AttemptFailed("malformed", "it ends for tool calls and has none")
    message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
    if calls:
        message["tool_calls"] = _openai_calls(id_, calls)
    return ParsedAnswer(id_, model, message, finish, usage)


def _openai_calls(answer_id: str, calls: list[tuple[Any, Any, str]]) -> list[dict[str, Any]]:
    """Returns the calls in the form of OpenAI's message, valid for every vendor.

    A missing or repeated id is replaced. Characters that no vendor accepts in a name, which models sometimes write, are
    replaced too.
    """
    taken: set[str] = set()
    converted = []
    for index, (id_, name, arguments_text) in enumerate(calls):
        if not (isinstance(name, str) and name):
            raise AttemptFailed("malformed", "a tool call has no name")
        if not (isinstance(id_, str) and id_) or id_ in taken:
            id_ = "call_" + _hash(f"{index}:{answer_id}")
        taken.add(id_)
        function = {"name": _UNFIT.sub("_", name)[:_LONGEST_NAME], "arguments": join_utf8([arguments_text])}
        converted.append({"id": join_utf8([id_]), "type": "function", "function": function})
    return converted


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
