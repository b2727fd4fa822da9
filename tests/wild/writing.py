"""A server that writes down what it is sent: each body is kept, and answered as OpenAI's chat completions would."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

CALL = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": '{"city":"Oslo"}'}}
PERSON = json.dumps({"name": "Ann", "age": 3, "nickname": None})
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
THINKING = "deepseek-reasoner"
"""The model that shows its thoughts."""


class _Writer(BaseHTTPRequestHandler):
    """Writes each body down, and answers it: a call where there are tools and no result yet, else a text."""

    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append(body)
        is_streamed = body.get("stream", False)
        data = _stream(body) if is_streamed else json.dumps(_answer(body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if is_streamed else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing is logged."""


@contextmanager
def writing() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Gives a server's base URL, and the bodies that it was sent so far."""
    bodies: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Writer", (_Writer,), {"bodies": bodies}))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", bodies
    server.shutdown()


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    message, finish = _message(body)
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return _object(body, "chat.completion", choices=[choice], usage=USAGE)


def _stream(body: dict[str, Any]) -> bytes:
    message, finish = _message(body)
    message["tool_calls"] = [{"index": 0, **call} for call in message.get("tool_calls", ())]
    choices: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": {name: value for name, value in message.items() if value}, "finish_reason": None}],
        [{"index": 0, "delta": {}, "finish_reason": finish}],
    ]
    chunks = [_object(body, "chat.completion.chunk", choices=each) for each in choices]
    chunks.append(_object(body, "chat.completion.chunk", choices=[], usage=USAGE))
    return b"".join(b"data: %s\n\n" % data for data in [*(json.dumps(chunk).encode() for chunk in chunks), b"[DONE]"])


def _object(body: dict[str, Any], kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body["model"], **fields}


def _message(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    message: dict[str, Any] = {"role": "assistant", "content": "Noon.", "refusal": None, "annotations": []}
    if body["model"] == THINKING:
        thoughts = [{"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0}]
        message |= {"reasoning": "Hm.", "reasoning_content": "Hm.", "reasoning_details": thoughts}
    if body.get("tools") and body["messages"][-1]["role"] != "tool":
        name = body["tools"][0]["function"]["name"]
        arguments = CALL["function"]["arguments"] if name == "clock" else PERSON  # type: ignore[index]
        return message | {
            "content": None,
            "tool_calls": [CALL | {"function": {"name": name, "arguments": arguments}}],
        }, "tool_calls"
    if "json" in json.dumps(body.get("response_format", "")):
        message["content"] = PERSON
    return message, "stop"
