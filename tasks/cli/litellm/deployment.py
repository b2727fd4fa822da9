"""Makes a provider of each entry of model_list, as LiteLLM cools down and limits by deployment and we by provider."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.sources import Tree
from tasks.cli.litellm import vendors
from tasks.cli.litellm.headers import headers_of
from tasks.cli.litellm.limits import Limits, breaker_of, timeouts_of, usage_of
from tasks.cli.litellm.remarks import VARIABLE, variable_of
from tasks.cli.litellm.section import Section
from tasks.cli.litellm.source import Steps
from tasks.cli.litellm.vendors import Vendor
from worker.request import CompletionRequest

DEFAULT, ANY = "default", "*"
"""The tier of a provider's only model; what stands for any model of a vendor."""

LONGEST_NAME = 200
"""Characters of a name in `[models]`, at most."""

_FIELDS = frozenset(CompletionRequest.model_fields) - {"model", "messages", "stream"}
"""What drop_params may name. A longer path of LiteLLM's is its own."""

_FLAGS = {
    "supports_function_calling": "tools",
    "supports_vision": "images",
    "supports_response_schema": "schema",
    "supports_assistant_prefill": "prefill",
}
"""Fields of model_info, and the capability that `false` takes from a model."""


@dataclass(frozen=True)
class Deployment:
    """One entry that could be converted.

    `group` is its model_name, `provider` our table, `models` the tier of each name that callers ask for. `secrets` has
    the values that are to be variables, by the paths of those in the table.
    `order` sorts the deployments of a group. `retries` is None if the entry has none of its own.
    """

    group: str
    vendor: str
    model: str
    provider: Tree
    models: Mapping[str, str]
    order: tuple[float, float]
    retries: int | None
    path: Steps
    secrets: Mapping[Steps, str] = field(repr=False)


class _Unknown(Exception):
    """The entry cannot be converted; the text says why."""


def deployments(
    entries: list[Any], limits: Limits, credentials: Mapping[str, Section], root: Section
) -> list[Deployment]:
    """Returns what of model_list has a dialect here; the rest is noted."""
    return list(filter(None, (_entry(each, index, limits, credentials, root) for index, each in enumerate(entries))))


def _entry(
    value: Any, index: int, limits: Limits, credentials: Mapping[str, Section], root: Section
) -> Deployment | None:
    path: Steps = ("model_list", index)
    entry = Section(value, path, root.remarks)
    params, info = entry.below("litellm_params"), entry.below("model_info")
    model = params.take("model")
    try:
        found = _converted(entry, params, info, limits, credentials)
    except _Unknown as exc:
        root.remarks.skip(path, f"model {model}" if _is_text(model) else "deployment", str(exc))
        return None
    for section in (entry, params, info):
        section.finish()
    return found


def _converted(
    entry: Section, params: Section, info: Section, limits: Limits, credentials: Mapping[str, Section]
) -> Deployment:
    group, prefix, vendor, model = _model(entry.take("model_name"), params, info)
    credential = credentials.get(str(params.take("litellm_credential_name")))
    secrets: dict[Steps, str] = {}
    own = {**_base_url(vendor, params, credential), **_key(vendor, params, credential, secrets)}
    fields = None if model == ANY else {"name": vendor.model_name(model), **dict(_model_fields(params, info))}
    try:
        provider = vendor.table(own, fields)
    except ValueError as exc:
        raise _Unknown(str(exc)) from None
    provider |= timeouts_of(params, limits) | breaker_of(params, info) | usage_of(params, entry)
    provider |= headers_of(params, secrets)
    retries = params.number("num_retries", 0, 20)
    return Deployment(
        group,
        prefix,
        model,
        provider,
        _names(group, vendor, entry) if fields is None else {group: DEFAULT},
        _order(params),
        None if retries is None else int(retries),
        entry.path,
        secrets,
    )


def _names(group: str, vendor: Vendor, entry: Section) -> dict[str, str]:
    """Returns the tiers of the names that a wildcard stands for: those of its vendor's preset."""
    names = {model["name"]: tier for tier, model in vendor.models.items()}
    why = f"asks the models of the preset alone: {', '.join(names)}; an entry for each other makes it known"
    if group == ANY:
        why += "; a name that nobody has is answered by the first of them"
    entry.remarks.differ_as(entry.path, "wildcard", why)
    return {group.replace(ANY, name): tier for name, tier in names.items()} | names


