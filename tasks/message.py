"""What travels in a message: a request that was checked, and headers."""

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from config.frozen import Name
from config.settings import Settings
from worker.errors import InvalidRequest, UnknownChain
from worker.field_errors import tell
from worker.request import CompletionRequest, parse
from worker.result import VERSION

HEADER = "fallback"
HIDDEN = "(hidden)"

_NAME = TypeAdapter(Name)
_Epoch = Annotated[float, Field(ge=0, le=1e10)]


class Stage(BaseModel):
    """Where a message stands, by our part of its headers; `queued_at` and `deadline_at` are epochs in seconds.

    `replay` is the epoch in ms of the failure that it replays.

    A field that is not named here is passed over: a worker of the version before may read the message, too.
    """

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    version: Annotated[int, Field(ge=0)] = VERSION
    step: Annotated[int, Field(ge=0, lt=2**31)] = 0
    rest: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    queued_at: _Epoch | None = None
    deadline_at: _Epoch | None = None
    replay: Annotated[int, Field(ge=0, lt=2**53)] | None = None


def checked(settings: Settings, payload: Any, chain: Any) -> CompletionRequest:
    """Returns the request, fit for the chain.

    Raises:
        UnknownChain: there is no such chain.
        InvalidRequest: naming each field and the reason.
    """
    if not isinstance(chain, str) or chain not in settings.chains:
        shown = repr(chain) if is_name(chain) else "of that name"
        raise UnknownChain(f"chain: no chain {shown}; there are {', '.join(settings.chains)}")
    providers = [settings.providers[name] for name in settings.chains[chain].providers]
    return parse(payload, {tier for provider in providers for tier in provider.models})


def is_name(chain: Any) -> bool:
    """Tells whether this may be a chain's name; whoever mixes up the arguments sends the prompt in its place."""
    try:
        _NAME.validate_python(chain, strict=True)
    except ValidationError:
        return False
    return True


def wire(settings: Settings, request: CompletionRequest) -> dict[str, Any]:
    """Returns the request as JSON values, small enough to be queued.

    Raises:
        InvalidRequest: naming its size and the bound.
    """
    values = request.wire()
    size, most = len(json.dumps(values)), settings.results.max_request_bytes
    if size > most:
        raise InvalidRequest(f"request: {size:,} bytes as JSON; at most {most:,} (results.max_request_bytes)")
    return values


def stamp(timeout: float) -> dict[str, Any]:
    """Returns the headers of a message that a producer queues now, to be answered in `timeout` seconds."""
    now = time.time()
    return {"version": VERSION, "queued_at": now, "deadline_at": now + timeout}


def carried(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns our part of a message's headers; empty for a producer that knows only our task's name."""
    found = (headers or {}).get(HEADER)
    return dict(found) if isinstance(found, Mapping) else {}


def is_newer(headers: Mapping[str, Any] | None) -> bool:
    """Tells whether a later version wrote a message, so that nothing but its deadline can be read here."""
    version = carried(headers).get("version")
    return isinstance(version, int) and version > VERSION


def stage(headers: Mapping[str, Any] | None) -> Stage:
    """Returns where a message stands by its headers.

    Raises:
        InvalidRequest: its part of ours is not one; the message names each field and the reason.
    """
    found = (headers or {}).get(HEADER) or {}
    try:
        return Stage.model_validate(found)
    except ValidationError as exc:
        raise InvalidRequest(f"headers.{HEADER}: {tell(exc, found)}") from None
