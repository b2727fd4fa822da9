"""What each attempt cost, and all of a completion together; on a real server, with providers on bare sockets."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis

from config.chains import Chain, Retry
from config.providers import Model
from tests.worker.admission.clocked_breaker import provider
from tests.worker.providers.asking import data, openai_chunk, request
from tests.worker.providers.bare_server import HEAD, Talk, chunk, responds, sends, serving, streams
from worker.chain.delivery import Completion, Delivery
from worker.chain.report import total
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.errors import ContentRefused
from worker.store.store import Store
from worker.task import dead_letters, journal
from worker.task.journal import CRASHED, SKIPPED, Entry

END = b"data: [DONE]\n\n"
TOKENS = {"prompt": 1000, "completion": 100, "cached": 400, "cache_write": 0, "reasoning": 20}
USD = (600 * 2.0 + 400 * 0.5 + 100 * 10.0) / 1_000_000


def told(**more: Any) -> bytes:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    usage |= {"completion_tokens_details": {"reasoning_tokens": 20}}
    return data({"id": "chatcmpl-1", "model": "served", "choices": [], "usage": usage | more})


ANSWER = streams(openai_chunk("Hello", "stop"), told(), END)
EMPTY = streams(openai_chunk(None, "stop"), told(), END)
REFUSED = streams(openai_chunk(None, "content_filter"), told(), END)
CUT = sends(HEAD + chunk(openai_chunk("Hello")), keep=False)
MUTE = streams(openai_chunk("Hello", "stop"), END)
BUSY = responds(b"503 Busy", b"{}")


class Providers:
    """Asks a chain of providers; each is told how to answer, and has the same prices unless told others."""

    def __init__(self, redis_url: str, stack: ExitStack) -> None:
        self._redis_url, self._stack = redis_url, stack
        self.store = Store(redis_url, "fallback", {})

    def ask(self, prices: dict[str, float] | None = None, **talks: Talk) -> dict[str, Any]:
        usd = {"input_usd": 2.0, "output_usd": 10.0, "cached_usd": 0.5} if prices is None else prices
        made = {
            name: provider(
                name,
                base_url=self._stack.enter_context(serving(talk)).url,
                api_key="key",
                models={"default": Model(name=f"{name}-model", **usd)},
            )
            for name, talk in talks.items()
        }
        self.store = Store(self._redis_url, "fallback", made)
        chain = Chain(name="chain", providers=tuple(made), failover="at-once", retry=Retry(max_retries=0))
        done = complete(self.store, Delivery("task", request(), Route(chain, made), lambda: None))
        assert isinstance(done, Completion)
        report: dict[str, Any] = done.result["fallback"]
        return report


@pytest.fixture
def providers(redis_url: str, redis: Redis) -> Iterator[Providers]:
    with ExitStack() as stack:
        yield Providers(redis_url, stack)


def bills(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(each["outcome"], each["tokens"], each["cost_usd"], each.get("billed")) for each in report["attempts"]]


def test_the_answered_attempt_has_its_tokens_and_its_price(providers: Providers) -> None:
    report = providers.ask(alpha=ANSWER)
    assert bills(report) == [("success", TOKENS, USD, None)]
    assert (report["cost_usd"], report["wasted_usd"]) == (USD, 0)


def test_a_nonconforming_answer_that_told_its_usage_was_paid_for_in_vain(providers: Providers) -> None:
    report = providers.ask(alpha=EMPTY, beta=BUSY, gamma=ANSWER)
    assert bills(report) == [
        ("empty", TOKENS, USD, None),
        ("overloaded", None, None, None),
        ("success", TOKENS, USD, None),
    ]
    assert (report["cost_usd"], report["wasted_usd"]) == (pytest.approx(2 * USD), USD)


def test_an_attempt_that_told_nothing_may_have_been_billed_and_is_in_no_sum(providers: Providers) -> None:
    report = providers.ask(alpha=CUT, beta=ANSWER)
    assert bills(report) == [("transient", None, None, "unknown"), ("success", TOKENS, USD, None)]
    assert (report["cost_usd"], report["wasted_usd"]) == (USD, 0)


def test_without_prices_or_usage_nothing_is_known_and_it_is_never_0(providers: Providers) -> None:
    report = providers.ask({}, alpha=EMPTY, beta=ANSWER)
    assert [each[1:3] for each in bills(report)] == 2 * [(TOKENS, None)]
    assert (report["cost_usd"], report["wasted_usd"]) == (None, None)


def test_an_answer_that_told_half_of_its_usage_may_have_cost_more(providers: Providers) -> None:
    half = data({"id": "chatcmpl-1", "model": "served", "choices": [], "usage": {"prompt_tokens": 1000}})
    [attempt] = providers.ask(alpha=streams(openai_chunk("Hello", "stop"), half, END))["attempts"]
    assert (attempt["tokens"]["completion"], attempt["cost_usd"], attempt["billed"]) == (0, 0.002, "unknown")


def test_an_answer_that_told_no_usage_has_an_unknown_price_beside_known_waste(providers: Providers) -> None:
    report = providers.ask(alpha=EMPTY, beta=MUTE)
    assert bills(report)[1] == ("success", None, None, "unknown")
    assert (report["cost_usd"], report["wasted_usd"]) == (None, USD)


def test_a_refusal_is_in_the_journal_and_in_the_dead_letter_with_its_price(providers: Providers, redis: Redis) -> None:
    with pytest.raises(ContentRefused):
        providers.ask(alpha=REFUSED)
    [line] = map(journal.load, redis.lrange(providers.store.keys.journal("task"), 0, -1))
    assert isinstance(line, Entry)
    assert (line.outcome, line.tokens, line.cost_usd) == ("refused", TOKENS, USD)
    letter = dead_letters.find(providers.store, "task")
    assert letter
    assert (letter.attempts, total(letter.attempts)) == ((line,), USD)


def test_an_attempt_whose_worker_died_and_one_that_was_skipped_are_in_no_sum() -> None:
    entries = [
        Entry("a", CRASHED, 1.0, billed="unknown"),
        Entry("b", SKIPPED, 2.0, reason="open"),
        Entry("c", "success", 3.0, tokens=TOKENS, cost_usd=0.1),
        Entry("c", "empty", 4.0, tokens=TOKENS, cost_usd=0.2),
    ]
    assert total(entries) == 0.3
    assert total([]) == 0
