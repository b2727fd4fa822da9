"""Vendors that answer by what they are sent: a server for several, each at a path, and the streams of their wires."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.worker.providers.asking import anthropic_event, data

Object = dict[str, Any]
Reply = tuple[int, bytes]
"""The status and the body of a response; a body of status 200 is a stream of events."""

Vendor = Callable[[Object], Reply]


@contextmanager
def speaking(vendors: Mapping[str, Vendor]) -> Iterator[str]:
    """Gives the address of a server of these vendors; the first part of a request's path is the vendor's name."""

    class Conversation(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = vendors[self.path.split("/")[1]](body)
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if status == 200 else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def says_blocks(blocks: list[Object], usage: Object, *, output: int = 7) -> Reply:
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
    return 200, b"".join(map(anthropic_event, [*events, {"type": "message_stop"}]))


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


def says_deltas(*deltas: Object, usage: Object) -> Reply:
    """Streams deltas as servers of OpenAI's dialect do."""
    reason = "tool_calls" if any("tool_calls" in delta for delta in deltas) else "stop"
    chunks = [*({"delta": delta, "finish_reason": None} for delta in deltas), {"delta": {}, "finish_reason": reason}]
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served"}
    events = [{**common, "choices": [{"index": 0, **chunk}]} for chunk in chunks]
    return 200, b"".join(map(data, [*events, {**common, "choices": [], "usage": usage}])) + b"data: [DONE]\n\n"


def refuses(reason: str, kind: str = "invalid_request_error", status: int = 400) -> Reply:
    """Answers with an error, in the form of OpenAI's and Anthropic's alike."""
    return status, json.dumps({"type": "error", "error": {"type": kind, "message": reason}}).encode()
