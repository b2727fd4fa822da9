"""What can go wrong, as exceptions.

FallbackError
├── TaskFailed              what a caller of `result.get()` sees; one string argument, as JSON results keep it
│   ├── InvalidRequest      the request, named by field, or every dialect asked refused it
│   ├── UnknownChain        no chain of that name
│   ├── ContentRefused      a provider refused the content
│   ├── DeadlineExceeded    the time ran out first
│   ├── ChainExhausted      no provider is left to ask
│   └── PoisonRequest       its deliveries kept killing workers
├── Revoked                 the producer took the request back; nobody's failure
├── TaskIdReused            another request came first under its task's id
├── AttemptFailed           one provider did not answer; caught by the chain
└── StoreAway               Redis did not answer in time; caught by the chain
"""


class FallbackError(Exception):
    """Any error of ours."""


class TaskFailed(FallbackError):
    """A completion failed for good. Takes one string: Celery's JSON results lose any other argument."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class InvalidRequest(TaskFailed):
    """The request is not one that can be sent; the message names each field and the reason."""


class UnknownChain(TaskFailed):
    """No chain has that name; the message lists those that there are."""


class ContentRefused(TaskFailed):
    """A provider refused the content of the request or of its answer."""


class DeadlineExceeded(TaskFailed):
    """The completion's time ran out; the message tells what each provider said until then."""


class ChainExhausted(TaskFailed):
    """Every provider of the chain failed or was passed over; the message tells why, for each."""


class PoisonRequest(TaskFailed):
    """The request was delivered too often without an end."""


class Revoked(FallbackError):
    """The producer revoked the task."""


class TaskIdReused(FallbackError):
    """The task's id stands for another request, which has no outcome yet: its own message will bring it."""


class AttemptFailed(FallbackError):
    """One attempt at one provider failed.

    Attributes:
        reason: a stable word: `status` (an error response; see `status`), `connect_timeout`,
            `first_token_timeout`, `idle_timeout`, `attempt_timeout`, `connection` (refused, reset, closed),
            `truncated`, `malformed`, `stream_error`, `empty`, `refusal`, `deadline`, `revoked`.
        status: the HTTP status, None where there was no response.
        codes: the provider's own type and code words, most specific first.
        detail: what the provider said, at most 300 characters, without key and prompt.
        retry_after: seconds, None where the provider named none.
        request_id: the provider's id of the request, for its support desk.
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
    ) -> None:
        super().__init__(reason, status, codes, detail)
        self.reason = reason
        self.detail = detail
        self.status = status
        self.codes = codes
        self.retry_after = retry_after
        self.request_id = request_id

    @property
    def said(self) -> str:
        """Returns what went wrong in the provider's own words, or in ours where it said nothing."""
        return ": ".join(filter(None, (*self.codes[:1], self.detail))) or self.reason


class StoreAway(FallbackError):
    """The shared store did not answer within its bound."""
