"""Brings what callers send into the request's own form: answers of any server, older fields, harmless ones.

1. Fields of an answer that no provider needs back are left out of the assistant's messages. An unknown field stays, and
   is refused. `reasoning_content` stays where `provider_fields` refers to it.
2. An answer that is only a refusal, or spoken, becomes its text. One that says nothing becomes an empty text.
3. A call without an id gets one, and so do the results that follow it without theirs, in order. Arguments become text.
4. The older `functions`, `function_call` and `function` messages become tools, calls and results.
5. Messages and calls that are objects of a vendor's client become JSON values.
6. Newer fields of a request that are null, or that only ask for what happens anyway, are left out.

So workers of the version before can read a request that only was longer.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from worker.request.fields import RequestModel, check_json
from worker.request.messages import MOST_CALLS

ANSWER_FIELDS: Mapping[str, str] = {
    "refusal": "OpenAI",
    "annotations": "OpenAI, OpenRouter",
    "audio": "OpenAI",
    "function_call": "OpenAI, before tools",
    "parsed": "OpenAI's own clients",
    "reasoning_content": "DeepSeek, Moonshot, xAI, Z.ai, llama.cpp, vLLM, SGLang, and results of ours",
    "reasoning": "Groq, OpenRouter, Together, Cerebras, Ollama, vLLM",
    "reasoning_details": "OpenRouter, MiniMax",
    "extra_content": "Gemini",
    "audio_content": "MiniMax",
    "thinking_blocks": "LiteLLM",
    "provider_specific_fields": "LiteLLM",
    "images": "OpenRouter",
    "executed_tools": "Groq",
    "context": "Azure OpenAI",
    "prefix": "Mistral, DeepSeek",
    "partial": "Moonshot",
    "tool_call_id": "Text Generation Inference, as null",
}
"""Fields of an assistant's message that are left out, and whose answers have them."""

REASONING_IN = "reasoning_in"
"""What a provider's own fields name those that hold the message's `reasoning_content`, which is so kept once."""

_CALL_FIELDS = ("index", "extra_content", "provider_specific_fields")
_FUNCTION_FIELDS = ("parsed_arguments", "provider_specific_fields", "description")
_TEXT_FIELDS = ("annotations", "citations")
_THOUGHTS = ("thinking", "redacted_thinking", "reasoning")
_UNFIT, _LONGEST_NAME = re.compile(r"[\s<|\\/>]"), 64
_SINCE_4 = (
    *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs", "top_k", "min_p"),
    *("repetition_penalty", "service_tier", "store", "prediction", "verbosity", "safety_identifier"),
    *("prompt_cache_key", "prompt_cache_retention", "stream_options", "modalities", "functions", "function_call"),
    "check_schema",
)
_MOST = 10_000


def normalised(request: Mapping[Any, Any]) -> dict[Any, Any]:
    """Returns a request in its own form. What cannot be read stays as it is, to be refused."""
    found = dict(request)
    _leave_out(found, (name for name in _SINCE_4 if found.get(name, "") is None))
    if found.get("modalities") in (["text"], ("text",)):
        del found["modalities"]
    if _is_harmless(found.get("stream_options")):
        del found["stream_options"]
    bias = found.get("logit_bias")
    if isinstance(bias, dict) and len(bias) <= _MOST:  # in Python tokens are numbers, in JSON texts
        found["logit_bias"] = {str(token) if isinstance(token, int) else token: each for token, each in bias.items()}
    if found.get("prompt_cache_retention") == "in-memory":  # OpenAI's documentation has both
        found["prompt_cache_retention"] = "in_memory"
    _modernise_functions(found)
    messages = found.get("messages")
    if isinstance(messages, list | tuple) and len(messages) <= _MOST:
        found["messages"] = _messages(messages)
    if isinstance(found.get("tools"), list | tuple):
        found["tools"] = [_tool(tool) for tool in found["tools"]]
    return found


def _leave_out(found: dict[Any, Any], names: Iterable[str]) -> None:
    for name in list(names):
        found.pop(name, None)


def _is_harmless(options: Any) -> bool:
    """Returns whether stream options only say what a stream would hold. We do not stream to the caller."""
    return isinstance(options, Mapping) and all(
        name in ("include_usage", "include_obfuscation") and isinstance(value, bool) for name, value in options.items()
    )


def _modernise_functions(found: dict[Any, Any]) -> None:
    functions, choice = found.get("functions"), found.get("function_call")
    if isinstance(functions, list | tuple) and found.get("tools") is None:
        found["tools"] = [{"type": "function", "function": function} for function in functions]
        del found["functions"]
    is_named = isinstance(choice, Mapping)
    if (is_named or choice in ("none", "auto")) and found.get("tool_choice") is None and found.get("tools"):
        found["tool_choice"] = {"type": "function", "function": choice} if is_named else choice
        del found["function_call"]


def _tool(tool: Any) -> Any:
    """Returns a tool with its cache mark beside the function, where some callers put it inside."""
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or "cache_control" not in function:
        return tool
    inner = {name: value for name, value in function.items() if name != "cache_control"}
    return {"cache_control": function["cache_control"], **tool, "function": inner}


