"""A worker that reads examples/own_chain.toml, and the environments of programs beside it."""

import sys
from pathlib import Path

import pytest

from tasks.local.llmock import KEY, LLMock
from tests.end_to_end.examples.running import OWN_CHAIN
from tests.end_to_end.local_cluster import LocalSetup


@pytest.fixture(scope="module")
def shared_settings(shared_llmock: LLMock) -> dict[str, str]:
    vllm = {"VLLM_BASE_URL": f"{shared_llmock.url}/v1", "VLLM_API_KEY": KEY}
    return {"FALLBACK_CONFIG": str(OWN_CHAIN), **vllm}


@pytest.fixture
def variables(clean_environment: dict[str, str], shared_setup: LocalSetup) -> dict[str, str]:
    """The environment of a program beside the fleet that knows its Redis and nothing else of it."""
    return {**clean_environment, "REDIS_URL": shared_setup.environment["REDIS_URL"]}


@pytest.fixture
def operator(clean_environment: dict[str, str], shared_setup: LocalSetup) -> dict[str, str]:
    """The environment of an operator's shell: the fleet's own, with `fallback` on the path."""
    path = f"{Path(sys.executable).parent}:{clean_environment['PATH']}"
    return {**clean_environment, **shared_setup.environment, "PATH": path}
