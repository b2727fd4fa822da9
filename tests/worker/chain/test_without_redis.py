"""What a process does alone while Redis is unavailable."""

import signal

import pytest

from config.chains import Chain, Retry
from tests.waiting import wait_until
from tests.worker.providers.asking import OPENAI, provider, request
from tests.worker.providers.bare_server import responds, serving, streams
from tests.worker.store.stores import store_at
from worker.admission.breaker import Permit
from worker.chain import without_redis
from worker.chain.delivery import Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.store.store import Store
from worker.task.journal import SKIPPED

FAILS = responds(b"500 Internal Server Error", b"{}")


@pytest.fixture
def store():
    return store_at("redis://127.0.0.1:1/0")


def test_the_chain_s_order_holds(store):
    decision = without_redis.decide(store, ["first", "second"])
    assert (decision.kind, decision.permit, decision.skipped) == ("next", Permit("first", 0), ())


def test_who_just_failed_here_is_skipped_for_the_next(store):
    without_redis.remember_failure("fails")
    decision = without_redis.decide(store, ["fails", "works"])
    assert decision.permit == Permit("works", 0)
    assert [(over.provider, over.reason) for over in decision.skipped] == [("fails", "failed during the Redis outage")]


def test_where_all_just_failed_none_is_asked_for_a_while(store):
    without_redis.remember_failure("one")
    without_redis.remember_failure("other")
    decision = without_redis.decide(store, ["one", "other"])
    assert (decision.kind, decision.permit, decision.wait) == ("none", None, without_redis.MEMORY)
    assert all(0 < wait <= without_redis.MEMORY for wait in without_redis.admissions(["one", "other"]).values())
    assert without_redis.admissions(["third"]) == {"third": 0.0}
    wait_until(lambda: without_redis.decide(store, ["one", "other"]).permit)


def test_each_decision_is_counted(store):
    without_redis.decide(store, ["first"])
    without_redis.decide(store, ["first"])
    assert store.outage.take() == {"decisions_without_redis": 2}


def named(name, bare):
    return provider("openai", bare.url).model_copy(update={"name": name})


def hang(server):
    server.process.signal(signal.SIGSTOP)


def kill(server):
    server.process.kill()


@pytest.mark.parametrize("end", [hang, kill])
def test_calls_in_flight_go_on_in_listed_order_and_remember_who_failed(end, own_server):
    def fails_without_redis(bare, sock):
        end(own_server)
        return FAILS(bare, sock)

    with serving(fails_without_redis) as failing, serving(streams(*OPENAI)) as answering:
        names = f"{end.__name__}-first", f"{end.__name__}-second"
        providers = dict(zip(names, map(named, names, (failing, answering)), strict=True))
        chain = Chain(name="chain", providers=tuple(providers), retry=Retry(max_retries=0))
        store = Store(own_server.url, "fallback", providers)
        reports = [
            complete(store, Delivery(task, request(), Route(chain, providers), lambda: None)).result["fallback"]
            for task in ("in flight", "the next")
        ]
    attempts = [[attempt["outcome"] for attempt in report["attempts"]] for report in reports]
    assert attempts == [["transient", "success"], [SKIPPED, "success"]]
    assert len(failing.requests) == 1
