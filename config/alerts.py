"""Receivers of alerts: where they are sent, what is sent, and how it is signed."""

import base64
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from config.base_url import is_public_http
from config.frozen import Frozen

ENDS = {
    "circuit-breaker-closed": ("circuit-breaker-open",),
    "circuit-breaker-reset": (
        *("circuit-breaker-open", "circuit-breaker-forced-open", "circuit-breaker-forced-closed"),
        "provider-auth-locked",
    ),
    "provider-recovered": ("provider-unhealthy",),
    "provider-auth-unlocked": ("provider-auth-locked",),
    "slow-ended": ("slow-began",),
    "worker-clock-steady": ("worker-clock-skewed",),
}
"""Which events of the same provider or worker each event ends."""

EVENTS = (
    *("circuit-breaker-open", "circuit-breaker-closed", "circuit-breaker-would-open", "circuit-breaker-half-open"),
    *("circuit-breaker-forced-open", "circuit-breaker-forced-closed", "circuit-breaker-reset"),
    *("breaker-settings-differ", "provider-unhealthy", "provider-recovered"),
    *("provider-deprioritised", "provider-would-be-deprioritised", "slow-began", "slow-ended"),
    *("provider-auth-locked", "provider-auth-unlocked"),
    *("duplicate-answer", "task-id-reused", "message-quarantined", "request-failure"),
    *("worker-clock-skewed", "worker-clock-steady"),
)
"""The events of worker/telemetry/events.py."""

IMPORTANT = (
    *("circuit-breaker-open", "circuit-breaker-closed", "circuit-breaker-forced-open"),
    *("circuit-breaker-forced-closed", "circuit-breaker-reset", "provider-unhealthy", "provider-recovered"),
    *("provider-auth-locked", "provider-auth-unlocked", "slow-began", "slow-ended", "message-quarantined"),
    *("worker-clock-skewed", "worker-clock-steady"),
)
"""What a receiver gets unless it chooses."""

PROBLEMS = (
    *("chain-down", "no-workers", "worker-not-consuming", "worker-gone", "redis-nearly-full"),
    *("queue-old", "parked-old", "dead-letters", "budget-spent", "budget-nearly-spent", "key-differs"),
    "probes-stopped",
    *("redis-down", "redis-full", "redis-refuses-writes", "redis-refuses-client"),
)
"""Problems that no event reports: kinds of worker/diagnosis/problems.py."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - what each secret of Standard Webhooks begins with
_SHORTEST, _LONGEST = 24, 64


def _one_of(known: tuple[str, ...], what: str) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"no {what} {name!r}; there are {', '.join(known)}")
        return name

    return AfterValidator(check)


def _check_url(value: SecretStr | None) -> SecretStr | None:
    if value and not _is_address(value.get_secret_value()):
        raise ValueError("the address must be http:// or https:// with a host")
    if value and is_public_http(value.get_secret_value()):
        raise ValueError("the address is http:// to a public host, which shows it to everybody; use https://")
    return value


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not any(character in url for character in ' "<>\\^`{|}')
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _check_secret(value: SecretStr | None) -> SecretStr | None:
    if value and not _SHORTEST <= len(secret_bytes(value.get_secret_value())) <= _LONGEST:
        raise ValueError(f"the secret must be {SECRET_PREFIX} and the base64 of {_SHORTEST} to {_LONGEST} bytes")
    return value


def secret_bytes(secret: str) -> bytes:
    """Returns the key that a secret of Standard Webhooks stands for, empty if it is none."""
    if not secret.startswith(SECRET_PREFIX):
        return b""
    text = secret.removeprefix(SECRET_PREFIX).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


_Variable = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]
EventName = Annotated[str, _one_of(EVENTS, "event")]
ProblemKind = Annotated[str, _one_of(PROBLEMS, "problem")]


class Receiver(Frozen):
    """One receiver of alerts; `url` and `secret` are read from the variables that are named, or from their files.

    Whoever knows the address of a webhook can post to it, so neither of them is ever written in TOML. `events` and
    `problems` are what is sent. With `recovery` it also gets the event that ends what it was alerted to. `timeout` is
    how long it may take to answer.
    """

    url_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    url: Annotated[SecretStr | None, AfterValidator(_check_url)] = None
    secret_env: _Variable = ""
    secret: Annotated[SecretStr | None, AfterValidator(_check_secret)] = None
    format: Literal["standard", "slack"] = "standard"
    events: tuple[EventName, ...] = IMPORTANT
    problems: tuple[ProblemKind, ...] = PROBLEMS
    recovery: bool = True
    timeout: Annotated[float, Field(gt=0, le=30)] = 5.0

    @model_validator(mode="after")
    def _check_signed(self) -> "Receiver":
        if self.format == "standard" and not self.secret_env:
            raise ValueError('secret_env: missing; a webhook is signed, unless its format is "slack"')
        return self

    @property
    def missing(self) -> str | None:
        """Returns the variable without which nothing can be sent, None if all are set."""
        if self.url is None:
            return self.url_env
        return self.secret_env if self.secret_env and self.secret is None else None

    @property
    def kept(self) -> tuple[str, ...]:
        """Returns the events that are kept for it: those of `events`, and those that end them."""
        chosen = dict.fromkeys(self.events)
        ends = (event for event, ended in ENDS.items() if chosen.keys() & set(ended))
        return tuple(dict.fromkeys((*self.events, *ends)))
