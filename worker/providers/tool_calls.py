"""Tool calls: those of a request, and those of an answer."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.text import join_utf8
from worker.request.fields import check_json

_LONGEST_NAME = 64
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


class Ids:
    """Maps the ids of a conversation's calls to ids that one vendor accepts.

    1. A call and its result get the same id.
    2. An id of the vendor's own form is kept, so that its caches still match.
    3. Any other id, and a repeated one, becomes `prefix` and a hash, of at most `longest` characters.
    4. The ids depend on the conversation alone, so they are the same in every attempt.
    """

    def __init__(self, own: re.Pattern[str], prefix: str, longest: int | None = None) -> None:
        self._own, self._prefix, self._longest = own, prefix, longest
        self._times: dict[str, int] = {}
        self._mapped: dict[str, str] = {}

    def call(self, id_: str) -> str:
        """Returns the id of the next call, in the order of the conversation."""
        times = self._times[id_] = self._times.get(id_, 0) + 1
        is_kept = times == 1 and self._own.fullmatch(id_)
        self._mapped[id_] = id_ if is_kept else (self._prefix + _hash(f"{times}:{id_}"))[: self._longest]
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


@dataclass(slots=True)
class _Call:
    """One call of an answer, as far as it has come."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    object: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Returns the arguments so far: the pieces, or the object that came whole."""
        return join_utf8(self.arguments) or ("" if self.object is None else json.dumps(self.object))

    def is_complete(self) -> bool:
        """Returns whether the arguments so far are whole; none may still come."""
        return isinstance(_parsed(self.text), dict)


class ToolCalls:
    """The calls of an answer, put together from pieces.

    Servers count wrongly, repeat ids or leave them out. So a piece begins another call where

    1. its index is new,
    2. it names a function and has another id than the call at its index, whose arguments are whole or whose name is
       another,
    3. it names a function, has no id, and the arguments of the call at its index are whole.

    Any other piece continues the call at its index; a piece without an index, the last call.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[Any, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def has(self, index: Any) -> bool:
        """Returns whether there is a call at an index."""
        return index in self._at

    def add(self, index: Any, id_: Any, name: Any, arguments: Any, extra: Any = None) -> None:
        """Adds one piece. `arguments` is a piece of JSON, or an object, which is whole; `extra` is the vendor's own."""
        call = self._at.get(index) if index is not None else (self._calls[-1] if self._calls else None)
        if call is None or (name and self._is_another(call, id_, name, arguments)):
            call = self._at[index] = _Call()
            self._calls.append(call)
        if isinstance(id_, str):
            call.id = call.id or id_
        if isinstance(name, str) and not call.name:
            call.name = name
        elif isinstance(name, str) and name != call.name and not call.arguments:
            call.name = name if name.startswith(call.name) else call.name + name
        if arguments and isinstance(arguments, str):
            call.arguments.append(arguments)
        elif arguments:
            call.object = arguments
        if isinstance(extra, dict):
            call.extra |= extra

    def extras(self, whole: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Returns what the vendor sent with each call beside it, by the id in `whole`; empty if it sent nothing."""
        pairs = zip(whole, self._calls, strict=True)
        return {converted["id"]: {"extra_content": call.extra} for converted, call in pairs if call.extra}

    def whole(self, answer_id: str, *, is_cut: bool) -> list[dict[str, Any]]:
        """Returns the calls in the form of OpenAI's message, valid for every vendor.

        No arguments are an empty object, unless the answer `is_cut` by its length.

        A missing or repeated id is replaced. Characters that no vendor accepts in a name, which models sometimes write,
        are replaced too.

        Raises:
            AttemptFailed: `broken_call`: a call has no name, or its arguments are not one object: the model broke them,
                or several calls came as one.
        """
        taken: set[str] = set()
        converted = []
        for index, call in enumerate(self._calls):
            arguments_text = call.text or ("" if is_cut else "{}")
            if not call.name:
                raise AttemptFailed("broken_call", "a tool call has no name")
            value = _parsed(arguments_text)
            if not (is_cut or isinstance(value, dict)) or (call.object and value != call.object):
                raise AttemptFailed("broken_call", "the arguments of a tool call are not one JSON object")
            id_ = join_utf8([call.id])
            if not id_ or id_ in taken:
                id_ = "call_" + _hash(f"{index}:{answer_id}")
            taken.add(id_)
            function = {"name": _UNFIT.sub("_", call.name)[:_LONGEST_NAME], "arguments": arguments_text}
            converted.append({"id": id_, "type": "function", "function": function})
        return converted

    @staticmethod
    def _is_another(call: _Call, id_: Any, name: str, arguments: Any) -> bool:
        if not call.name:
            return False
        if id_ and call.id and id_ != call.id:
            return name != call.name or call.is_complete()
        # A name that is repeated with nothing beside it begins nothing.
        return not id_ and call.is_complete() and bool(arguments or name != call.name)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
