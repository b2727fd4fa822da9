"""The spans of a completion: one per delivery, with a child per attempt, and one per wait between deliveries.

All times are the store's: the spans of workers whose clocks differ still follow each other.
"""

from collections.abc import Callable, MutableMapping
from contextvars import Token
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from types import TracebackType
from typing import Any, Protocol, Self

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from config.providers import Model, Provider
from worker.errors import Revoked, TaskIdReused
from worker.result import Answer
from worker.task.journal import CRASHED, Entry
from worker.telemetry.harmless import harmless
from worker.telemetry.otel import genai
from worker.telemetry.otel.genai import Attributes
from worker.telemetry.traces.received import Received

SCOPE = "fallback"
COMPLETE = "fallback.complete"
_PROPAGATOR = TraceContextTextMapPropagator()


class RootIds(Protocol):
    """Ids for the next root span of this thread."""

    def next_root(self, trace_id: int, span_id: int) -> None:
        """Sets them."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """What makes spans.

    Attributes:
        tracer: OpenTelemetry's.
        is_sampled: returns whether a trace is kept that begins with this id.
        ids: sets the ids of a root span; None where the provider is not ours.
        shutdown: exports the last spans, and ends.
    """

    tracer: Tracer
    is_sampled: Callable[[int], bool]
    ids: RootIds | None = None
    shutdown: Callable[[], None] = lambda: None


@lru_cache(maxsize=1)
def tracing_of(provider: TracerProvider) -> Tracing:
    """Returns what makes spans by a provider that the process has set up itself."""
    return Tracing(provider.get_tracer(SCOPE), sampling_of(provider))


def sampling_of(provider: Any) -> Callable[[int], bool]:
    """Returns the decision of a provider's sampler on a new trace, by its id; one that has no sampler keeps all."""
    sampler = getattr(provider, "sampler", None)
    if sampler is None:
        return lambda _: True
    return lambda trace_id: bool(
        sampler.should_sample(None, trace_id, COMPLETE, SpanKind.CONSUMER).decision.is_sampled()
    )


def inject_current(headers: MutableMapping[str, Any]) -> None:
    """Adds the current span's context to headers; nothing without one."""
    _PROPAGATOR.inject(headers)


