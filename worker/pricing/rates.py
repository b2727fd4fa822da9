"""Prices of one model, and the arithmetic of a bill."""

from dataclasses import dataclass

from worker.result import Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """USD per million tokens. `steps` are (tokens, rate), ascending: above so many of the prompt, the rate of *all*."""

    base: float
    steps: tuple[tuple[int, float], ...] = ()

    def at(self, prompt: int) -> float:
        """Returns the rate for a request whose prompt has so many tokens."""
        return next((rate for tokens, rate in reversed(self.steps) if prompt > tokens), self.base)


@dataclass(frozen=True, slots=True)
class Rates:
    """The prices of one model. A rate that is None is that of the tokens it is a part of.

    Attributes:
        input: of the prompt.
        output: of the answer.
        cached: of tokens read from a cache; None: `input`.
        cache_write: of tokens written to a cache; None: `input`.
        cache_write_1h: of those written for an hour; None: `cache_write`.
        reasoning: of reasoning tokens; None: `output`.
        request: USD of each request.
    """

    input: Rate
    output: Rate
    cached: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    reasoning: Rate | None = None
    request: float = 0.0

    def nano(self, prompt: int) -> tuple[float, float, float, float]:
        """Returns nano-USD of a token of a prompt of so many, of a cached one and of the answer, and of a request."""
        each = (self.input, self.cached or self.input, self.output)
        of_prompt, of_cached, of_answer = (1_000_000_000 / MILLION * rate.at(prompt) for rate in each)
        return of_prompt, of_cached, of_answer, 1_000_000_000 * self.request

    def cost(self, usage: Usage) -> float:
        """Returns the USD of one request. A part that is told as larger than its whole counts as the whole."""
        cached = min(usage.cached, usage.prompt)
        written = min(usage.cache_write, usage.prompt - cached)
        for_an_hour = min(usage.cache_write_1h, written)
        reasoning = min(usage.reasoning, usage.completion)
        write = self.cache_write or self.input
        parts = (
            (self.input, usage.prompt - cached - written),
            (self.cached or self.input, cached),
            (write, written - for_an_hour),
            (self.cache_write_1h or write, for_an_hour),
            (self.output, usage.completion - reasoning),
            (self.reasoning or self.output, reasoning),
        )
        return sum(rate.at(usage.prompt) * tokens for rate, tokens in parts) / MILLION + self.request
