"""What vendors answer over a bare socket: whole turns of blocks or of deltas, and refusals."""

import json
from collections.abc import Callable
from typing import Any

from tests.worker.providers.asking import anthropic_event, data
from tests.worker.providers.bare_server import Bare, Talk, responds, streams

Object = dict[str, Any]


def answers(answer: Callable[[Object], Talk]) -> Talk:
    """Answers each request by its body."""

    def talk(bare: Bare, sock: Any) -> bool:
        body = json.loads(bare.requests[-1].partition(b"\r\n\r\n")[2])
        return answer(body)(bare, sock)

    return talk


def says_blocks(blocks: list[Object], usage: Object, *, output: int = 7) -> Talk:
    """Streams blocks as Anthropic does; a text or a thought in two pieces, with a thought's signature behind it."""
    message = {"id": "msg_1", "model": "served", "usage": {**usage, "output_tokens": 1}}
    events = [{"type": "message_start", "message": message}]
    for index, block in enumerate(blocks):
        start, deltas = _pieces(block)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    reason = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": output}})
    return streams(*map(anthropic_event, [*events, {"type": "message_stop"}]))


def _pieces(block: Object) -> tuple[Object, list[Object]]:
    match block["type"]:
        case "text":
            halves = _halves(block["text"])
            return block | {"text": ""}, [{"type": "text_delta", "text": half} for half in halves]
        case "thinking":
            halves = _halves(block["thinking"])
            thoughts = [{"type": "thinking_delta", "thinking": half} for half in halves]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return block | {"thinking": "", "signature": ""}, [*thoughts, signed]
        case "tool_use":
            json_ = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            return block | {"input": {}}, [json_]
    return block, []


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def says_deltas(*deltas: Object, usage: Object) -> Talk:
    """Streams deltas as servers of OpenAI's dialect do."""
    reason = "tool_calls" if any("tool_calls" in delta for delta in deltas) else "stop"
    chunks = [*({"delta": delta, "finish_reason": None} for delta in deltas), {"delta": {}, "finish_reason": reason}]
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served"}
    events = [{**common, "choices": [{"index": 0, **chunk}]} for chunk in chunks]
    return streams(*map(data, [*events, {**common, "choices": [], "usage": usage}]), b"data: [DONE]\n\n")


def refuses(reason: str, kind: str = "invalid_request_error", status: bytes = b"400 Bad Request") -> Talk:
    """Answers with an error, in the form of OpenAI's and Anthropic's alike."""
    return responds(status, json.dumps({"type": "error", "error": {"type": kind, "message": reason}}).encode())
