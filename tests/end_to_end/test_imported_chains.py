"""A LiteLLM configuration, imported, at work: its groups answer as chains, its fallbacks as their next providers."""

import pytest

from config.settings import load
from tasks.cli.litellm.conversion import convert
from tasks.cli.litellm.document import toml
from tasks.cli.litellm.source import read
from tasks.local.llmock import KEY, LLMock
from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of, fail

CONFIG = """
model_list:
- model_name: smart.v1
  litellm_params: {{model: anthropic/claude-sonnet-4-5, api_base: "{0}/anthropic/v1/messages", api_key: {1}}}
- model_name: spare
  litellm_params: {{model: hosted_vllm/gpt-4o, api_base: "{0}/v1", api_key: os.environ/SPARE_KEY, order: 2}}
- model_name: spare
  litellm_params: {{model: ollama/gpt-4o-mini, api_base: "{0}", order: 1}}
router_settings:
  model_group_alias: {{nickname: smart.v1}}
  fallbacks: [{{smart.v1: [spare]}}]
  num_retries: 0
"""
SMART, FIRST, SECOND = "anthropic-claude-sonnet-4-5", "ollama-gpt-4o-mini", "hosted_vllm-gpt-4o"


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory, shared_llmock: LLMock) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("imported")
    source, ours = folder / "config.yaml", folder / "fallback.toml"
    source.write_text(CONFIG.format(shared_llmock.url, KEY), "utf-8")
    ours.write_text(toml(convert(read(source)), source), "utf-8")
    variables = {"FALLBACK_CONFIG": str(ours), "SPARE_KEY": KEY, "ANTHROPIC_CLAUDE_SONNET_4_5_API_KEY": KEY}
    assert all(load(variables).providers[name].missing is None for name in (SMART, FIRST, SECOND))
    return variables


@pytest.mark.parametrize("chain", ["smart-v1", "nickname", "default"])
def test_a_group_answers_as_a_chain(shared_setup: LocalSetup, chain: str) -> None:
    result = shared_setup.complete(QUESTION, chain=chain).get(timeout=30)
    assert attempts_of(result) == [(SMART, "success")]


def test_its_fallbacks_answer_where_it_fails(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "claude", 500)
    result = shared_setup.complete(QUESTION, chain="smart-v1").get(timeout=30)
    assert attempts_of(result) == [(SMART, "transient"), (FIRST, "success")]


def test_a_group_goes_on_by_its_order(shared_setup: LocalSetup, llmock: LLMock) -> None:
    fail(llmock, "openai", 500, times=1)
    result = shared_setup.complete(QUESTION, chain="spare").get(timeout=30)
    assert attempts_of(result) == [(FIRST, "transient"), (SECOND, "success")]
