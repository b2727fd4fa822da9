"""Every name of OpenTelemetry's that traces and metrics use, and those of ours beside them.

The names `gen_ai.*` are at *Development* in the repository open-telemetry/semantic-conventions-genai and may change;
`error.type`, `server.*` and `http.*` are stable. What no convention has is ours, under `fallback.`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from config.providers import Model, Provider
from worker.result import Answer

Value = str | int | float | bool | list[str]
Attributes = dict[str, Value]

OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no secret, as below

OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105

ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
STATUS_CODE: Final = "http.response.status_code"
MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_OPERATION: Final = "messaging.operation.type"
MESSAGE_ID: Final = "messaging.message.id"

CHAIN: Final = "fallback.chain"
PROVIDER: Final = "fallback.provider"
OUTCOME: Final = "fallback.outcome"
ATTEMPT: Final = "fallback.attempt"
REASON: Final = "fallback.reason"
COST_USD: Final = "fallback.cost_usd"
QUEUE_MS: Final = "fallback.queue_ms"
STEP: Final = "fallback.step"
SKIPPED: Final = "fallback.skipped"

CHAT: Final = "chat"
_LONGEST: Final = 256
"""Characters of what a provider chose."""

_PORTS: Final = {"http": 80, "https": 443}

VENDORS: Final[Mapping[str, str]] = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""The convention's name of a preset's vendor, where it is not the preset's own."""

_TOKENS: Final = {
    "prompt": INPUT_TOKENS,
    "completion": OUTPUT_TOKENS,
    "reasoning": REASONING_TOKENS,
    "cached": CACHE_READ_TOKENS,
    "cache_write": CACHE_WRITE_TOKENS,
}


def vendor(provider: Provider) -> str:
    """Returns the value of `gen_ai.provider.name`: the preset's vendor; without a preset, whose dialect it speaks."""
    name = provider.preset or provider.dialect
    return VENDORS.get(name, name)


def request_attributes(provider: Provider, model: Model) -> Attributes:
    """Returns what is known of an attempt before it is made."""
    found: Attributes = {
        OPERATION_NAME: CHAT,
        PROVIDER_NAME: vendor(provider),
        REQUEST_MODEL: model.name,
        REQUEST_STREAM: provider.stream,
        PROVIDER: provider.name,
    }
    address, port = server(provider.base_url)
    return found | {SERVER_ADDRESS: address, SERVER_PORT: port}


def answer_attributes(answer: Answer) -> Attributes:
    """Returns what an answer says of itself, nothing of its content."""
    found: Attributes = {
        RESPONSE_MODEL: answer.model[:_LONGEST],
        RESPONSE_ID: answer.id[:_LONGEST],
        FINISH_REASONS: [answer.finish_reason],
    }
    if answer.first_token_ms is not None:
        found[TIME_TO_FIRST_CHUNK] = answer.first_token_ms / 1000
    return found


def token_attributes(tokens: Mapping[str, int] | None) -> Attributes:
    """Returns the tokens of an attempt as a journal's entry has them; those of a cache are part of the input."""
    return {name: tokens[kind] for kind, name in _TOKENS.items() if kind in tokens} if tokens else {}


@lru_cache(maxsize=256)
def server(base_url: str) -> tuple[str, int]:
    """Returns host and port of a base URL."""
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
