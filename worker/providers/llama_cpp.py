"""llama.cpp's server: OpenAI's wire, with these differences.

Its base URL has no `/v1`. It takes `max_tokens`; chat templates know `system` and not `developer`; it has no use for
`user`. It knows no choice of one named tool: it gets that tool alone, and must call one. Its seeds have 32 bits, of
which the last means "any"; the effort of reasoning is a matter of the chat template. It closes the connection after
every stream and error, whatever its Keep-Alive says, so none is kept: the next request would meet the end of the
last. It sends a comment every 30 s while it is busy, which counts as silence.
"""

from dataclasses import replace
from typing import Any

from config.providers import Model, Provider
from worker.providers import openai
from worker.request import CompletionRequest

_ANY_SEED = 2**32 - 1


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers that say who asks, and that nothing follows."""
    return {**openai.OPENAI.headers(provider), "Connection": "close"}


def body(request: CompletionRequest, model: Model, stream: bool) -> dict[str, Any]:
    """Returns the body of a request; a stream is asked to end with its usage."""
    body = openai.OPENAI.body(request, model, stream)
    body.pop("user", None)
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    if "seed" in body:
        body["seed"] %= _ANY_SEED
    if effort := body.pop("reasoning_effort", None):
        body["chat_template_kwargs"] = _reasoning(effort)
    for message in body["messages"]:
        if message["role"] == "developer":
            message["role"] = "system"
    if isinstance(body.get("tool_choice"), dict):
        _choose(body, body["tool_choice"]["function"]["name"])
    return body


def _reasoning(effort: str) -> dict[str, Any]:
    return {"enable_thinking": False} if effort == "none" else {"reasoning_effort": effort}


def _choose(body: dict[str, Any], name: str) -> None:
    body["tools"] = [tool for tool in body["tools"] if tool["function"]["name"] == name]
    body["tool_choice"] = "required"


def probe(provider: Provider) -> str:
    """Returns the path to ask: the health never asks for the key, the properties always do where there is one.

    The list of models does in some versions only, and in some it is there before the model is loaded.
    """
    return "/health" if provider.api_key is None else "/props"


LLAMA_CPP = replace(
    openai.OPENAI, path="/v1/chat/completions", probe=probe, models="/v1/models", headers=headers, body=body
)
