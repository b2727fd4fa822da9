"""Answers that tell their usage, as ten models' vendors write it, drawn with a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from config.providers import Dialect, Model, Provider
from worker.providers.dialects import DIALECTS
from worker.result import Usage

SEED = 17


@dataclass(frozen=True)
class Vendor:
    """A model, where it is served, and how the library reads its answers."""

    base_url: str
    model: str
    dialect: Dialect = "openai"
    flavor: str = "chat"

    @property
    def provider(self) -> Provider:
        models = {"default": Model(name=self.model)}
        return Provider(name="p", dialect=self.dialect, base_url=self.base_url, models=models)


VENDORS = (
    Vendor("https://api.anthropic.com", "claude-sonnet-5-5", "anthropic", "default"),
    Vendor("https://api.anthropic.com", "claude-haiku-5-5", "anthropic", "default"),  # dearer above 100,000 tokens
    Vendor("https://api.openai.com/v1", "gpt-6.1-terra"),  # dearer above 272,000 tokens; writes cost
    Vendor("https://api.openai.com/v1", "gpt-4o"),
    Vendor("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-pro"),
    Vendor("https://api.deepseek.com", "deepseek-chat"),  # cheaper in some hours
    Vendor("https://api.x.ai/v1", "grok-4"),  # reasoning is no part of completion_tokens
    Vendor("https://api.mistral.ai/v1", "mistral-medium-latest", flavor="default"),  # dearer since a day
    Vendor("https://api.moonshot.ai/v1", "kimi-k3"),
    Vendor("https://openrouter.ai/api/v1", "anthropic/claude-sonnet-5.5"),
)


@dataclass(frozen=True)
class Bill:
    """One answer as JSON values, and when it came (epoch in seconds)."""

    vendor: Vendor
    answer: dict[str, Any]
    at: float

    @property
    def usage(self) -> Usage:
        assembly = DIALECTS[self.vendor.dialect].assembly()
        assembly.add(self.answer)
        assert assembly.usage
        return assembly.usage


def drawn(count: int) -> Iterator[Bill]:
    """Yields that many bills, the same ones each time; prompts are of all lengths, and half of them cached."""
    draw = random.Random(SEED)
    for index in range(count):
        vendor, at = VENDORS[index % len(VENDORS)], draw.uniform(1.74e9, 1.80e9)
        write = _anthropic if vendor.dialect == "anthropic" else _openai
        yield Bill(vendor, {"id": "1", "model": vendor.model} | write(draw, vendor), at)


def _parts(draw: random.Random) -> tuple[int, int, int, int, int]:
    """Returns the tokens of a prompt, those read from a cache and written to one, of an answer and of its reasoning."""
    prompt, completion = round(10 ** draw.uniform(0, 6)), round(10 ** draw.uniform(0, 4.5))
    cached = draw.choice([0, draw.randint(0, prompt), prompt])
    return prompt, cached, draw.randint(0, prompt - cached), completion, draw.choice([0, draw.randint(0, completion)])


def _anthropic(draw: random.Random, vendor: Vendor) -> dict[str, Any]:
    prompt, cached, written, completion, reasoning = _parts(draw)
    hour = draw.choice([0, draw.randint(0, written)])
    usage = {
        "input_tokens": prompt - cached - written,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour},
        "output_tokens": completion,
        "output_tokens_details": {"thinking_tokens": reasoning},
        "service_tier": "standard",
    }
    return {"type": "message", "content": [], "stop_reason": "end_turn", "usage": usage}


def _openai(draw: random.Random, vendor: Vendor) -> dict[str, Any]:
    prompt, cached, written, completion, reasoning = _parts(draw)
    told = completion - reasoning if "x.ai" in vendor.base_url else completion
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": told,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    return {"choices": [], "usage": usage}
