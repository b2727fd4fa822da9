"""llama.cpp's server: OpenAI's wire, with these differences.

Its base URL has no `/v1`. It takes `max_tokens`; chat templates know `system` and not `developer`; it has no use for
`user`. It sends a comment every 30 s while it is busy, which counts as silence.
"""

from dataclasses import replace
from typing import Any

from config.providers import Model, Provider
from worker.providers import openai
from worker.request import CompletionRequest


def body(request: CompletionRequest, model: Model) -> dict[str, Any]:
    """Returns the body of a request for a stream that ends with its usage."""
    body = openai.OPENAI.body(request, model)
    body.pop("user", None)
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    for message in body["messages"]:
        if message["role"] == "developer":
            message["role"] = "system"
    return body


def probe(provider: Provider) -> str:
    """Returns the path to ask: the health never asks for the key, the properties always do where there is one."""
    return "/health" if provider.api_key is None else "/props"


LLAMA_CPP = replace(openai.OPENAI, path="/v1/chat/completions", probe=probe, body=body)
