"""Builds requests for OpenAI's Chat Completions interface: unchanged, without the fields of ours."""

from typing import Any

from config.providers import Extension, Provider
from worker.providers import rules
from worker.providers.dialect import api_key, shortened, without_none
from worker.providers.openai.messages import messages
from worker.providers.query import Query
from worker.providers.rules import OURS, UNCHANGED, Rule, Rules, mapped, unchanged
from worker.request import Choice, Function, JsonSchema, NamedToolChoice

_LONGEST_IDENTIFIER = 64
_MARKS = {"content": {"__all__": {"cache_control"}}}


def headers(provider: Provider) -> dict[str, str]:
    """Returns the header for authentication."""
    key = api_key(provider)
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(query: Query) -> dict[str, Any]:
    """Returns the body of a request; a stream ends with its usage."""
    return rules.body(RULES, query)


def limit(query: Query) -> dict[str, Any]:
    """Returns the token limit, under the name that the provider knows."""
    most = query.model.limit(query.request.limit)
    return {} if most is None else {query.limit_field("max_completion_tokens"): most}


def streaming(query: Query) -> dict[str, Any]:
    """Returns whether to stream; a stream ends with its usage."""
    stream = query.provider.stream
    return {"stream": stream, **({"stream_options": {"include_usage": True}} if stream else {})}


def extension(name: Extension) -> Rule:
    """Returns the rule of a field that many servers take and OpenAI refuses."""

    def fields(query: Query) -> dict[str, Any]:
        value = getattr(query.request, name)
        return {name: value} if value is not None and query.passes(name) else {}

    return unchanged("where `pass_params` has it; else dropped, because OpenAI refuses it", fields)


def _tools(query: Query) -> dict[str, Any]:
    tools = [{"type": "function", "function": _function(tool.function)} for tool in query.request.tools or ()]
    return {"tools": tools} if tools else {}


def _function(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        **without_none(description=function.description, parameters=function.parameters, strict=function.strict),
    }


def _choice(choice: Choice | None) -> Any:
    if isinstance(choice, NamedToolChoice):
        return {"type": "function", "function": {"name": choice.function.name}}
    return choice


def _response_format(query: Query) -> dict[str, Any]:
    form = query.request.response_format
    if not isinstance(form, JsonSchema):
        return {"response_format": {"type": form.type}} if form else {}
    schema = form.json_schema
    described = {
        "name": schema["name"],
        "schema": schema["schema"],
        **without_none(description=schema.get("description"), strict=schema.get("strict")),
    }
    return {"response_format": {"type": "json_schema", "json_schema": described}}


def _prediction(query: Query) -> dict[str, Any]:
    prediction = query.request.prediction
    return {"prediction": prediction.model_dump(mode="json", exclude=_MARKS)} if prediction else {}


def _identifier(query: Query) -> dict[str, Any]:
    identifier = query.request.safety_identifier
    return {} if identifier is None else {"safety_identifier": shortened(identifier, _LONGEST_IDENTIFIER)}


RULES: Rules = {
    **OURS,
    "model": mapped("the provider's model of that tier", lambda query: {"model": query.model.name}),
    "messages": unchanged("see below", lambda query: {"messages": messages(query)}),
    "stream": Rule("refused", "if true; sent is the provider's `stream`", streaming, always=True),
    "max_tokens": mapped("`max_completion_tokens`, or the provider's `limit_field`", limit, always=True),
    "max_completion_tokens": mapped("the same", lambda query: {}),
    "temperature": UNCHANGED,
    "top_p": UNCHANGED,
    "frequency_penalty": UNCHANGED,
    "presence_penalty": UNCHANGED,
    "logit_bias": UNCHANGED,
    "logprobs": UNCHANGED,
    "top_logprobs": UNCHANGED,
    "top_k": extension("top_k"),
    "min_p": extension("min_p"),
    "repetition_penalty": extension("repetition_penalty"),
    "stop": unchanged("", lambda query: {"stop": list(query.request.stops)} if query.request.stops else {}),
    "seed": UNCHANGED,
    "user": UNCHANGED,
    "safety_identifier": unchanged(f"a hash of it if longer than {_LONGEST_IDENTIFIER} characters", _identifier),
    "prompt_cache_key": UNCHANGED,
    "prompt_cache_retention": UNCHANGED,
    "service_tier": UNCHANGED,
    "store": UNCHANGED,
    "verbosity": UNCHANGED,
    "prediction": unchanged("", _prediction),
    "reasoning_effort": unchanged("", lambda query: without_none(reasoning_effort=query.effort), always=True),
    "response_format": unchanged("", _response_format),
    "tools": unchanged("", _tools),
    "tool_choice": unchanged(
        "with tools alone",
        lambda query: without_none(tool_choice=_choice(query.request.tool_choice)) if query.request.tools else {},
    ),
    "parallel_tool_calls": unchanged(
        "with tools alone",
        lambda query: (
            without_none(parallel_tool_calls=query.request.parallel_tool_calls) if query.request.tools else {}
        ),
    ),
}
