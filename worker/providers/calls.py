"""Tool calls on their way to a provider and from one."""

import hashlib
import json
import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.dialect import Served, joined
from worker.request.fields import check_json
from worker.result import FinishReason, Usage

_LONGEST_NAME = 64
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


class Ids:
    """Gives the calls of a conversation ids that one vendor takes, each call's results the same.

    An id of the vendor's own form stays, so that its caches hold; any other, and one that came before, becomes
    `prefix` and a hash of it. What it gives depends on the conversation alone, and so is the same at every attempt.
    """

    def __init__(self, own: re.Pattern[str], prefix: str) -> None:
        self._own, self._prefix = own, prefix
        self._times: dict[str, int] = {}
        self._given: dict[str, str] = {}

    def call(self, id_: str) -> str:
        """Returns the id of the next call, in the order of the conversation."""
        times = self._times[id_] = self._times.get(id_, 0) + 1
        self._given[id_] = id_ if times == 1 and self._own.fullmatch(id_) else self._prefix + _hash(f"{times}:{id_}")
        return self._given[id_]

    def result(self, id_: str) -> str:
        """Returns the id that the last call of this id got."""
        return self._given.get(id_, id_)


def arguments(text: str) -> dict[str, Any]:
    """Returns a call's arguments as an object.

    A model may have written something else, or been cut off. That stands under the one name `arguments`: what it
    wrote must neither be lost nor refused.
    """
    value = _parsed(text or "{}")
    return value if isinstance(value, dict) else {"arguments": text if value is None else value}


def written(text: str) -> str:
    """Returns a call's arguments as the JSON of an object, as they came where they are: some servers take no other."""
    return text if text and isinstance(_parsed(text), dict) else json.dumps(arguments(text))


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
        check_json({"": value})
    except (ValueError, RecursionError):
        return None
    return value


def served(
    id_: str,
    model: str,
    texts: list[str],
    calls: list[tuple[Any, Any, str]],
    finish: FinishReason,
    usage: Usage | None,
) -> Served:
    """Returns the whole answer that these texts and calls are; a call is its id, its name and its arguments.

    Raises:
        AttemptFailed: `empty`, or `malformed`: it ends for calls and has none, or one has no name.
    """
    text = joined(texts)
    if not (text or calls or finish == "length"):
        raise AttemptFailed("empty")
    if finish == "tool_calls" and not calls:
        raise AttemptFailed("malformed", "it ends for tool calls and has none")
    message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
    if calls:
        message["tool_calls"] = _told(id_, calls)
    return Served(id_, model, message, finish, usage)


def _told(answer_id: str, calls: list[tuple[Any, Any, str]]) -> list[dict[str, Any]]:
    """Returns the calls as OpenAI's message has them, fit to be sent again to anyone.

    An id that is missing or not the only one of its kind is replaced; so is what no vendor takes in a name, which
    models make up at times.
    """
    taken: set[str] = set()
    told = []
    for index, (id_, name, written) in enumerate(calls):
        if not (isinstance(name, str) and name):
            raise AttemptFailed("malformed", "a tool call has no name")
        if not (isinstance(id_, str) and id_) or id_ in taken:
            id_ = "call_" + _hash(f"{index}:{answer_id}")
        taken.add(id_)
        function = {"name": _UNFIT.sub("_", name)[:_LONGEST_NAME], "arguments": joined([written])}
        told.append({"id": joined([id_]), "type": "function", "function": function})
    return told


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
