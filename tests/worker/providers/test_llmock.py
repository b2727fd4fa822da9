from collections.abc import Iterator

import pytest
from llmock.scenarios import Fail, Reply, SlowFirstToken, StreamFault
from llmock.testing import LLMockServer

from config.outcomes import Outcome
from config.providers import Dialect, Provider
from tests.worker.providers.asking import asked, failure, provider, request
from worker.chain.classify import classify

DIALECTS: list[Dialect] = ["openai", "anthropic"]


@pytest.fixture(scope="module")
def server() -> Iterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


@pytest.fixture(autouse=True)
def forget(server: LLMockServer) -> Iterator[None]:
    yield
    server.state.scenarios.clear()


def vendor(server: LLMockServer, dialect: Dialect, **limits: float) -> Provider:
    return provider(dialect, server.url if dialect == "openai" else server.base_url("anthropic"), **limits)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_simulated_vendor_answers(server: LLMockServer, dialect: Dialect) -> None:
    server.state.scenarios.add(Reply(text="Because of Rayleigh scattering."))
    answer = asked(vendor(server, dialect), request(("system", "Be brief"), ("user", "Why is the sky blue?")))
    assert answer.message["content"] == "Because of Rayleigh scattering."
    assert answer.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion > 0


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.INVALID),
        (401, Outcome.AUTHENTICATION),
        (402, Outcome.QUOTA_EXHAUSTED),
        (403, Outcome.MISCONFIGURED),
        (404, Outcome.MISCONFIGURED),
        (408, Outcome.TRANSIENT),
        (409, Outcome.TRANSIENT),
        (413, Outcome.TOO_LARGE),
        (422, Outcome.INVALID),
        (429, Outcome.RATE_LIMITED),
        (500, Outcome.TRANSIENT),
        (502, Outcome.TRANSIENT),
        (503, Outcome.OVERLOADED),
        (504, Outcome.TRANSIENT),
        (529, Outcome.OVERLOADED),
    ],
)
def test_a_vendors_error_is_classified(server: LLMockServer, dialect: Dialect, status: int, outcome: Outcome) -> None:
    server.state.scenarios.add(Fail(status, retry_after=7))
    failed = failure(vendor(server, dialect))
    assert (failed.status, classify(failed, {}).outcome) == (status, outcome)
    assert failed.detail


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_vendors_retry_after_is_kept(server: LLMockServer, dialect: Dialect) -> None:
    server.state.scenarios.add(Fail(429, retry_after=7))
    assert failure(vendor(server, dialect)).retry_after == 7.0


def test_a_vendors_code_tells_quota_from_rate(server: LLMockServer) -> None:
    server.state.scenarios.add(Fail(429, code="insufficient_quota"))
    assert classify(failure(vendor(server, "openai")), {}).outcome == Outcome.QUOTA_EXHAUSTED


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (StreamFault("disconnect", after_chunks=3), "truncated"),
        (StreamFault("truncate", after_chunks=3), "truncated"),
        (StreamFault("malformed", after_chunks=3), "malformed"),
        (StreamFault("stall", after_chunks=4, stall_seconds=0.5), "idle_timeout"),
        (SlowFirstToken(0.5), "first_token_timeout"),
    ],
    ids=["disconnect", "truncate", "malformed", "stall", "slow first token"],
)
def test_a_broken_stream_is_a_failed_attempt(
    server: LLMockServer, dialect: Dialect, fault: StreamFault | SlowFirstToken, reason: str
) -> None:
    server.state.scenarios.add(fault)
    limits = {"first_token_timeout": 0.2} if isinstance(fault, SlowFirstToken) else {"idle_timeout": 0.2}
    failed = failure(vendor(server, dialect, **limits))
    assert failed.reason == reason


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_client_that_fails_over_is_found_without_fault(server: LLMockServer, dialect: Dialect) -> None:
    server.state.scenarios.add(StreamFault("truncate", after_chunks=2))
    failure(vendor(server, dialect))
    assert asked(vendor(server, dialect)).finish_reason == "stop"
