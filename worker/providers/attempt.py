"""One attempt at one provider."""

from collections.abc import Callable
from typing import Any

from pydantic_core import to_json

from config.providers import Model, Provider
from worker.http import send
from worker.limits import Limits
from worker.providers import failure
from worker.providers.dialect import Dialect
from worker.providers.dialects import DIALECTS
from worker.providers.reading import Plain, Stream
from worker.request import CompletionRequest
from worker.result import Answer


def ask(
    provider: Provider,
    model: Model,
    request: CompletionRequest,
    *,
    deadline: float,
    on_first_token: Callable[[], None],
    is_revoked: Callable[[], bool],
) -> Answer:
    """Returns the provider's whole answer.

    `deadline` is an instant of `time.monotonic`. `on_first_token` is called once, when the answer begins to come, or
    when a plain one is asked for, of which no beginning shows; `is_revoked` is asked whenever more of it has come.

    Raises:
        AttemptFailed: whatever the provider or the network did.
    """
    dialect, limits = DIALECTS[provider.dialect], Limits(provider, deadline)
    headers = {"Content-Type": "application/json", **dialect.headers(provider)}
    reading: Stream | Plain
    if provider.stream:
        reading = Stream(dialect, limits, on_first_token, is_revoked)
    else:
        reading = Plain(dialect, is_revoked)
        on_first_token()
    with send("POST", provider.base_url + dialect.path, headers, _body(dialect, provider, model, request), limits) as (
        response
    ):
        if not 200 <= response.status < 300:
            raise failure.from_response(response, provider, request)
        reading.read(response)
        request_id = failure.request_id(response)
        content_type = response.header("content-type")
    events = reading.events(content_type)
    for event in events:
        if event.get("error"):
            raise failure.from_event(event, request_id, provider, request)
    served = reading.served(events)
    first_token = reading.first_token
    return Answer(
        served.id,
        served.model,
        served.message,
        served.finish_reason,
        served.usage,
        request_id,
        None if first_token is None else round(1000 * (first_token - limits.started), 1),
    )


def _body(dialect: Dialect, provider: Provider, model: Model, request: CompletionRequest) -> bytes:
    body = dialect.body(_taken(request, model), model, provider.stream)
    options = (request.provider_options or {}).get(provider.name)
    whole = merged(body, options) if options else body
    return to_json(whole)


def _taken(request: CompletionRequest, model: Model) -> CompletionRequest:
    """Returns the request without what the model answers 400 to."""
    changes: dict[str, Any] = {name: None for name in model.without if getattr(request, name) is not None}
    if request.tools and model.effort_with_tools:
        changes["reasoning_effort"] = model.effort_with_tools
    return request.model_copy(update=changes) if changes else request


def merged(body: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Returns the body with these options: objects are merged, any other value replaces what was there."""
    return body | {
        name: merged(body[name], value) if isinstance(value, dict) and isinstance(body.get(name), dict) else value
        for name, value in options.items()
    }