def _model(group: Any, params: Section, info: Section) -> tuple[str, str, Vendor, str]:
    written, provider = params.take("model"), params.take("custom_llm_provider")
    if not _is_text(group) or not _is_text(written):
        raise _Unknown("needs a model_name and a litellm_params.model")
    if not written.isprintable():
        raise _Unknown("the model's name has a character that no name has")
    if len(group) > LONGEST_NAME:
        raise _Unknown(f"its model_name has more than {LONGEST_NAME} characters")
    if written.startswith(VARIABLE):
        raise _Unknown("the model's name is in a variable")
    prefix, model = vendors.split(written, provider if _is_text(provider) else None)
    if info.take("mode") not in (None, "chat"):
        raise _Unknown("answers no chat completions, by its mode")
    if not vendors.answers_chat(model):
        raise _Unknown("answers no chat completions, by its name")
    vendor = vendors.VENDORS.get(prefix)
    if vendor is None:
        raise _Unknown(f"no dialect here for {prefix}/" if prefix else "LiteLLM needs a prefix for this name")
    if (ANY in group or ANY in model) and (group.count(ANY), model) != (1, ANY):
        raise _Unknown("a wildcard for a part of a vendor's models: write an entry for each that is used")
    if not model:
        raise _Unknown("names no model")
    return group, prefix, vendor, model


def _base_url(vendor: Vendor, params: Section, credential: Section | None) -> Tree:
    key, section, value = _first(("api_base", "base_url"), params, credential)
    if value is None:
        return vendor.address
    if variable := variable_of(value):
        return {"base_url_env": f"{variable}_V1" if vendor.path else variable}
    try:
        url, is_public = vendor.base_url_of(str(value))
    except ValueError as exc:
        raise _Unknown(f"{key}: {exc}") from None
    if vendor.path and not str(value).rstrip("/").endswith(vendor.path):
        section.differ(key, f"the OpenAI-compatible API is under {vendor.path}")
    if is_public:
        section.differ(key, "http:// to a public host shows everybody key and prompts; allow_http was set for it")
    return {"base_url": url, **({"allow_http": True} if is_public else {})}


def _key(vendor: Vendor, params: Section, credential: Section | None, secrets: dict[Steps, str]) -> Tree:
    """Returns the variable of the key; a key that stands in the file goes to the secrets."""
    name, section, value = _first(("api_key",), params, credential)
    if value is None:
        return {"api_key_env": vendor.api_key_env} if vendor.api_key_env else {}
    if variable := variable_of(value):
        return {"api_key_env": variable}
    section.differ(name, "the key was left out; a variable holds it, see above")
    secrets["api_key_env",] = str(value)
    return {}


def _first(keys: tuple[str, ...], params: Section, credential: Section | None) -> tuple[str, Section, Any]:
    """Returns the first value that is there, with its key and table: the deployment's own, then its credential's."""
    found = [
        (key, section, section.take(key)) for section in (params, credential) if section is not None for key in keys
    ]
    return next((each for each in found if each[2] not in (None, "")), (keys[0], params, None))


def _model_fields(params: Section, info: Section) -> Iterator[tuple[str, Any]]:
    for ours, theirs in (("input_usd", "input_cost_per_token"), ("output_usd", "output_cost_per_token")):
        price = (params if theirs in params else info).number(theirs, 0, 1)
        if price is not None:
            yield ours, round(price * 1e6, 9)
    for ours, theirs in (("context", "max_input_tokens"), ("max_output", "max_output_tokens")):
        if (tokens := info.number(theirs, 1, 1e9)) is not None:
            yield ours, int(tokens)
    if unsupported := [ours for theirs, ours in _FLAGS.items() if info.take(theirs) is False]:
        yield "unsupported", unsupported
    if info.take("supports_reasoning") is True:
        yield "reasons", True
    yield from _dropped(params)


def _dropped(params: Section) -> Iterator[tuple[str, Any]]:
    fields = params.take("additional_drop_params")
    known = [each for each in fields if each in _FIELDS] if isinstance(fields, list) else []
    if fields is not None and known != fields:
        params.leave("additional_drop_params", f"of these fields drop_params knows {', '.join(known) or 'none'}")
    if known:
        yield "drop_params", list(dict.fromkeys(known))


def _order(params: Section) -> tuple[float, float]:
    order, weight = params.number("order", 0, 1e9), params.number("weight", 0, 1e9)
    if weight is not None:
        params.differ("weight", "a chain asks in order: the heaviest first")
    return (float("inf") if order is None else order), -(weight or 0)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
