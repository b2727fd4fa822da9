"""`fallback providers`: what is configured and what presets would configure; with no Redis about."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.presets import PRESETS
from tests.end_to_end.command_line import NO_REDIS, run

CONFIG = """
[providers.fast-vendor]
preset = "groq"
[providers.own]
preset = "vllm"
enabled = false
[providers.azure]
preset = "azure"
models.default = { name = "my-deployment" }
"""


@pytest.fixture
def environment(tmp_path: Path, clean_environment: dict[str, str]) -> dict[str, str]:
    config = tmp_path / "fallback.toml"
    config.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "key").write_text("sk-hidden\n", encoding="utf-8")
    others = {name: value for name, value in clean_environment.items() if not name.endswith(("_KEY", "_TOKEN"))}
    keys = {"GROQ_API_KEY": "sk-hidden", "OPENAI_API_KEY_FILE": str(tmp_path / "key")}
    return {**others, **NO_REDIS, **keys, "FALLBACK_CONFIG": str(config)}


def rows(text: str) -> dict[str, list[str]]:
    """Returns the cells of each line by the first one."""
    return {
        line.split()[0]: [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in text.splitlines()
        if line
    }


def test_each_provider_and_preset_is_a_line(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment, "providers")
    assert (ran.returncode, ran.stderr) == (0, "")
    configured, _, presets = ran.stdout.partition("Presets.")
    groq = ["configured", "GROQ_API_KEY", "yes", "https://api.groq.com/openai/v1", "openai", "openai/gpt-oss-120b"]
    assert rows(configured)["fast-vendor"] == ["fast-vendor", *groq]
    assert rows(configured)["own"][1] == "disabled"
    assert rows(configured)["azure"][1:5] == ["no base URL", "AZURE_OPENAI_API_KEY", "no", "in AZURE_OPENAI_BASE_URL"]
    assert rows(presets)["groq"] == ["groq", *groq]
    assert rows(presets)["mistral"][1:4] == ["no API key", "MISTRAL_API_KEY", "no"]
    assert set(PRESETS) <= set(rows(presets))
    assert "hidden" not in ran.stdout


def test_for_programs_it_is_one_object(tmp_path: Path, environment: dict[str, str]) -> None:
    ran = run(tmp_path, environment, "providers", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    found: dict[str, list[dict[str, Any]]] = json.loads(ran.stdout)
    providers = {each["name"]: each for each in found["providers"]}
    presets = {each["name"]: each for each in found["presets"]}
    assert (providers["openai"]["preset"], providers["openai"]["api_key_set"]) == ("openai", True)
    assert (providers["fast-vendor"]["preset"], providers["fast-vendor"]["model"]) == ("groq", "openai/gpt-oss-120b")
    assert list(presets) == list(PRESETS)
    assert presets["azure"]["base_url_env"] == "AZURE_OPENAI_BASE_URL"
    assert all(source for each in found["presets"] for source in each["source"])
    assert "hidden" not in ran.stdout
