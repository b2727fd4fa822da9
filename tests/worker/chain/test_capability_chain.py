"""A chain skips who cannot take a request, on a real server and with simulated vendors."""

import pytest

from config.chains import Chain
from config.providers import Model
from tasks.local.llmock import KEY
from tests.worker.admission.clocked_breaker import provider
from tests.worker.providers.asking import request
from worker.chain import failure_messages
from worker.chain.delivery import Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.errors import ChainExhausted, InvalidRequest
from worker.store.store import Store
from worker.task.journal import SKIPPED, Entry, load

LONG = request(("user", 200 * "The quick brown fox jumps over the lazy dog. "))


def call(llmock, redis_url, *providers):
    """Returns a store and a call along providers, each a name and the window of its model, or None: not configured."""
    made = {
        name: provider(
            name,
            base_url="" if window is None else f"{llmock.url}/v1",
            api_key=KEY,
            models={"default": Model(name=f"{name}-model", context=window)},
        )
        for name, window in providers
    }
    route = Route(Chain(name="chain", providers=tuple(made)), made)
    return Store(redis_url, "fallback", made), Delivery("task", LONG, route, lambda: None)


def test_a_provider_that_cannot_is_skipped_with_the_reason_and_the_next_answers(llmock, redis_url):
    result = complete(*call(llmock, redis_url, ("small", 100), ("large", 100_000))).result
    attempts = [(a["provider"], a["outcome"], a["reason"]) for a in result["fallback"]["attempts"]]
    assert [attempts[0][:2], attempts[1][:2]] == [("small", SKIPPED), ("large", "success")]
    assert attempts[0][2].startswith("incapable: about ")
    assert [asked["model"] for asked in llmock.requests()] == ["large-model"]


def test_it_is_reported_once_over_all_deliveries_and_its_breaker_knows_nothing(llmock, redis_url, redis):
    llmock.script({"type": "fail", "status": 500, "times": 1})
    store, first = call(llmock, redis_url, ("small", 100), ("large", 100_000))
    later = complete(store, first)
    journal = [load(line) for line in redis.lrange(store.keys.journal("task"), 0, -1)]
    assert [(line.provider, line.outcome) for line in journal] == [("small", SKIPPED), ("large", "transient")]
    assert later.remaining == ("large",)
    assert redis.exists("{fallback}:2:breaker:small") == 0


def test_a_request_that_nobody_configured_can_take_is_invalid_and_asked_of_nobody(llmock, redis_url):
    with pytest.raises(InvalidRequest) as failed:
        complete(*call(llmock, redis_url, ("small", 100), ("unset", None), ("other", 50)))
    said = str(failed.value)
    assert said.startswith("no provider of chain 'chain' can take it: small: skipped, incapable: about ")
    assert "; unset: skipped, not configured: no base URL; other: skipped, incapable: about " in said
    assert llmock.requests() == []


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (["incapable: takes no images"], InvalidRequest),
        (["incapable: takes no images", "not configured: no API key"], InvalidRequest),
        (["not configured: no API key"], ChainExhausted),
        (["incapable: takes no images", "open"], ChainExhausted),
    ],
)
def test_only_a_request_that_waiting_would_not_help_is_invalid(reasons, error):
    lines = [Entry(f"p{n}", SKIPPED, 0.0, reason=reason) for n, reason in enumerate(reasons)]
    assert type(failure_messages.exhausted_error(Chain(name="chain", providers=("p0",)), lines)) is error


def test_a_failure_of_the_one_that_could_names_the_others_too():
    lines = [
        Entry("a", SKIPPED, 0.0, reason="incapable: takes no images"),
        Entry("b", "transient", 0.0, reason="empty"),
    ]
    failure = failure_messages.exhausted_error(Chain(name="chain", providers=("a", "b")), lines)
    assert str(failure) == "chain 'chain' is exhausted: a: skipped, incapable: takes no images; b: transient, empty"
