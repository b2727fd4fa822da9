"""Timeouts, breakers and limits: what router_settings and litellm_settings say for all, and a deployment for itself."""

from dataclasses import dataclass

from config.sources import Tree
from tasks.cli.litellm.section import Section, winner

MOMENT, DAY = 0.001, 86_400.0
"""The bounds of durations, in seconds."""

_THRESHOLD = 99
"""LiteLLM cools down after more than `allowed_fails` failures; failure_threshold is at most 100."""


_LIMITS = {
    "rpm": ("requests_per_minute", 10_000_000),
    "tpm": ("tokens_per_minute", 10_000_000_000),
    "max_parallel_requests": ("concurrency", 100_000),
}
"""Ours for each of LiteLLM's, and the most that it may be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of a whole call, and of silence in a stream, for deployments that have no limits of their own."""

    call: float | None
    silence: float | None


def limits(router: Section, library: Section) -> Limits:
    """Returns the limits for all deployments: router_settings win over litellm_settings."""
    call, of_library = router.number("timeout", MOMENT, DAY), library.number("request_timeout", MOMENT, DAY)
    if call is not None and of_library is not None:
        library.leave("request_timeout", "router_settings.timeout wins")
    return Limits(of_library if call is None else call, router.number("stream_timeout", MOMENT, DAY))


def timeouts_of(params: Section, shared: Limits) -> Tree:
    """Returns the timeouts of a provider. Answers are always read as streams, so both of LiteLLM's limits hold."""
    own = Limits(params.number("timeout", MOMENT, DAY), params.number("stream_timeout", MOMENT, DAY))
    call = shared.call if own.call is None else own.call
    silence = shared.silence if own.silence is None else own.silence
    return {
        **({} if silence is None else {"first_token_timeout": silence, "idle_timeout": silence}),
        **({} if call is None else {"attempt_timeout": call}),
    }


def usage_of(params: Section, entry: Section) -> Tree:
    """Returns a provider's `limits`, as a table with this one key; what litellm_params says wins over the entry."""
    found = {}
    for theirs, (ours, most) in _LIMITS.items():
        section = params if theirs in params else entry
        if (number := section.number(theirs, 1, most)) is not None:
            section.differ(theirs, "held over the whole fleet; LiteLLM also takes it as a weight")
            found[ours] = int(number)
    return {"limits": found} if found else {}


def breaker(router: Section, library: Section) -> Tree:
    """Returns the table `breaker` for all providers, empty if nothing is set."""
    return _breaker(winner("allowed_fails", router, library), winner("cooldown_time", router, library))


def breaker_of(params: Section, info: Section) -> Tree:
    """Returns a provider's own `breaker`, as a table with this one key; empty if nothing is set."""
    own = _breaker(info, info if "cooldown_time" in info else params)
    return {"breaker": own} if own else {}


def _breaker(allowed: Section, cooldown: Section) -> Tree:
    failures, seconds = allowed.number("allowed_fails", 0, _THRESHOLD), cooldown.number("cooldown_time", MOMENT, DAY)
    if failures is not None:
        allowed.differ(
            "allowed_fails", "failures in a row, or a rate far above the usual one; not failures of a minute"
        )
    if seconds is not None:
        cooldown.differ("cooldown_time", "each further opening in a row lasts twice as long, at most 10 min")
    return {
        **({} if failures is None else {"failure_threshold": int(failures) + 1}),
        **({} if seconds is None else {"cooldown_period": seconds}),
    }
