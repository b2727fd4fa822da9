"""Claude, OpenAI, Gemini, DeepSeek and llama.cpp: each calls tools, and checks by its own rules what comes back.

1. Each refuses what its types do not have, ids of another form, calls without their results.
2. Claude: its own turn has the blocks that it gave, thoughts and signatures in their places. No other has thoughts.
   https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks
3. Gemini: the first call of a turn has its signature, one of another model the word that is documented for it.
   https://ai.google.dev/gemini-api/docs/thought-signatures
4. DeepSeek: a turn with calls has its reasoning. https://api-docs.deepseek.com/guides/thinking_mode
5. llama.cpp: roles alternate, as many chat templates want them to; reasoning is taken as DeepSeek's is.
6. Nobody sees another's thoughts and signatures.
"""

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, pairwise
from typing import Any

from config.providers import Dialect
from tests.end_to_end.speaking import Object, Reply, Vendor, refuses, says_blocks, says_deltas
from tests.worker.providers.vendor_rules import broken
from tests.worker.providers.vendor_types import faults

DIALECTS: dict[str, Dialect] = {
    "claude": "anthropic",
    "openai": "openai",
    "gemini": "openai",
    "deepseek": "openai",
    "llama": "llama_cpp",
}
BASE_URLS = {"anthropic": "", "openai": "/v1", "llama_cpp": ""}
SKIPPED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


class FiveVendors:
    """The vendors while they serve. `returned` counts the answers that each saw again as it gave them."""

    def __init__(self) -> None:
        self.returned: Counter[str] = Counter()
        self._numbers = count(1)
        self._given: dict[str, Any] = {}

    @property
    def vendors(self) -> dict[str, Vendor]:
        """Returns what answers for each vendor."""
        return {"claude": self._claude, **{name: self._other(name) for name in DIALECTS if name != "claude"}}

    def _claude(self, body: Object) -> Reply:
        if wrong := [*_leaks("claude", body), *_broken("claude", body), *self._claude_faults(body)]:
            return refuses(f"{wrong}")
        number = next(self._numbers)
        blocks = _blocks(number)
        self._given |= {block["id"]: blocks for block in blocks if block["type"] == "tool_use"}
        return says_blocks(blocks, {"input_tokens": 9})

    def _claude_faults(self, body: Object) -> Iterator[str]:
        for turn in body["messages"]:
            calls = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
            given = self._given.get(calls[0]) if calls else None
            if given and turn["content"] != given:
                yield f"my turn came back as {turn['content']}"
            elif given:
                self.returned["claude"] += 1
            elif any("thinking" in block["type"] for block in turn["content"]):
                yield "thoughts that are not mine"

    def _other(self, name: str) -> Vendor:
        def vendor(body: Object) -> Reply:
            if wrong := [*_leaks(name, body), *_broken(name, body), *self._other_faults(name, body)]:
                return refuses(f"{wrong}")
            deltas, message = _message(name, next(self._numbers))
            self._given |= {call["id"]: message for call in message["tool_calls"]}
            return says_deltas(*deltas, usage=_USAGE)

        return vendor

    def _other_faults(self, name: str, body: Object) -> Iterator[str]:
        for message in body["messages"]:
            if message["role"] != "assistant":
                continue
            given = self._given.get(message["tool_calls"][0]["id"])
            is_own = given is not None and given["vendor"] == name
            if is_own and (message["content"], _calls(message)) != (given["content"], _calls(given)):
                yield f"my turn came back as {message}"
            if _OWN[name](message) != (_OWN[name](given) if is_own else _ANOTHERS[name](message)):
                yield f"own fields of {'mine' if is_own else 'another'}: {_OWN[name](message)}"
            self.returned[name] += is_own


def _calls(message: Object) -> list[tuple[str, str, Any]]:
    calls = [(call["id"], call["function"]) for call in message["tool_calls"]]
    return [(id_, function["name"], json.loads(function["arguments"])) for id_, function in calls]


_OWN: dict[str, Callable[[Object], Any]] = {
    "openai": lambda message: None,
    "gemini": lambda message: [call.get("extra_content") for call in message["tool_calls"]],
    "deepseek": lambda message: message.get("reasoning_content"),
    "llama": lambda message: message.get("reasoning_content"),
}
"""What a vendor wants to see again of a message."""

_ANOTHERS: dict[str, Callable[[Object], Any]] = {
    "openai": lambda message: None,
    "gemini": lambda message: [SKIPPED, *[None] * (len(message["tool_calls"]) - 1)],
    "deepseek": lambda message: "",
    "llama": lambda message: None,
}
"""What it takes in its place for a message of another's."""


def _leaks(name: str, body: Object) -> list[str]:
    text = json.dumps(body)
    return [f"a secret of {other}" for other in DIALECTS if other != name and f"secret of {other}" in text]


def _broken(name: str, body: Object) -> Iterator[str]:
    plain = copy.deepcopy(body)
    for message in plain["messages"]:
        if name in ("deepseek", "llama"):
            message.pop("reasoning_content", None)
        for call in message.get("tool_calls", ()) if name == "gemini" else ():
            call.pop("extra_content", None)
    yield from [*faults(DIALECTS[name], plain), *broken(DIALECTS[name], plain)]
    results = [message for message in body["messages"] if message["role"] == "tool"]
    yield from (f"the result of {each['content']}" for each in results if not _is_answered(each))
    roles = [message["role"] for message in body["messages"]]
    if name == "llama" and any(role == then != "tool" for role, then in pairwise(roles)):
        yield "Conversation roles must alternate"


def _is_answered(result: Object) -> bool:
    """Returns whether a result, whose text is the id that the caller knows, has this id unless it was Claude's."""
    return result["content"] == result["tool_call_id"] or result["content"].startswith("toolu_")


def _blocks(number: int) -> list[Object]:
    uses = [
        {"type": "tool_use", "id": f"toolu_{number:024}{n}", "name": "clock", "input": {"zone": f"{number}/{n}"}}
        for n in range(2)
    ]
    secret = f"secret of claude, {number}"
    first = {"type": "thinking", "thinking": f"A {secret}", "signature": f"Signed {secret}"}
    between = {"type": "redacted_thinking", "data": f"Redacted {secret}"}
    return [first, {"type": "text", "text": f"I look, {number}. "}, uses[0], between, uses[1]]


_IDS = {"openai": "call_{:023}{}", "gemini": "function-call-{}{}", "deepseek": "call_{1}_{0:022}", "llama": "{:031}{}"}
_ANSWER: dict[str, Object] = {
    "openai": {"content": None, "refusal": None, "annotations": []},
    "gemini": {"content": "I look. "},
    "deepseek": {"content": "", "reasoning_content": "secret of deepseek"},
    "llama": {"content": None, "reasoning_content": "secret of llama"},
}


def _message(name: str, number: int) -> tuple[list[Object], Object]:
    """Returns the deltas of a vendor's answer, and the message that they are as it wants to see it again."""
    calls = [
        {
            "id": _IDS[name].format(number, n),
            "type": "function",
            "function": {"name": "clock", "arguments": json.dumps({"zone": f"{number}/{n}"})},
        }
        for n in range(2)
    ]
    if name == "gemini":
        calls[0]["extra_content"] = {"google": {"thought_signature": f"secret of gemini, {number}"}}
    said = dict(_ANSWER[name])
    if "reasoning_content" in said:
        said["reasoning_content"] += f", {number}"
    deltas = [said, {"tool_calls": [{"index": n, **call} for n, call in enumerate(calls)]}]
    return deltas, said | {"vendor": name, "content": said["content"] or None, "tool_calls": calls}
