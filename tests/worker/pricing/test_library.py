"""Which vendor's list a provider's models are looked up in, and which processes never do."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from config.providers import Dialect, Model, Provider
from worker.pricing import library

ROOT = Path(__file__).parents[3]
MODELS = {"default": Model(name="m")}


def vendor(base_url: str, model: str, dialect: Dialect = "openai") -> str | None:
    made = Provider(name="openai", dialect=dialect, base_url=base_url, models=MODELS)
    found = library.listed(made, model)
    return found.provider if found else None


@pytest.mark.parametrize(
    ("base_url", "model", "expected"),
    [
        ("https://api.openai.com/v1", "gpt-4o", "openai"),
        ("https://api.groq.com/openai/v1", "llama-3.3-70b-versatile", "groq"),
        ("https://api.mistral.ai/v1", "mistral-large-latest", "mistral"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-pro", "google"),
        ("https://res.openai.azure.com/openai/v1", "gpt-4o", "azure"),
        ("https://openrouter.ai/api/v1", "anthropic/claude-sonnet-5.5", "openrouter"),
        ("https://api.openai.com/v1", "of-ours", None),
        ("http://127.0.0.1:8000/v1", "gpt-4o", None),
        ("", "gpt-4o", None),
    ],
)
def test_the_base_url_says_whose_list_it_is(base_url: str, model: str, expected: str | None) -> None:
    assert vendor(base_url, model) == expected


def test_a_gateway_of_anthropics_dialect_has_anthropics_models() -> None:
    assert vendor("https://gateway.example.com", "claude-sonnet-5-5", "anthropic") == "anthropic"
    assert vendor("https://api.deepseek.com/anthropic", "deepseek-chat", "anthropic") == "deepseek"


@pytest.mark.parametrize(
    ("preset", "model", "expected"),
    [
        ("openai", "gpt-4o", "openai"),
        ("gemini", "gemini-2.5-pro", "google"),
        ("xai", "grok-4", "x-ai"),
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "together"),
        ("vllm", "gpt-4o", None),
    ],
)
def test_at_an_address_that_nobody_knows_the_preset_says_whose_list_it_is(
    preset: str, model: str, expected: str | None
) -> None:
    made = Provider(name="p", dialect="openai", base_url="https://gateway.example.com/v1", models=MODELS)
    found = library.listed(made.model_copy(update={"preset": preset}), model)
    assert (found and found.provider) == expected


def test_a_server_of_llama_cpp_is_in_no_list() -> None:
    assert vendor("https://api.openai.com/v1", "gpt-4o", "llama_cpp") is None


def test_the_source_has_a_version_and_the_day_of_its_newest_price() -> None:
    found = library.source()
    assert found.name.startswith("genai-prices 0.")
    assert date(2026, 11, 1) <= found.newest <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    "module", ["tasks", "tasks.completion", "tasks.schedule", "tasks.cli", "tasks.flower.flowerconfig"]
)
def test_a_producer_beat_and_flower_never_import_it(module: str) -> None:
    code = f"import sys, {module}; sys.exit('genai_prices' in sys.modules or 'httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
