"""What a model says, as each vendor sends it: streamed and plain."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.worker.providers.asking import anthropic_event, data

FINISH = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


@dataclass(frozen=True)
class Saying:
    """One answer. `calls` are id, name, arguments; `finish` is in OpenAI's words; `hidden` is what it thought."""

    text: str = ""
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    finish: str = "stop"
    hidden: str = ""
    refusal: str = ""
    cached: int = 0
    reasoning: int = 0
    step: int = 3

    def pieces(self, text: str) -> list[str]:
        return [text[at : at + self.step] for at in range(0, len(text), self.step)]


def openai_usage(said: Saying) -> dict[str, Any]:
    return {
        "prompt_tokens": 20,
        "completion_tokens": 9,
        "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": said.cached},
        "completion_tokens_details": {"reasoning_tokens": said.reasoning},
    }


def _openai(kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": f"chat.completion{kind}", "created": 1, "model": "served", **fields}


def _call(call: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    return {"id": call[0], "type": "function", "function": {"name": call[1], "arguments": json.dumps(call[2])}}


def openai_plain(said: Saying) -> bytes:
    message = {"role": "assistant", "content": said.text or None, "refusal": said.refusal or None, "annotations": []}
    message |= {"reasoning_content": said.hidden} if said.hidden else {}
    message |= {"tool_calls": [_call(call) for call in said.calls]} if said.calls else {}
    choice = {"index": 0, "message": message, "finish_reason": said.finish, "logprobs": None}
    return json.dumps(_openai("", choices=[choice], usage=openai_usage(said))).encode()


def openai_stream(said: Saying) -> bytes:
    events = [
        _openai(".chunk", choices=[{"index": 0, "delta": delta, "finish_reason": None}])
        for delta in _openai_deltas(said)
    ]
    events.append(_openai(".chunk", choices=[{"index": 0, "delta": {}, "finish_reason": said.finish}]))
    events.append(_openai(".chunk", choices=[], usage=openai_usage(said)))
    return b"".join(map(data, events)) + b"data: [DONE]\n\n"


def _openai_deltas(said: Saying) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "", "refusal": None}
    yield from ({"reasoning_content": piece} for piece in said.pieces(said.hidden))
    yield from ({"content": piece} for piece in said.pieces(said.text))
    yield from ({"refusal": piece} for piece in said.pieces(said.refusal))
    for index, call in enumerate(said.calls):
        whole = _call(call)
        written = whole["function"]["arguments"]
        yield {"tool_calls": [{"index": index, **whole, "function": {"name": call[1], "arguments": ""}}]}
        for piece in said.pieces(written):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _anthropic_usage(said: Saying) -> dict[str, Any]:
    usage = {"input_tokens": 17 - said.cached, "cache_creation_input_tokens": 3, "cache_read_input_tokens": said.cached}
    return usage | {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": said.reasoning}}


def _anthropic_blocks(said: Saying) -> list[dict[str, Any]]:
    thought = [{"type": "thinking", "thinking": said.hidden, "signature": "c2lnbmF0dXJl"}] if said.hidden else []
    redacted = [{"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="}] if said.hidden else []
    text = [{"type": "text", "text": said.text, "citations": None}] if said.text else []
    calls = [{"type": "tool_use", "id": id_, "name": name, "input": input_} for id_, name, input_ in said.calls]
    return [*thought, *redacted, *text, *calls]


def _anthropic_end(said: Saying) -> dict[str, Any]:
    refused = {"type": "refusal", "category": "cyber", "explanation": None}
    details = refused if said.finish == "content_filter" else None
    return {"stop_reason": FINISH.get(said.finish, said.finish), "stop_sequence": None, "stop_details": details}


def anthropic_plain(said: Saying) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "served"}
    return json.dumps(
        head | {"content": _anthropic_blocks(said), "usage": _anthropic_usage(said)} | _anthropic_end(said)
    ).encode()


def anthropic_stream(said: Saying) -> bytes:
    usage = _anthropic_usage(said)
    first = usage | {"output_tokens": 1, "output_tokens_details": None}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "served", "content": [], "usage": first}
    events = [{"type": "message_start", "message": head | {"stop_reason": None, "stop_sequence": None}}]
    for index, block in enumerate(_anthropic_blocks(said)):
        start, deltas = _anthropic_deltas(said, block)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events.append({"type": "ping"})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    last = {name: usage[name] for name in ("output_tokens", "output_tokens_details", "cache_read_input_tokens")}
    events += [{"type": "message_delta", "delta": _anthropic_end(said), "usage": last}, {"type": "message_stop"}]
    return b"".join(map(anthropic_event, events))


def _anthropic_deltas(said: Saying, block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "thinking":
            pieces = [{"type": "thinking_delta", "thinking": piece} for piece in said.pieces(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return block | {"thinking": "", "signature": ""}, [*pieces, signed]
        case "text":
            return block | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in said.pieces(block["text"])]
        case "tool_use":
            written = said.pieces(json.dumps(block["input"])) if block["input"] else [""]
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in written]
        case _:
            return block, []
