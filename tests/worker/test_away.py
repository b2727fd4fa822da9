"""What a process does alone while the shared store is away."""

import signal

import pytest

from config.chains import Chain, Retry
from tests.waiting import wait_until
from tests.worker.providers.asking import OPENAI, provider, request
from tests.worker.providers.bare_server import responds, serving, streams
from tests.worker.stores import store_at
from worker import away
from worker.breaker import Permit
from worker.call import Call
from worker.chain import complete
from worker.journal import PASSED_OVER
from worker.route import Route
from worker.store import Store

FAILS = responds(b"500 Internal Server Error", b"{}")


@pytest.fixture
def store():
    return store_at("redis://127.0.0.1:1/0")


def test_the_chain_s_order_holds(store):
    decision = away.decide(store, ["first", "second"])
    assert (decision.kind, decision.permit, decision.passed_over) == ("next", Permit("first", 0), ())


def test_who_just_failed_here_is_passed_over_for_the_next(store):
    away.failed("fails")
    decision = away.decide(store, ["fails", "works"])
    assert decision.permit == Permit("works", 0)
    assert [(over.provider, over.reason) for over in decision.passed_over] == [
        ("fails", "failed while the store is away")
    ]


def test_where_all_just_failed_none_is_asked_for_a_while(store):
    away.failed("one")
    away.failed("other")
    decision = away.decide(store, ["one", "other"])
    assert (decision.kind, decision.permit, decision.wait) == ("none", None, away.MEMORY)
    wait_until(lambda: away.decide(store, ["one", "other"]).permit)


def test_each_decision_is_counted(store):
    away.decide(store, ["first"])
    away.decide(store, ["first"])
    assert store.outage.take() == {"decisions_away": 2}


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
        stories = [
            complete(store, Call(task, request(), Route(chain, providers), lambda: None)).result["fallback"]
            for task in ("in flight", "the next")
        ]
    told = [[attempt["outcome"] for attempt in story["attempts"]] for story in stories]
    assert told == [["transient", "success"], [PASSED_OVER, "success"]]
    assert len(failing.requests) == 1
