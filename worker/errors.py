"""The exceptions.

FallbackError
├── TaskFailed              raised by `result.get()`; one string argument, because JSON results keep no other
│   ├── InvalidRequest      a field is invalid, or every provider that was asked called the request invalid
│   ├── UnknownChain        no chain of that name
│   ├── ContentRefused      a provider refused the content
│   ├── DeadlineExceeded    the deadline passed first
│   ├── ChainExhausted      no provider remains
│   ├── BudgetExceeded      a budget refuses the providers that remain
│   ├── PoisonRequest       more than `max_crashes` workers died with it
│   └── ResultForgotten     it was answered before, and its result forgotten
├── Revoked                 the producer revoked the task; no failure
├── TaskIdReused            another request used the task's id first
├── AttemptFailed           one provider did not answer; caught by the chain
└── RedisUnavailable        Redis did not answer in time; caught by the chain
    └── RedisFull           it has no room for a write; raised to a producer that queues
"""

from typing import Any

from worker.result import Usage


class FallbackError(Exception):
    """The base of all exceptions of this project."""


class TaskFailed(FallbackError):
    """A completion failed for good. It has one string argument: Celery's JSON results lose any other.

    Attributes:
        unsettled: the commands that store this failure, where Redis did not take them; empty if this delivery has
            stored it, None if it has not.
    """

    unsettled: tuple[Any, ...] | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)


class InvalidRequest(TaskFailed):
    """The request is invalid; the message names each field and the reason."""


class UnknownChain(TaskFailed):
    """No chain has that name; the message lists the chains."""


class ContentRefused(TaskFailed):
    """A provider refused the content of the request or of its answer."""


class DeadlineExceeded(TaskFailed):
    """The completion's deadline passed; the message has each provider's error so far."""


class ChainExhausted(TaskFailed):
    """Every provider of the chain failed or was skipped; the message has the reason for each."""


class BudgetExceeded(TaskFailed):
    """A budget of the completion, its chain, its tenant or a provider refused what remained; the message says which."""


class PoisonRequest(TaskFailed):
    """More workers died with this request than `max_crashes` allows."""


class ResultForgotten(TaskFailed):
    """The task was answered before, and its result forgotten. It needs a new id to be asked again."""


class Revoked(FallbackError):
    """The producer revoked the task.

    Attributes:
        unsettled: as of `TaskFailed`.
    """

    unsettled: tuple[Any, ...] | None = None


class TaskIdReused(FallbackError):
    """The task's id belongs to another request, which has no outcome yet; its own message will produce one."""


class AttemptFailed(FallbackError):
    """One attempt at one provider failed.

    Attributes:
        reason: a stable word: `status` (an error response; see `status`), `connect_timeout`,
            `first_token_timeout`, `learned_limit` (of the first token), `idle_timeout`, `attempt_timeout`, `share` (of
            the deadline), `connection` (refused, reset, closed), `truncated`, `malformed`, `aborted` (the server's word
            for the end tells a failure), `stream_error`, `empty`, `broken_call`, `wrong_form` (not the one that was
            asked for), `refusal`, `deadline`, `revoked`, `lease_lost`, `shutdown`.
        status: the HTTP status, None if there was no response and the provider named none.
        codes: the provider's own error codes and types, most specific first.
        detail: the provider's message, at most 300 characters, without key and prompt.
        retry_after: seconds, None if the provider named none.
        request_id: the provider's id of the request, for its support.
        text: what is classified: the message at more length, likewise without key and prompt.
        counts: whether it says anything of the provider; False after less than half of the provider's own limit.
        usage: the tokens that the provider told before it failed, None if it told none.
        is_bill_open: whether it may have charged what it did not tell.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        status: int | None = None,
        codes: tuple[str, ...] = (),
        retry_after: float | None = None,
        request_id: str | None = None,
        text: str = "",
        counts: bool = True,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(reason, status, codes, detail)
        self.reason = reason
        self.detail = detail
        self.status = status
        self.codes = codes
        self.retry_after = retry_after
        self.request_id = request_id
        self.text = text or detail
        self.counts = counts
        self.usage = usage
        self.is_bill_open = False

    @property
    def said(self) -> str:
        """Returns the provider's error code and message, or the reason if it sent neither."""
        return ": ".join(filter(None, (*self.codes[:1], self.detail))) or self.reason


class RedisUnavailable(FallbackError):
    """Redis did not answer within the time limit."""


class RedisFull(RedisUnavailable):
    """Redis has no room for what is to be written; the message says how much is used, and what to raise."""
