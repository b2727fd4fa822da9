"""What a process does alone while Redis is unavailable."""

import signal

import pytest

from config.chains import Chain, Retry
from tests.waiting import wait_until
from tests.worker.providers.asking import OPENAI, provider, request
from tests.worker.providers.bare_server import responds, serving, streams
from tests.worker.store.stores import store_at
from worker.admission.breaker import Permit, control
from worker.chain import without_redis
from worker.chain.delivery import Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.errors import RedisUnavailable
from worker.store import store as store_module
from worker.store.store import Store
from worker.task.inspection import history
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


def settles(store, completion):
    try:
        return store.run(*completion.unsettled)
    except RedisUnavailable:
        return None


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


def test_a_reply_of_redis_that_comes_too_late_loses_no_completion_but_asks_who_is_forced_open(own_server, monkeypatch):
    monkeypatch.setattr(store_module, "SOCKET_TIMEOUT", 0.3)

    def answers_once_redis_is_back(bare, sock):
        own_server.process.signal(signal.SIGCONT)
        return streams(*OPENAI)(bare, sock)

    with serving(answers_once_redis_is_back) as answering:
        providers = {"forced": named("forced", answering)}
        chain = Chain(name="chain", providers=("forced",), when_exhausted="wait", timeout=3600)
        store = Store(own_server.url, "fallback", providers)

        def deliver(task):
            return complete(store, Delivery(task, request(), Route(chain, providers), lambda: None))

        control(store, "forced", "open", by="test", seconds=600)
        assert deliver("in time").park_until
        hang(own_server)
        late = deliver("late")
        assert late.result["fallback"]["provider"] == "forced"
        wait_until(lambda: settles(store, late))  # as tasks/node/result_backend.py does
        assert history(store, "late").state == "answered"
        assert deliver("late").result["id"] == late.result["id"]
        assert deliver("in time").park_until
    assert len(answering.requests) == 1
