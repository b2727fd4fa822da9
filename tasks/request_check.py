"""Checks the arguments of a completion, before it is queued and before it runs."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from config.frozen import Name
from config.settings import Settings
from worker.errors import InvalidRequest, UnknownChain
from worker.request import CompletionRequest, parse
from worker.request.field_errors import printable
from worker.request.model_names import ModelNames

_ARGUMENTS = ("request", "chain")
_NAME = TypeAdapter(Name)


def bind_arguments(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Returns the request and the chain of a call; a request that is missing is None, a chain `default`.

    Raises:
        InvalidRequest: there is another argument, or one of them twice.
    """
    bound = dict(zip(_ARGUMENTS, args, strict=False))
    wrong = next((name for name in kwargs if name in bound or name not in _ARGUMENTS), None)
    if wrong is not None or len(args) > len(_ARGUMENTS):
        fault = "given twice" if wrong in bound else "unknown"
        what = f"{len(args)} arguments" if wrong is None else f"{printable(wrong)}: {fault}"
        raise InvalidRequest(f"{what}; a completion takes request and chain")
    bound |= kwargs
    return bound.get("request"), bound.get("chain", "default")


def check_request(settings: Settings, payload: Any, chain: Any) -> CompletionRequest:
    """Returns the request, checked against the chain's tiers.

    Raises:
        UnknownChain: there is no such chain, or it is disabled.
        InvalidRequest: the message names each field and the reason.
    """
    there_are = [name for name, each in settings.chains.items() if each.enabled]
    if not isinstance(chain, str) or chain not in settings.chains:
        shown = repr(chain) if is_chain_name(chain) else "of that name"
        raise UnknownChain(f"chain: no chain {shown}; there are {', '.join(there_are)}")
    if chain not in there_are:
        raise UnknownChain(f"chain: chain {chain!r} is disabled; there are {', '.join(there_are)}")
    providers = [settings.providers[name] for name in settings.chains[chain].providers]
    tiers = {tier for provider in providers for tier in provider.models}
    unknown = "default" if settings.unknown_model == "default" else None
    return parse(payload, ModelNames(tiers, settings.models, unknown))


def is_chain_name(chain: Any) -> bool:
    """Returns whether a value has the form of a chain's name.

    A producer that mixes up its arguments sends the prompt as the chain, which must not be quoted.
    """
    try:
        _NAME.validate_python(chain, strict=True)
    except ValidationError:
        return False
    return True


def to_json(settings: Settings, request: CompletionRequest) -> dict[str, Any]:
    """Returns the request as JSON values for the queue.

    Raises:
        InvalidRequest: it is too large; the message names its size and the bound.
    """
    values = request.wire()
    size, most = len(json.dumps(values)), settings.results.max_request_bytes
    if size > most:
        raise InvalidRequest(f"request: {size:,} bytes as JSON; at most {most:,} (results.max_request_bytes)")
    return values
