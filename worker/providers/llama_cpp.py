"""llama.cpp's server: OpenAI's format with these differences.

1. Its base URL has no `/v1`.
2. It reads `max_tokens`, and ignores `user`.
3. Its chat templates know the role `system`, not `developer`.
4. It cannot choose one named tool. It gets that tool alone, and must call one.
5. A seed has 32 bits; the highest value means "any".
6. The reasoning effort is an option of the chat template.
7. It closes the connection after every stream and error, whatever its Keep-Alive says. So no connection is kept: the
   next request would fail on it.
8. It sends a comment every 30 s while it is busy: a sign of life before the first token, silence after it.
9. Many chat templates want the roles to alternate and answer 500 otherwise. Neighbours of one role become one message.
"""

from dataclasses import replace
from typing import Any

from config.providers import Model, Provider
from worker.providers import openai
from worker.request import CompletionRequest

_ANY_SEED = 2**32 - 1


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers for authentication, and `Connection: close`."""
    return {**openai.OPENAI.headers(provider), "Connection": "close"}


def body(request: CompletionRequest, model: Model, stream: bool) -> dict[str, Any]:
    """Returns the body of a request; a stream ends with its usage."""
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
    body["messages"] = _alternating(body["messages"])
    if isinstance(body.get("tool_choice"), dict):
        _choose(body, body["tool_choice"]["function"]["name"])
    return body


def _alternating(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the messages with neighbours of one role and name as one; calls and their results stay as they are."""
    merged: list[dict[str, Any]] = []
    for message in messages:
        last = merged[-1] if merged else {}
        same = all(message.get(name) == last.get(name) for name in ("role", "name"))
        if same and message["role"] != "tool" and not ("tool_calls" in message or "tool_calls" in last):
            last["content"] = _joined(last["content"], message["content"])
        else:
            merged.append(message)
    return merged


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return _parts(first) + _parts(second)


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _reasoning(effort: str) -> dict[str, Any]:
    return {"enable_thinking": False} if effort == "none" else {"reasoning_effort": effort}


def _choose(body: dict[str, Any], name: str) -> None:
    body["tools"] = [tool for tool in body["tools"] if tool["function"]["name"] == name]
    body["tool_choice"] = "required"


def probe(provider: Provider) -> str:
    """Returns the path of a probe: `/health` never checks the key, `/props` always does if there is one.

    The list of models checks the key in some versions only, and in some is available before the model is loaded.
    """
    return "/health" if provider.api_key is None else "/props"


LLAMA_CPP = replace(
    openai.OPENAI, path="/v1/chat/completions", probe=probe, models="/v1/models", headers=headers, body=body
)
