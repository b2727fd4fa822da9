"""The barest Celery tasks that ask with httpx, for a stream or a plain answer: what ours is measured against.

They have no chain, no breaker, no lease, no limits, no journal, and believe whatever the provider says.
"""

import json
import os
import ssl
import threading
from typing import Any

import httpx

from bench.parts.worker.stock import stock

app = stock("barest")
_local = threading.local()
_trust = ssl.create_default_context()


@app.task(name="barest.complete")
def complete(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer to a request as an OpenAI `chat.completion` object."""
    body = {"model": "bare", **request, "stream": True, "stream_options": {"include_usage": True}}
    text, usage, finish = [], None, None
    with _client().stream("POST", "/chat/completions", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if not line.startswith("data: ") or line == "data: [DONE]":
                continue
            event = json.loads(line[6:])
            usage = event["usage"] or usage
            for choice in event["choices"]:
                text.append(choice["delta"].get("content") or "")
                finish = choice["finish_reason"] or finish
    message = {"role": "assistant", "content": "".join(text)}
    return {
        "id": event["id"],
        "object": "chat.completion",
        "created": event["created"],
        "model": event["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": usage,
    }


@app.task(name="barest.complete_plainly")
def complete_plainly(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer to a request that asks for no stream, as it came."""
    response = _client().post("/chat/completions", json={"model": "bare", **request})
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def _client() -> httpx.Client:
    if not hasattr(_local, "client"):
        headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
        _local.client = httpx.Client(
            base_url=os.environ["OPENAI_BASE_URL"], headers=headers, timeout=60.0, verify=_trust
        )
    client: httpx.Client = _local.client
    return client
