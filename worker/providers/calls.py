"""Tool calls on their way to a provider and from one."""

import hashlib
import json
import re
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.dialect import joined

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
    try:
        value = json.loads(text or "{}", parse_constant=_refuse)
        json.dumps(value)  # an integer of more than 4,300 digits can be read and not be written
    except (ValueError, RecursionError):
        return {"arguments": text}
    return value if isinstance(value, dict) else {"arguments": value}


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def said(answer_id: str, texts: list[str], calls: list[tuple[Any, Any, str]]) -> dict[str, Any]:
    """Returns the OpenAI assistant message of these texts and calls, fit to be sent again to anyone.

    Each call is its id, name and arguments. An id that is missing or not the only one of its kind is replaced; so is
    what no vendor takes in a name, which models make up at times.

    Raises:
        AttemptFailed: `malformed`, a call has no name.
    """
    text = joined(texts)
    message = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
    if not calls:
        return message
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
    return message | {"tool_calls": told}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
