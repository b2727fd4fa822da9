"""One attempt at one provider."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic_core import to_json

from config.providers import Model, Provider
from worker.errors import AttemptFailed
from worker.providers import credentials, errors
from worker.providers.assembly import Assembly, ErrorEvent
from worker.providers.conformance import conforming
from worker.providers.dialect import Dialect
from worker.providers.dialects import DIALECTS
from worker.providers.headers import headers as provider_headers
from worker.providers.http.client import send
from worker.providers.http.deadlines import nothing
from worker.providers.http.time_limits import Limits
from worker.providers.provider_fields import with_own_fields
from worker.providers.query import Query
from worker.providers.remaining import REMAINING
from worker.providers.response import Reading
from worker.providers.rules import merged
from worker.request import CompletionRequest, ToolResult
from worker.result import Answer

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def ask(
    provider: Provider,
    model: Model,
    request: CompletionRequest,
    *,
    deadline: float,
    share: float | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    on_first_byte: Callable[[], None],
    on_first_token: Callable[[], None] = nothing,
    check_wanted: Callable[[float], None],
) -> Answer:
    """Returns the provider's whole answer.

    Args:
        provider: the provider to ask.
        model: its model.
        request: the checked request.
        deadline: an instant of `time.monotonic`.
        share: seconds until the first token, or the head of a plain answer, where other providers need the rest of the
            deadline; None for no such limit.
        headers: of the HTTP request, beside the provider's.
        on_first_byte: called once: at the first byte of a streamed answer; before the request if the answer is plain.
        on_first_token: called once, at the first token of a streamed answer.
        check_wanted: called with 0 whenever more of the answer has arrived, and twice a second in silence with the
            seconds for which nothing came; raises to end the attempt.

    Raises:
        AttemptFailed: any failure of the provider or the network.
    """
    limits, used = Limits(provider, model, deadline, share, on_first_token), credentials.in_use(provider)
    assembly = DIALECTS[provider.dialect].assembly()
    try:
        try:
            return _ask(provider, model, request, headers, assembly, limits, on_first_byte, check_wanted)
        except AttemptFailed as failed:
            if failed.status not in credentials.REFUSALS or not credentials.have_changed(provider, used):
                raise
        assembly = DIALECTS[provider.dialect].assembly()  # nothing was billed for the old key
        return _ask(provider, model, request, headers, assembly, limits, on_first_byte, check_wanted)
    except AttemptFailed as failed:
        raise _with_usage(limits.silenced(failed), assembly, limits) from None


def _ask(
    provider: Provider,
    model: Model,
    request: CompletionRequest,
    own_headers: Mapping[str, str],
    assembly: Assembly,
    limits: Limits,
    on_first_byte: Callable[[], None],
    check_wanted: Callable[[float], None],
) -> Answer:
    dialect = DIALECTS[provider.dialect]
    url = provider.base_url + dialect.path
    headers = {"Content-Type": "application/json", **provider_headers(provider), **own_headers}
    reading = Reading(assembly, limits, on_first_byte if provider.stream else nothing, check_wanted)
    if not provider.stream:
        on_first_byte()
    with send("POST", url, headers, _body(dialect, Query(request, provider, model)), limits, check_wanted) as response:
        REMAINING.note(provider.name, response.remaining())
        if not 200 <= response.status < 300:
            raise errors.from_response(response, provider, request)
        try:
            reading.read(response)
        except ErrorEvent as error:
            raise errors.from_event(error.event, response, provider, request) from None
        request_id = errors.request_id(response)
        exhausted_for, scarce_for = response.exhausted_for(), response.scarce_for()
    is_after_tool = isinstance(request.messages[-1], ToolResult)
    parsed = conforming(reading.whole(may_be_silent=dialect.silent_after_tool and is_after_tool), request)
    first_token = reading.first_token if provider.stream else None
    return Answer(
        parsed.id,
        parsed.model,
        with_own_fields(parsed.message, provider.name, model.name, parsed.own_fields),
        parsed.finish_reason,
        parsed.usage,
        request_id,
        None if first_token is None else round(1000 * (first_token - limits.started), 1),
        parsed.logprobs,
        exhausted_for,
        scarce_for,
    )


def _with_usage(failed: AttemptFailed, assembly: Assembly, limits: Limits) -> AttemptFailed:
    """Adds what the provider told of its bill. An error response is taken for free, as a request that was not sent."""
    failed.usage = assembly.usage
    is_whole = failed.usage is not None and assembly.word != ""
    failed.is_bill_open = limits.is_sent and failed.reason != "status" and not is_whole
    return failed


def _body(dialect: Dialect, query: Query) -> bytes:
    body = dialect.body(query)
    options = (query.request.provider_options or {}).get(query.provider.name)
    return to_json(merged(body, options) if options else body)
