"""What is usual of one call's first token: the limit that was learned for it, and what the call teaches in turn."""

from functools import cached_property

from config.providers import Model, Provider
from worker.admission import first_tokens
from worker.admission.first_tokens import Lesson
from worker.chain.capability import Requirements
from worker.errors import AttemptFailed
from worker.request import CompletionRequest

IN_SILENCE = ("first_token_timeout", "learned_limit", "share")
"""The reasons of attempts that ended without a token, after a time that says something of the provider."""

_REASONING = ("thinking", "reasoning", "reasoning_effort")


class FirstToken:
    """One call's.

    Nothing is learned of a plain answer, which shows no token, nor of a request that asks for reasoning. How long a
    model thinks that was not asked to is part of what is usual: almost all of them may (`Model.reasons`).
    """

    def __init__(self, provider: Provider, model: Model, request: CompletionRequest) -> None:
        self._provider, self._model, self._request = provider, model, request
        options = (request.provider_options or {}).get(provider.name, {})
        may_think = request.reasoning_effort not in (None, "none") or any(field in options for field in _REASONING)
        self._is_learned = provider.stream and not may_think and provider.breaker.adaptive.first_tokens == "on"
        self._tier = request.model if request.model in provider.models else "default"

    def limit(self, usual: dict[str, str]) -> float | None:
        """Returns the seconds that were learned, None if they are none or no less than the configured limit."""
        if not self._is_learned or not (figures := usual.get(self._tier)):
            return None
        learned = first_tokens.limit(figures, self._tokens)
        configured = self._provider.first_token_limit(self._model)
        return learned if learned is not None and learned < configured else None

    def lesson(self, failed: AttemptFailed | None = None, lasted_ms: float = 0) -> Lesson | None:
        """Returns what the call teaches: one that was answered, or failed after so many milliseconds."""
        if not self._is_learned or (failed and failed.reason not in IN_SILENCE):
            return None
        return Lesson(self._tier, self._tokens, lasted_ms)

    @cached_property
    def _tokens(self) -> int:
        return Requirements(self._request).most // 4
