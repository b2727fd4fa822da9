"""Builds requests for Anthropic's Messages interface.

A conversation that ends with the assistant, and a forced tool call, are sent unchanged. Some models take them. A model
that does not answers 400, and the chain asks another provider. A rewritten request would be another request.
"""

from typing import Any

from config.providers import Provider
from worker.providers import rules
from worker.providers.anthropic.cache import marked, with_mark
from worker.providers.anthropic.schema import closed_schema
from worker.providers.anthropic.turns import instructions, turns
from worker.providers.dialect import api_key, shortened, without_none
from worker.providers.query import Query
from worker.providers.rules import OURS, Rule, Rules, dropped, mapped
from worker.request import Function, JsonSchema, NamedToolChoice, System
from worker.request.tools import JsonObject, Tool

VERSION = "2023-06-01"

MAX_TOKENS = 8_192
"""Anthropic requires a limit. This one is below that of every current model; so many tokens take about 100 s."""

JSON_ONLY = "Answer with one JSON object and nothing else: no words around it, and no Markdown."
"""Stands in for JSON mode, which Anthropic lacks: a format of its own needs a schema, whose objects it closes.

https://platform.claude.com/docs/en/test-and-evaluate/strengthen-guardrails/increase-consistency
"""

_LONGEST_USER = 256
_EFFORTS = {"none": "low", "minimal": "low"}
_CHOICES = {"none": "none", "auto": "auto", "required": "any"}
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}


def headers(provider: Provider) -> dict[str, str]:
    """Returns the headers for authentication and version."""
    key = api_key(provider)
    return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})


def body(query: Query) -> dict[str, Any]:
    """Returns the body of a request."""
    return marked(rules.body(RULES, query), by_itself=query.provider.prompt_cache)


def _conversation(query: Query) -> dict[str, Any]:
    system, messages = instructions([*query.request.messages, *_form(query)]), turns(query)
    if messages:
        return {"messages": messages, **({"system": system} if system else {})}
    # There are only instructions, so they become the question.
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system
    return {"messages": [{"role": "user", "content": blocks}]}


def _form(query: Query) -> list[System]:
    """Returns the instruction that JSON mode becomes, none where another form or none is asked for."""
    is_asked = isinstance(query.request.response_format, JsonObject) and "response_format" not in query.dropped
    return [System(role="system", content=JSON_ONLY)] if is_asked else []


def _user(query: Query) -> dict[str, Any]:
    user = query.request.safety_identifier or query.request.user
    return {"metadata": {"user_id": shortened(user, _LONGEST_USER)}} if user else {}


def _stops(query: Query) -> dict[str, Any]:
    stops = [stop for stop in query.request.stops if stop.strip()]
    return {"stop_sequences": stops} if stops else {}


def _effort(query: Query) -> dict[str, Any]:
    effort = query.effort
    return {"output_config": {"effort": _EFFORTS.get(effort, effort)}} if effort else {}


def _format(query: Query) -> dict[str, Any]:
    form = query.request.response_format
    if not isinstance(form, JsonSchema):
        return {}
    return {"output_config": {"format": {"type": "json_schema", "schema": closed_schema(form.json_schema["schema"])}}}


def _tools(query: Query) -> dict[str, Any]:
    tools = [_tool(tool) for tool in query.request.tools or ()]
    return {"tools": tools} if tools else {}


def _tool(tool: Tool) -> dict[str, Any]:
    return with_mark(_function(tool.function), tool.cache_control)


def _function(function: Function) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}} | (function.parameters or {})
    return {
        "name": function.name,
        "input_schema": closed_schema(schema) if function.strict else schema,
        **without_none(description=function.description, strict=function.strict or None),
    }


def _choice(query: Query) -> dict[str, Any]:
    choice = query.request.tool_choice
    if not query.request.tools or choice is None:
        return {}
    if isinstance(choice, NamedToolChoice):
        return {"tool_choice": {"type": "tool", "name": choice.function.name}}
    return {"tool_choice": {"type": _CHOICES[choice]}}


def _parallel(query: Query) -> dict[str, Any]:
    request = query.request
    if not request.tools or request.parallel_tool_calls is not False or request.tool_choice == "none":
        return {}
    choice = _choice(query) or {"tool_choice": {"type": "auto"}}
    return rules.merged(choice, {"tool_choice": {"disable_parallel_tool_use": True}})


def _service_tier(query: Query) -> dict[str, Any]:
    tier = _TIERS.get(query.request.service_tier or "")
    return {"service_tier": tier} if tier else {}


_SAMPLING = dropped("every model since Opus 4.7 answers 400 to it")
_UNKNOWN = dropped()

RULES: Rules = {
    **OURS,
    "model": mapped("the provider's model of that tier", lambda query: {"model": query.model.name}),
    "messages": mapped("`system` and `messages`, see below", _conversation),
    "stream": Rule(
        "refused", "if true; sent is the provider's `stream`", lambda q: {"stream": q.provider.stream}, always=True
    ),
    "max_tokens": mapped(
        f"`max_tokens`; {MAX_TOKENS:,} where neither is set",
        lambda query: {"max_tokens": query.model.limit(query.request.limit or MAX_TOKENS)},
        always=True,
    ),
    "max_completion_tokens": mapped("the same", lambda query: {}),
    "stop": mapped("`stop_sequences`, without those of white space, which are refused", _stops),
    "user": mapped(f"`metadata.user_id`; a hash of it if longer than {_LONGEST_USER} characters", _user),
    "safety_identifier": mapped("as `user`, and before it", _user),
    "service_tier": mapped("`auto`; `default` becomes `standard_only`; no other is sent", _service_tier),
    "reasoning_effort": mapped("`output_config.effort`; `none` and `minimal` become `low`", _effort, always=True),
    "response_format": mapped("`output_config.format`, adapted; `json_object`: an instruction, the last one", _format),
    "tools": mapped("`input_schema`; the schema of a `strict` tool is adapted", _tools),
    "tool_choice": mapped("`none`, `auto`, `any`, `tool`; with tools alone", _choice),
    "parallel_tool_calls": mapped("`false`: `tool_choice.disable_parallel_tool_use`", _parallel),
    **dict.fromkeys(("temperature", "top_p", "top_k"), _SAMPLING),
    **dict.fromkeys(("min_p", "repetition_penalty", "frequency_penalty", "presence_penalty"), _UNKNOWN),
    **dict.fromkeys(("logit_bias", "logprobs", "top_logprobs", "seed", "prediction", "verbosity", "store"), _UNKNOWN),
    **dict.fromkeys(("prompt_cache_key", "prompt_cache_retention"), dropped("`cache_control` marks what to cache")),
}
