"""What vendors refuse although their types allow it; each rule stands in their documentation or in their 400s."""

import json
import re
from collections.abc import Iterator
from typing import Any

from config.providers import Dialect

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9_-]+")


def broken(dialect: Dialect, body: dict[str, Any]) -> list[str]:
    """Returns the rules that this body breaks."""
    rules = _anthropic(body) if dialect == "anthropic" else _openai(body)
    return [*rules, *(["names"] if not all(map(_NAME.fullmatch, _tool_names(body))) else [])]


def _tool_names(body: dict[str, Any]) -> list[str]:
    return [(tool.get("function") or tool)["name"] for tool in body.get("tools", ())]


def _anthropic(body: dict[str, Any]) -> Iterator[str]:
    turns = body["messages"]
    blocks = [block for turn in turns for block in turn["content"]]
    if [turn["role"] for turn in turns] != [("user", "assistant")[n % 2] for n in range(len(turns))] or not turns:
        yield "the turns alternate, from the user's on"
    if not all(block["text"].strip() for block in blocks if block["type"] == "text") or body.get("system") == "":
        yield "no text is white space"
    if turns[-1]["role"] == "assistant" and turns[-1]["content"][-1]["text"][-1].isspace():
        yield "a prefill does not end in white space"
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    if len(set(ids)) < len(ids) or not all(re.fullmatch(r"toolu_[A-Za-z0-9_-]+", id_) for id_ in ids):
        yield "ids of calls are unique, and its own"
    for turn, after in zip(turns, [*turns[1:], {"content": []}], strict=True):
        asked = {block["id"] for block in turn["content"] if block["type"] == "tool_use"}
        results = {block["tool_use_id"] for block in after["content"] if block["type"] == "tool_result"}
        first = [block["type"] for block in after["content"]][: len(results)]
        if asked != results or first != ["tool_result"] * len(results):
            yield "the next turn begins with the results of all calls"
    if not all(stop.strip() for stop in body.get("stop_sequences", ())):
        yield "no stop is white space"
    if len(body.get("metadata", {}).get("user_id", "")) > 256:
        yield "the user is short"
    if not all(tool["input_schema"]["type"] == "object" for tool in body.get("tools", ())):
        yield "a schema is an object's"
    yield from _schemas(body)


def _schemas(body: dict[str, Any]) -> Iterator[str]:
    strict = [tool["input_schema"] for tool in body.get("tools", ()) if tool.get("strict")]
    form = body.get("output_config", {}).get("format", {}).get("schema")
    text = json.dumps([*strict, form])
    if text.count('"object"') != text.count('"additionalProperties": false') or '"minimum":' in text:
        yield "a schema is closed, and says nothing that it cannot be held to"


def _openai(body: dict[str, Any]) -> Iterator[str]:
    open_ids: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ids:
                yield "a result answers a call of the message before"
            open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            yield "every call is answered at once"
        open_ids = [call["id"] for call in message.get("tool_calls", ())]
        if not all(len(id_) <= 40 and _ID.fullmatch(id_) and not id_.startswith("toolu_") for id_ in open_ids):
            yield "ids of calls are short, and no other vendor's"
    if any(message.get("content") == [] for message in body["messages"]):
        yield "a list of parts has one"
    if ("tool_choice" in body or "parallel_tool_calls" in body) and not body.get("tools"):
        yield "no choice without tools"
    if len(body.get("safety_identifier", "")) > 64:
        yield "the identifier of a user is short"
    if "stream_options" in body and not body["stream"]:
        yield "no stream options without a stream"
