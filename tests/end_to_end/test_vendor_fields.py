"""A conversation with tools goes through a failover and back, and each provider gets its own thoughts again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.local.fleet import Fleet
from tests.end_to_end.local_cluster import LocalSetup, started_setup
from tests.end_to_end.vendors import attempts_of
from tests.worker.providers.bare_server import Bare, responds, serving, streams
from tests.worker.providers.own_fields import OWN, SIGNED, wire
from tests.worker.providers.request_cases import CLOCK, HELLO

SETTINGS = """\
[models]
"gpt-4o" = "default"
[providers.claude]
base_url = "{claude}"
api_key_env = ""
prompt_cache = true
models.default = {{ name = "a-model" }}
[providers.gemini]
dialect = "openai"
base_url = "{gemini}"
stand_in = "thought_signature"
limit_field = "max_tokens"
models.default = {{ name = "a-model" }}
[chains.talk]
providers = ["claude", "gemini"]
retry = {{ max_retries = 0 }}
"""
OVERLOADED = responds(b"529 Overloaded", b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')
USUAL = {
    "model": "gpt-4o",
    "tools": [CLOCK],
    "n": 1,
    "stream": False,
    "max_tokens": 50,
    "frequency_penalty": 0,
    "logit_bias": None,
    "stream_options": None,
    "top_k": 40,
}


@pytest.fixture
def hosts() -> Iterator[tuple[Bare, Bare]]:
    thinking = streams(wire("claude"))
    with serving(thinking, OVERLOADED, thinking) as claude, serving(streams(wire("gemini"))) as gemini:
        yield claude, gemini


@pytest.fixture
def setup(tmp_path: Path, clean_environment: dict[str, str], hosts: tuple[Bare, Bare]) -> Iterator[LocalSetup]:
    file = tmp_path / "fallback.toml"
    file.write_text(SETTINGS.format(claude=hosts[0].url, gemini=hosts[1].url), "utf-8")
    with (
        Fleet(tmp_path / "run", clean_environment) as fleet,
        started_setup(fleet, "talk", {"FALLBACK_CONFIG": str(file)}) as setup,
    ):
        yield setup


def sent(host: Bare) -> list[dict[str, Any]]:
    """Returns the bodies that a host was sent."""
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in host.requests]


def test_each_provider_gets_its_own_again_through_a_failover_and_back(
    setup: LocalSetup, hosts: tuple[Bare, Bare]
) -> None:
    messages, answered_by = [HELLO], []
    for ask in (setup.complete, setup.delay_here, setup.complete):
        result = ask({**USUAL, "messages": messages}, "talk")
        result = result if isinstance(result, dict) else result.get(timeout=30)
        answered_by.append(attempts_of(result)[-1][0])
        message = result["choices"][0]["message"]
        results = [{"role": "tool", "tool_call_id": each["id"], "content": "noon"} for each in message["tool_calls"]]
        messages = [*messages, message, *results]
    assert answered_by == ["claude", "gemini", "claude"]
    claude, gemini = sent(hosts[0]), sent(hosts[1])
    thoughts = [[block for block in turn["content"] if "thinking" in block["type"]] for turn in claude[2]["messages"]]
    assert thoughts == [[], OWN["claude"]["thinking"], [], [], []]
    assert [turn["role"] for turn in claude[2]["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert json.dumps(SIGNED) not in json.dumps(claude)
    assert "skip_thought_signature_validator" in json.dumps(gemini[0])
    assert OWN["claude"]["thinking"][0]["thinking"] not in json.dumps(gemini)
    assert [(body["max_tokens"], "top_k" in body) for body in (*claude, *gemini)] == [(50, False)] * 4
    marks = [json.dumps(body["messages"]).count("cache_control") for body in claude]
    assert marks == [1, 2, 3]