class DeliverySpan:
    """The span of one delivery, current while the block runs; once it has begun, no method raises.

    `clock` returns the epoch in seconds. `is_first` says whether it is the task's first delivery.
    """

    def __init__(self, tracing: Tracing, received: Received, clock: Callable[[], float]) -> None:
        self._tracing, self._received, self._clock = tracing, received, clock
        self.is_first, self._attempts = received.is_first, received.attempts
        parent, waiting = self._parents()
        attributes: Attributes = {
            genai.MESSAGING_SYSTEM: "celery",
            genai.MESSAGING_OPERATION: "process",
            genai.MESSAGE_ID: received.task_id,
            genai.CHAIN: received.chain,
            genai.STEP: received.step,
        }
        if received.queue_ms is not None:
            attributes[genai.QUEUE_MS] = received.queue_ms
        self._span = self._start(COMPLETE, SpanKind.CONSUMER, attributes, received.at, parent)
        self._context = set_span_in_context(self._span)
        self._token: Token[Context] | None = None
        self._waited(waiting or self._context)

    def __enter__(self) -> Self:
        self._token = contexts.attach(self._context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind)
        if self._token is not None:
            contexts.detach(self._token)

    @harmless
    def _end(self, kind: type[BaseException] | None) -> None:
        if kind is not None:
            self._span.set_attribute(genai.OUTCOME, kind.__name__)
        if kind is not None and not issubclass(kind, Revoked | TaskIdReused):
            self._span.set_attribute(genai.ERROR_TYPE, kind.__name__)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end(_ns(self._clock()))

    @harmless
    def attempt(self, provider: Provider, model: Model, at: float) -> "AttemptSpan":
        """Returns the span of an attempt that begins at the epoch `at`."""
        self._attempts += 1
        attributes = genai.request_attributes(provider, model) | {genai.ATTEMPT: self._attempts}
        name = f"{genai.CHAT} {model.name}"
        return AttemptSpan(self._start(name, SpanKind.CLIENT, attributes, at, self._context), self._clock)

    @harmless
    def skipped(self, entry: Entry) -> None:
        """Adds the event that a provider was skipped."""
        attributes = {genai.PROVIDER: entry.provider, genai.REASON: entry.reason or ""}
        self._span.add_event(genai.SKIPPED, attributes, _ns(entry.at))

    @harmless
    def ended(self, outcome: str, provider: str | None = None, cost_usd: float | None = None) -> None:
        """Adds how the delivery ended, unless it ends with an exception."""
        self._span.set_attribute(genai.OUTCOME, outcome)
        if provider is not None:
            self._span.set_attribute(genai.PROVIDER, provider)
        if cost_usd is not None:
            self._span.set_attribute(genai.COST_USD, cost_usd)

    def _start(self, name: str, kind: SpanKind, attributes: Attributes, at: float, parent: Context | None) -> Span:
        return self._tracing.tracer.start_span(name, parent, kind, attributes, start_time=_ns(at))

    def _parents(self) -> tuple[Context | None, Context | None]:
        """Returns the parents of the delivery's span, and of its waits; None for a root, and for the delivery itself.

        Without a context in the message the ids come from the task's: its first delivery is the root of its trace,
        and the parent of those that follow, in whatever process.
        """
        sent = _PROPAGATOR.extract(self._received.context, Context())
        is_sent = get_current_span(sent).get_span_context().is_valid
        if get_current_span().get_span_context().is_valid:  # Celery's own instrumentation, in this process
            current = contexts.get_current()
            return current, sent if is_sent else current
        if is_sent:
            return sent, sent
        trace_id, span_id = _ids(self._received.task_id)
        if self._received.is_first and self._tracing.ids:
            self._tracing.ids.next_root(trace_id, span_id)
            return Context(), None
        flags = TraceFlags.SAMPLED if self._tracing.is_sampled(trace_id) else TraceFlags.DEFAULT
        root = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
        derived = set_span_in_context(NonRecordingSpan(root), Context())
        return derived, derived

    def _waited(self, parent: Context) -> None:
        for wait in self._received.waits:
            attributes: Attributes = {genai.MESSAGE_ID: self._received.task_id}
            if wait.provider:
                attributes[genai.PROVIDER] = wait.provider
            span = self._start(f"fallback.{wait.kind}", SpanKind.INTERNAL, attributes, wait.start, parent)
            if wait.kind == "redelivery":
                span.set_attribute(genai.ERROR_TYPE, CRASHED)
                span.set_status(Status(StatusCode.ERROR))
            span.end(_ns(wait.end))


class AttemptSpan:
    """The span of one attempt; `headers` hand it on to the provider."""

    def __init__(self, span: Span, clock: Callable[[], float]) -> None:
        self._span, self._clock = span, clock
        self.headers: dict[str, str] = {}
        _PROPAGATOR.inject(self.headers, set_span_in_context(span))

    @harmless
    def answered(self, entry: Entry, answer: Answer) -> None:
        """Ends the span of an attempt that was answered."""
        self._end(entry, genai.answer_attributes(answer))

    @harmless
    def failed(self, entry: Entry, reason: str) -> None:
        """Ends the span of an attempt that failed, with its class and the reason's word, without what was said."""
        attributes: Attributes = {genai.ERROR_TYPE: entry.outcome, genai.REASON: reason}
        if entry.status is not None:
            attributes[genai.STATUS_CODE] = entry.status
        self._span.set_status(Status(StatusCode.ERROR))
        self._end(entry, attributes)

    def _end(self, entry: Entry, attributes: Attributes) -> None:
        found = attributes | genai.token_attributes(entry.tokens) | {genai.OUTCOME: str(entry.outcome)}
        if entry.cost_usd is not None:
            found[genai.COST_USD] = entry.cost_usd
        self._span.set_attributes(found)
        self._span.end(_ns(self._clock()))


def _ids(task_id: str) -> tuple[int, int]:
    """Returns the ids of a trace and its root span, the same in every process that works on the task."""
    digest = sha256(task_id.encode()).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
