"""OpenTelemetry's names and values."""

from pathlib import Path

import pytest

from config.presets import PRESETS
from tests.worker.providers.asking import provider
from worker.result import Answer
from worker.telemetry.otel import genai


@pytest.mark.parametrize(
    ("preset", "vendor"),
    [("anthropic", "anthropic"), ("azure", "azure.ai.openai"), ("gemini", "gcp.gemini"), ("groq", "groq")],
)
def test_a_preset_s_vendor_has_the_conventions_name(preset, vendor):
    assert genai.vendor(provider("openai", "http://127.0.0.1:1", preset=preset)) == vendor


def test_every_other_name_is_that_of_a_preset():
    assert set(genai.VENDORS) <= set(PRESETS)


def test_without_a_preset_the_dialect_counts():
    assert genai.vendor(provider("llama_cpp", "http://127.0.0.1:1")) == "llama_cpp"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://api.example.com/v1", ("api.example.com", 443)),
        ("http://[::1]:8080", ("::1", 8080)),
        ("http://host", ("host", 80)),
        ("https://user:secret@host/v1", ("host", 443)),
    ],
)
def test_a_server_is_a_host_and_a_port(url, server):
    assert genai.server(url) == server


def test_a_plain_answer_has_no_first_chunk_and_nothing_of_its_text():
    message = {"role": "assistant", "content": "walrus"}
    told = genai.answer_attributes(Answer("id", "model", message, "length", None, None, None))
    assert told == {genai.RESPONSE_MODEL: "model", genai.RESPONSE_ID: "id", genai.FINISH_REASONS: ["length"]}


def test_every_attribute_stands_in_the_page_on_traces():
    metrics = (genai.TOKEN_TYPE, genai.OPERATION_DURATION, genai.TOKEN_USAGE)
    names = {each for each in vars(genai).values() if isinstance(each, str) and "." in each and each[0].isalpha()}
    names = {
        name for name in names if name.split(".")[0] in ("gen_ai", "fallback", "server", "error", "http", "messaging")
    }
    page = Path("docs/how-to/trace.md").read_text("utf-8")
    assert len(names) > 25
    assert [name for name in names - set(metrics) if f"`{name}`" not in page] == []
