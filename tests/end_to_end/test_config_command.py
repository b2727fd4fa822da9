"""`fallback config`: the settings in force, for people and for programs; with no Redis about."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.command_line import NO_REDIS, error_line, run


@pytest.fixture
def environment(tmp_path: Path, clean_environment: dict[str, str]) -> dict[str, str]:
    config = tmp_path / "fallback.toml"
    config.write_text('namespace = "blue"\n', encoding="utf-8")
    (tmp_path / "key").write_text("sk-hidden\n", encoding="utf-8")
    keys = {"ANTHROPIC_API_KEY": "sk-hidden", "OPENAI_API_KEY_FILE": str(tmp_path / "key")}
    return {**clean_environment, **NO_REDIS, **keys, "FALLBACK_CONFIG": str(config)}


def test_each_setting_is_a_line_with_its_value_and_origin(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment, "config")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = [line.split() for line in ran.stdout.splitlines()]
    for line in (
        ["namespace", "blue", environment["FALLBACK_CONFIG"]],
        ["redis_url", "redis://127.0.0.1:1/0", "REDIS_URL"],
        ["redis_url.password", "set", "REDIS_URL"],
        ["providers.claude.api_key", "set", "ANTHROPIC_API_KEY"],
        ["providers.openai.api_key", "set", "OPENAI_API_KEY_FILE"],
        ["providers.llama_cpp.api_key", "-", "default"],
        ["breaker.cooldown_period", "60.0", "default"],
    ):
        assert line in lines
    assert "hidden" not in ran.stdout


def test_for_programs_it_is_one_object(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment, "config", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    found = json.loads(ran.stdout)
    assert found["chains.default.providers"] == {"value": ["claude", "llama_cpp", "openai"], "from": "default"}
    assert found["providers.openai.api_key"] == {"value": "set", "from": "OPENAI_API_KEY_FILE"}
    assert "hidden" not in ran.stdout


def test_a_wrong_setting_is_one_line_and_status_2(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment | {"FALLBACK_BREAKER__COOLDOWN_PERIOD": "soon"}, "config")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert error_line(ran).startswith("breaker.cooldown_period: ")
