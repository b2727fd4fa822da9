"""Puts together the answers of OpenAI's Chat Completions interface, and of the many servers that speak it."""

from typing import Any

from worker.errors import AttemptFailed
from worker.providers.assembly import Assembly, ErrorEvent, Event
from worker.providers.openai import usage as tokens
from worker.providers.openai.own_fields import keep, whole_fields

_THOUGHT = ("thinking", "reasoning")
_PLAIN = frozenset(("role", "content", "tool_calls", "function_call", "refusal"))


class OpenAIAssembly(Assembly):
    """An answer in chunks, or as one object, which has a whole `message` in place of a `delta`."""

    def __init__(self) -> None:
        super().__init__()
        self._last_id: Any = None
        self._is_shared = False
        self._tier: Any = None
        self._own: dict[str, Any] = {}

    def add(self, event: Event) -> bool:
        """Adds one chunk or object; see `Assembly.add`."""
        has_piece, id_ = False, event.get("id")
        if id_ and id_ != self._last_id:
            self._change_id(id_)
        elif id_:
            self._is_shared = True
        for choice in event.get("choices") or ():
            if choice.get("index"):
                continue  # we asked for one answer
            if choice.get("error"):
                raise ErrorEvent(event)
            if logprobs := choice.get("logprobs"):
                self._add_logprobs(logprobs)
            if delta := choice.get("delta"):
                content = delta.get("content")
                if content and len(delta) == 1 and content.__class__ is str and not self.word:
                    self.text.append(content)  # most chunks
                    has_piece = True
                else:
                    has_piece = self._add_delta(delta) or has_piece
            elif message := choice.get("message"):
                has_piece = self._add_message(message) or has_piece
                self.has_ended = True
            if (word := choice.get("finish_reason")) and word != "null":
                self.word = self.word or str(word)
            if usage := choice.get("usage"):  # Moonshot
                self.usage = tokens.read(usage)
        if usage := event.get("usage"):
            self.usage = tokens.read(usage, event.get("service_tier") or self._tier)
        elif "x_groq" in event and event["x_groq"].get("usage"):
            self.usage = tokens.read(event["x_groq"]["usage"])
        if not self.model:
            self._tier = event.get("service_tier")
            self.id, self.model = self.id or str(id_ or ""), str(event.get("model") or "")
        return has_piece

    def _change_id(self, id_: Any) -> None:
        """Takes a chunk's id. Some servers give each chunk its own; where chunks shared one, another is another answer.

        Raises:
            AttemptFailed: `malformed`, another answer begins.
        """
        if self._is_shared and (self.text or self.reasoning or self.calls):
            raise AttemptFailed("malformed", "another answer begins")
        self._last_id, self._is_shared = id_, False

    def _add_message(self, message: dict[str, Any]) -> bool:
        """Adds a whole message. MiniMax repeats the answer in one at the end of its stream.

        Raises:
            AttemptFailed: `malformed`, it is not what came in pieces.
        """
        if not (self.text or self.reasoning or self.calls):
            return self._add_delta(message, is_whole=True)
        if message.get("content") not in (None, "", "".join(self.text)):
            raise AttemptFailed("malformed", "the whole message is not what came in pieces")
        return False

    def _add_delta(self, delta: dict[str, Any], *, is_whole: bool = False) -> bool:
        """Adds what a delta has; returns whether it had anything."""
        content = delta.get("content")
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        calls, call = delta.get("tool_calls"), delta.get("function_call")
        refusal = delta.get("refusal")
        if not _PLAIN.issuperset(delta):
            keep(self._own, delta)
        if not (content or reasoning or calls or call or refusal):
            return False
        self._check_open()
        if isinstance(content, str):
            self.text.append(content)
        elif content:
            self._add_parts(content)
        if reasoning:
            self.reasoning.append(_text(reasoning))
        calls = [calls] if isinstance(calls, dict) else calls or []  # TGI
        for place, each in enumerate(calls):
            function = each.get("function") or {}
            index = None if is_whole else each.get("index")
            if index is None and len(calls) > 1:  # side by side, without a number
                index = place
            name, arguments = function.get("name"), function.get("arguments")
            self.calls.add(index, each.get("id"), name, arguments, each.get("extra_content"))
        if call:
            self.calls.add("function_call", None, call.get("name"), call.get("arguments"))
        self.is_refused = self.is_refused or bool(refusal)
        return True

    def _add_logprobs(self, logprobs: Any) -> None:
        for name in ("content", "refusal"):
            if isinstance(logprobs, dict) and isinstance(tokens := logprobs.get(name), list):
                self.logprobs.setdefault(name, []).extend(tokens)

    def own_fields(self, calls: list[dict[str, Any]]) -> dict[str, Any]:
        """Returns thoughts and signatures in the server's own fields; see provider_fields.py."""
        extras = self.calls.extras(calls)
        return whole_fields(self._own) | ({"tool_calls": extras} if extras else {})

    def _add_parts(self, parts: list[dict[str, Any]]) -> None:
        """Adds content that is a list, as Mistral's reasoning models send it."""
        for part in parts:
            if part["type"] in _THOUGHT:
                self.reasoning.append(_text(part.get(part["type"]) or part.get("summary") or ""))
            elif "text" in part["type"]:
                self.text.append(part["text"])


def _text(value: Any) -> str:
    """Returns a text, or the texts of a list of parts."""
    return value if isinstance(value, str) else "".join(part.get("text") or "" for part in value)
