"""`fallback import-litellm`: from LiteLLM's YAML to a file that `fallback config` reads; with no Redis about."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.command_line import NO_REDIS, Ran, error_line, run

CONFIG = """
model_list:
- model_name: smart
  litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-hidden, rpm: 5, rpd: 9}
- model_name: spare
  litellm_params: {model: groq/llama-4, api_key: os.environ/GROQ_API_KEY}
router_settings:
  fallbacks: [{smart: [spare]}]
  num_retries: 1
"""


@pytest.fixture(scope="module")
def environment(clean_environment: dict[str, str]) -> dict[str, str]:
    return {**clean_environment, **NO_REDIS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("litellm")
    (path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ran(folder: Path, environment: dict[str, str]) -> Ran:
    """The command, once; what it writes to standard output is also in `ours.toml`."""
    ran = run(folder, environment, "import-litellm", "config.yaml")
    (folder / "ours.toml").write_text(ran.stdout, encoding="utf-8")
    return ran


def test_what_it_writes_is_a_file_of_ours(folder: Path, environment: dict[str, str], ran: Ran) -> None:
    assert ran.returncode == 0
    ours = {"FALLBACK_CONFIG": str(folder / "ours.toml"), "GROQ_API_KEY": "k"}
    settings = json.loads(run(folder, environment | ours, "config", "--json").stdout)
    assert settings["chains.smart.providers"]["value"] == ["anthropic-claude-sonnet-4-5", "groq-llama-4"]
    assert settings["chains.smart.retry.max_retries"]["value"] == 1
    assert settings["providers.anthropic-claude-sonnet-4-5.limits.requests_per_minute"]["value"] == 5
    assert settings["providers.groq-llama-4.api_key"] == {"value": "set", "from": "GROQ_API_KEY"}


def test_what_has_no_counterpart_is_on_standard_error_and_in_the_file(ran: Ran) -> None:
    [rpd] = [line for line in ran.stderr.splitlines() if ".rpd" in line]
    assert rpd.split()[:3] == ["config.yaml:4", "model_list.0.litellm_params.rpd", "number"]
    assert f"# {rpd}" in ran.stdout.splitlines()
    assert "  ANTHROPIC_CLAUDE_SONNET_4_5_API_KEY  key: anthropic-claude-sonnet-4-5" in ran.stderr.splitlines()
    assert "hidden" not in ran.stdout + ran.stderr


def test_it_writes_to_a_file(folder: Path, environment: dict[str, str], ran: Ran) -> None:
    written = run(folder, environment, "import-litellm", "config.yaml", "--output", "written.toml")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", ran.stderr)
    assert (folder / "written.toml").read_text(encoding="utf-8") == ran.stdout


def test_a_file_that_cannot_be_written_is_status_1(folder: Path, environment: dict[str, str], ran: Ran) -> None:
    refused = run(folder, environment, "import-litellm", "config.yaml", "--output", "absent/ours.toml")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[-1] == "Error: absent/ours.toml: No such file or directory"


def test_a_file_that_is_no_yaml_is_one_line_and_status_2(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "config.yaml").write_text("model_list: [\n  {model_name: 'sk-hidden}\n", encoding="utf-8")
    ran = run(tmp_path, environment, "import-litellm", "config.yaml")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert error_line(ran).startswith("Error: config.yaml:")
    assert "hidden" not in ran.stderr


def test_a_file_with_nothing_to_convert_is_status_1(tmp_path: Path, environment: dict[str, str]) -> None:
    config = "model_list: [{model_name: a, litellm_params: {model: bedrock/x}}]"
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
    ran = run(tmp_path, environment, "import-litellm", "config.yaml")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1] == "Error: config.yaml: none of its 1 deployments can be converted"
