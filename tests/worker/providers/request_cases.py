"""Requests of every kind, as a producer writes them."""

from typing import Any

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQK"
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "degrees": {"type": ["number", "null"], "minimum": -90},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["wet", "dry"]}, "minItems": 2},
    },
    "required": ["city"],
}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Looks.", "parameters": SCHEMA}}
STRICT = {"type": "function", "function": {"name": "strict", "parameters": SCHEMA, "strict": True}}
CLOCK = {"type": "function", "function": {"name": "clock"}}
NAMED = {"type": "function", "function": {"name": "clock"}}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content) if len(content) > 1 else content[0]}


def text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def image(url: str, **detail: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def call(id_: str, name: str = "weather", arguments: str = '{"city":"Oslo"}') -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*made: dict[str, Any], content: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(made)}


def result(id_: str, content: Any = "sunny") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id_, "content": content}


HELLO = user("Hello")
ASSISTANT = {"role": "assistant", "content": "Dear"}
MESSAGES: dict[str, list[dict[str, Any]]] = {
    "one turn": [HELLO],
    "system": [{"role": "system", "content": "Be brief."}, HELLO],
    "system twice": [{"role": "system", "content": "One."}, HELLO, {"role": "developer", "content": [text("Two.")]}],
    "system alone": [{"role": "system", "content": "Say hello."}],
    "turns": [HELLO, {"role": "assistant", "content": "Hi."}, user("How are you?")],
    "turns of one role": [HELLO, user("Are you there?")],
    "prefill": [HELLO, {"role": "assistant", "content": "Dear "}],
    "names": [user("Hi") | {"name": "ann"}],
    "empty": [{"role": "system", "content": ""}, HELLO, {"role": "assistant", "content": ""}, user(" "), user("x")],
    "no part": [{"role": "system", "content": []}, HELLO, calls(call("call_1")), result("call_1", [])],
    "unicode": [user("Grüße 😀 \u202e \x00 \u2028")],
    "image url": [user(text("What is it?"), image("https://example.com/a.png?x=1", detail="low"))],
    "image data": [user(text(""), image(PNG), image(PNG, detail="auto"))],
    "a file": [user(text("Sum it up."), {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}})],
    "a file without a name": [user(text("Sum it up."), {"type": "file", "file": {"file_data": PDF}})],
    "marks": [
        {"role": "system", "content": [text("Be brief.") | MARK]},
        user(text("Look"), image(PNG) | MARK),
        calls(call("call_1")),
        result("call_1", [text("sun") | MARK, text("ny")]),
        user("And now?") | MARK,
    ],
    "own fields of others": [
        HELLO,
        calls(call("call_1")) | {"provider_fields": {"other": {"model": "m", "thinking": [{"type": "thinking"}]}}},
        result("call_1"),
    ],
    "tool results": [HELLO, calls(call("call_1")), result("call_1")],
    "parallel results": [
        HELLO,
        calls(call("call_1"), call("call_2", "clock", ""), content="Let me see."),
        result("call_2", ""),
        result("call_1", [text("sun"), text("ny")]),
        user("And now?"),
    ],
    "results of others": [
        HELLO,
        calls(call("toolu_01A"), call("functions.weather:0"), call("x" * 80), call("é 1")),
        *map(result, ("toolu_01A", "functions.weather:0", "x" * 80, "é 1")),
    ],
    "ids used twice": [HELLO, calls(call("0")), result("0"), calls(call("0")), result("0")],
    "arguments that are no JSON": [HELLO, calls(call("a", arguments="city: Oslo")), result("a")],
    "arguments that are no object": [HELLO, calls(call("a", arguments="[1]")), result("a")],
    "arguments cut off": [HELLO, calls(call("a", arguments='{"city": "Os')), result("a")],
}
FIELDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "length": {"max_tokens": 7},
    "length by its new name": {"max_completion_tokens": 7},
    "stop": {"stop": "END"},
    "stops": {"stop": ["END", "\n"]},
    "sampling": {"temperature": 1.5, "top_p": 0.5, "seed": 2**62},
    "user": {"user": "u" * 300, "metadata": {"ours": "only"}},
    **{f"effort {effort}": {"reasoning_effort": effort} for effort in ("none", "minimal", "low", "high", "xhigh")},
    "penalties": {"frequency_penalty": 0.5, "presence_penalty": -2, "logit_bias": {"50256": -100}},
    "probabilities": {"logprobs": True, "top_logprobs": 3},
    "extensions": {"top_k": 40, "min_p": 0.1, "repetition_penalty": 1.1},
    "account": {
        "safety_identifier": "s" * 300,
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "store": False,
    },
    "speed": {"service_tier": "default", "verbosity": "low", "prediction": {"type": "content", "content": "Dear"}},
    "marked tool": {"tools": [WEATHER | MARK]},
    "text": {"response_format": {"type": "text"}},
    "json": {"response_format": {"type": "json_object"}},
    "schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA}}},
    "strict schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA, "strict": True}}
    },
    "tools": {"tools": [WEATHER, CLOCK]},
    "no tools": {"tools": [], "parallel_tool_calls": True},
    "strict tool": {"tools": [STRICT]},
    **{
        f"choice {name}": {"tools": [WEATHER, CLOCK], "tool_choice": choice}
        for name, choice in {"none": "none", "auto": "auto", "required": "required", "named": NAMED}.items()
    },
    "one at a time": {"tools": [WEATHER], "parallel_tool_calls": False},
    "named, one at a time": {"tools": [CLOCK], "tool_choice": NAMED, "parallel_tool_calls": False},
    "none, one at a time": {"tools": [CLOCK], "tool_choice": "none", "parallel_tool_calls": False},
    "parallel": {"tools": [WEATHER], "parallel_tool_calls": True},
    "schema and tools": {
        "tools": [WEATHER],
        "response_format": {"type": "json_schema", "json_schema": {"name": "w", "schema": {"type": "object"}}},
        "reasoning_effort": "low",
    },
}