def _messages(messages: Iterable[Any]) -> list[Any]:
    converted: list[Any] = []
    unnamed = deque[str]()  # the ids that we gave to the calls of the last answer
    for index, message in enumerate(map(_plain, messages)):
        match message.get("role") if isinstance(message, dict) else None:
            case "assistant":
                answer = _answer(message, f"call_{index}")
                theirs = _ids(message)
                unnamed = deque(id_ for place, id_ in enumerate(_ids(answer)) if theirs[place : place + 1] != [id_])
                converted.append(answer)
            case "function" if unnamed:
                rest = {name: value for name, value in message.items() if name != "role"}
                converted.append(_result({**rest, "role": "tool", "tool_call_id": unnamed.popleft()}))
            case "tool" if unnamed and not message.get("tool_call_id"):
                converted.append(_result({**message, "tool_call_id": unnamed.popleft()}))
            case "tool":
                converted.append(_result(message))
            case "user":
                converted.append(_question(message))
            case _:
                converted.append(message)
    return converted


def _plain(value: Any) -> Any:
    """Returns an object of a vendor's client as JSON values, as that client itself sends it."""
    is_theirs = isinstance(value, BaseModel) and not isinstance(value, RequestModel)
    return value.model_dump(exclude_unset=True) if is_theirs else value


def _ids(answer: dict[Any, Any]) -> list[Any]:
    calls = answer.get("tool_calls")
    found = map(_plain, calls[:MOST_CALLS]) if isinstance(calls, list | tuple) else ()
    return [call.get("id") for call in found if isinstance(call, dict)]


def _answer(message: dict[Any, Any], id_: str) -> dict[Any, Any]:
    """Returns an assistant's message with what a provider can be sent of it; `id_` is for its calls without one."""
    found = dict(message)
    if isinstance(call := found.get("function_call"), dict) and not found.get("tool_calls"):
        found["tool_calls"] = [{"id": id_, "type": "function", "function": call}]
    if isinstance(calls := found.get("tool_calls"), list | tuple) and len(calls) <= MOST_CALLS:
        found["tool_calls"] = [_call(_plain(call), f"{id_}_{place}") for place, call in enumerate(calls)]
    if isinstance(parts := found.get("content"), list | tuple):
        found["content"] = [_part(part) for part in parts if not _is_thought(part)] or None
    if not found.get("content") and (text := _said(found)):
        found["content"] = text
    says_nothing = found.get("content", None if ANSWER_FIELDS.keys() & found.keys() else "") is None
    if says_nothing and not found.get("tool_calls"):
        found["content"] = ""
    if isinstance(name := found.get("name"), str):  # "MiniMax AI"
        found["name"] = _UNFIT.sub("_", name)[:_LONGEST_NAME]
    _leave_out(found, (name for name in ANSWER_FIELDS if name != "reasoning_content" or not _is_referred_to(found)))
    return found


def _is_referred_to(answer: dict[Any, Any]) -> bool:
    """Returns whether a provider gave the answer's reasoning and is to get it back."""
    own = answer.get("provider_fields")
    fields = [each for each in own.values() if isinstance(each, dict)] if isinstance(own, dict) else []
    return isinstance(answer.get("reasoning_content"), str) and any(REASONING_IN in each for each in fields)


def _said(answer: dict[Any, Any]) -> str | None:
    """Returns the text of an answer without content: its refusal, or what was spoken."""
    audio = answer.get("audio")
    spoken = audio.get("transcript") if isinstance(audio, dict) else None
    return next((text for text in (answer.get("refusal"), spoken) if isinstance(text, str) and text), None)


def _call(call: Any, id_: str) -> Any:
    if not isinstance(call, dict):
        return call
    found = {name: value for name, value in call.items() if name not in _CALL_FIELDS}
    if found.get("type") in (None, "null"):  # Mistral
        found["type"] = "function"
    if isinstance(function := found.get("function"), dict):
        found["id"] = found.get("id") or id_
        found["function"] = {name: value for name, value in function.items() if name not in _FUNCTION_FIELDS}
        found["function"]["arguments"] = _arguments(function.get("arguments"))
    return found


def _arguments(value: Any) -> Any:
    """Returns arguments as text; Text Generation Inference has an object, others nothing for none."""
    if not (value is None or isinstance(value, dict)):
        return value
    try:
        return json.dumps(check_json(value or {}))
    except ValueError:
        return value


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _THOUGHTS


def _part(part: Any) -> Any:
    match part:
        case {"type": "refusal", "refusal": text}:
            return {"type": "text", "text": text}
        case {"type": "text", **rest}:
            return {"type": "text", **{name: value for name, value in rest.items() if name not in _TEXT_FIELDS}}
    return part


def _result(message: dict[Any, Any]) -> dict[Any, Any]:
    return {**message, "content": ""} if message.get("content", "") is None else message


def _question(message: dict[Any, Any]) -> dict[Any, Any]:
    """Returns a user's message whose images are objects; Mistral's are URLs alone."""
    content = message.get("content")
    if not isinstance(content, list | tuple):
        return message
    return {**message, "content": [_image(part) for part in content]}


def _image(part: Any) -> Any:
    match part:
        case {"type": "image_url", "image_url": str(url)}:
            return {**part, "image_url": {"url": url}}
    return part
