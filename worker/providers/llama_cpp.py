"""llama.cpp's server: OpenAI's format with these differences.

1. Its base URL has no `/v1`.
2. It reads `max_tokens`, and ignores what is for accounts.
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

from config.providers import Provider
from worker.providers import openai, rules
from worker.providers.openai.request import streaming
from worker.providers.query import Query
from worker.providers.rules import UNCHANGED, Rule, Rules, dropped, mapped

_ANY_SEED = 2**32 - 1


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers for authentication, and `Connection: close`."""
    return {**openai.OPENAI.headers(provider), "Connection": "close"}


def body(query: Query) -> dict[str, Any]:
    """Returns the body of a request; a stream ends with its usage."""
    body = rules.body(RULES, query)
    body["messages"] = _alternating(body["messages"])
    if isinstance(body.get("tool_choice"), dict):
        _choose(body, body["tool_choice"]["function"]["name"])
    return body


def _limit(query: Query) -> dict[str, Any]:
    most = query.model.limit(query.request.limit)
    return {} if most is None else {query.limit_field("max_tokens"): most}


def _seed(query: Query) -> dict[str, Any]:
    return {} if query.request.seed is None else {"seed": query.request.seed % _ANY_SEED}


def _repetition(query: Query) -> dict[str, Any]:
    penalty = query.request.repetition_penalty
    return {} if penalty is None else {"repeat_penalty": penalty}


def _reasoning(query: Query) -> dict[str, Any]:
    if query.effort is None:
        return {}
    options = {"enable_thinking": False} if query.effort == "none" else {"reasoning_effort": query.effort}
    return {"chat_template_kwargs": options}


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


def _choose(body: dict[str, Any], name: str) -> None:
    body["tools"] = [tool for tool in body["tools"] if tool["function"]["name"] == name]
    body["tool_choice"] = "required"


def probe(provider: Provider) -> str:
    """Returns the path of a probe: `/health` never checks the key, `/props` always does if there is one.

    The list of models checks the key in some versions only, and in some is available before the model is loaded.
    """
    return "/health" if provider.api_key is None else "/props"


RULES: Rules = {
    **openai.OPENAI.rules,
    "stream": Rule("refused", "if true; sent is the provider's `stream`", streaming, always=True),
    "max_tokens": mapped("`max_tokens`, or the provider's `limit_field`", _limit, always=True),
    "top_k": UNCHANGED,
    "min_p": UNCHANGED,
    "repetition_penalty": mapped("`repeat_penalty`", _repetition),
    "seed": mapped("modulo 2^32 - 1: the highest value means any seed", _seed),
    "reasoning_effort": mapped(
        "`chat_template_kwargs`; `none` becomes `enable_thinking: false`", _reasoning, always=True
    ),
    "tool_choice": replace(
        openai.OPENAI.rules["tool_choice"], note="with tools alone; a named tool is sent alone, with `required`"
    ),
    **dict.fromkeys(
        ("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier", "store"), dropped()
    ),
    **dict.fromkeys(("verbosity", "prediction"), dropped()),
}

LLAMA_CPP = replace(
    openai.OPENAI,
    path="/v1/chat/completions",
    probe=probe,
    models="/v1/models",
    takes=openai.OPENAI.takes - {"files"},
    headers=headers,
    rules=RULES,
    body=body,
)
