"""Puts an answer together as its events come. What came so far can be inspected at any time; `whole` checks the end."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from worker.errors import AttemptFailed
from worker.providers.finish import finish_reason, is_refusal
from worker.providers.scrubbing import code_word
from worker.providers.text import join_utf8
from worker.providers.tool_calls import ToolCalls
from worker.request.fields import check_json
from worker.result import FinishReason, Usage

Event = dict[str, Any]
_MOST_TOKENS = 10**15


class ErrorEvent(Exception):
    """An event that tells an error."""

    def __init__(self, event: Any) -> None:
        super().__init__()
        self.event = event


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """The parts of one whole answer.

    `message` is an OpenAI assistant message; `own_fields` is what only the model that answered may see again, see
    provider_fields.py. `logprobs` are a choice's.
    """

    id: str
    model: str
    message: dict[str, Any] = field(repr=False)
    finish_reason: FinishReason
    usage: Usage | None
    own_fields: dict[str, Any] = field(default_factory=dict, repr=False)
    logprobs: dict[str, Any] | None = field(default=None, repr=False)


class Assembly(ABC):
    """One answer, as far as it has come.

    Attributes:
        id, model: as the server names them; empty until it does.
        text: pieces of the content.
        reasoning: pieces of what the server sends apart as reasoning.
        calls: the tool calls.
        word: the server's word for the end, empty until it has come.
        usage: the tokens, None until they are told.
        has_ended: whether the server said that nothing follows.
        is_refused: whether the model refused, in a field of its own.
        refusal_codes: what kind of refusal it is, if the server says.
        logprobs: the tokens with their log probabilities, by `content` and `refusal`.
    """

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.calls = ToolCalls()
        self.word = ""
        self.usage: Usage | None = None
        self.has_ended = False
        self.is_refused = False
        self.refusal_codes: tuple[str, ...] = ()
        self.logprobs: dict[str, list[Any]] = {}

    @abstractmethod
    def add(self, event: Event) -> bool:
        """Adds one event, or the object of a plain answer; returns whether it held a piece of the answer.

        Raises:
            ErrorEvent: a choice tells an error.
            AttemptFailed: `malformed`, it goes on after its end, or begins again.
            Exception: any error that a wrong shape causes.
        """

    def whole(self, *, may_be_silent: bool = False) -> ParsedAnswer:
        """Returns the whole answer.

        Args:
            may_be_silent: whether no content is an answer, too.

        Raises:
            AttemptFailed: `truncated`, `refusal`, `aborted`, `empty` or `malformed`.
        """
        if self.is_refused or is_refusal(self.word):
            word = "" if self.is_refused or self.word == "refusal" else code_word(self.word)
            raise AttemptFailed("refusal", codes=self.refusal_codes or tuple(filter(None, [word])))
        text, has_calls = join_utf8(self.text), bool(self.calls)
        if not (self.word or self.has_ended):
            raise AttemptFailed("truncated", "the answer ended before its end was told")
        finish = finish_reason(self.word)
        if not (text or has_calls or finish == "length" or (may_be_silent and finish == "stop")):
            raise AttemptFailed("empty")
        if finish == "tool_calls" and not has_calls:
            raise AttemptFailed("broken_call", "it ends for tool calls and has none")
        if has_calls and finish == "stop":
            finish = "tool_calls"
        calls = self.calls.whole(self.id, is_cut=finish == "length")
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
        if reasoning := join_utf8(self.reasoning):
            message["reasoning_content"] = reasoning
        if calls:
            message["tool_calls"] = calls
        id_, model = join_utf8([self.id]), join_utf8([self.model])
        own = portable(self.own_fields(calls))
        return ParsedAnswer(id_, model, message, finish, self.usage, own, portable(self.logprobs) or None)

    def own_fields(self, calls: list[dict[str, Any]]) -> dict[str, Any]:
        """Returns what only the model that answered may see again; `calls` are those of the whole answer."""
        return {}

    def _check_open(self) -> None:
        """Checks that a piece may still come.

        Raises:
            AttemptFailed: `malformed`, the end was told before.
        """
        if self.word or self.has_ended:
            raise AttemptFailed("malformed", "the answer goes on after its end")


def portable(found: dict[str, Any]) -> dict[str, Any]:
    """Returns what a server sent as it is, or nothing if it could not be stored and sent again as JSON."""
    try:
        return check_json(found)
    except ValueError:
        return {}


def count(numbers: object, name: str) -> int:
    """Returns a count of tokens, 0 if it is missing or invalid: a bad usage must not lose a whole answer.

    One that no float can hold would fail where it is priced.
    """
    number = numbers.get(name) if isinstance(numbers, dict) else None
    return number if isinstance(number, int) and 0 < number < _MOST_TOKENS else 0
