"""A store that falls silent under processes at work: it hangs, it is gone, or its answer is lost on the way."""

import signal
import time
from collections import Counter
from itertools import pairwise

import pytest

from tasks.local import valkey as valkey_server
from tests.waiting import wait_until
from tests.worker.admission.asking_process import use
from tests.worker.admission.child_process import children, stop_all
from tests.worker.admission.completing_process import providers
from tests.worker.admission.shared_breaker import events, look, store_with
from tests.worker.store.proxy import proxy
from worker.admission import breaker
from worker.chain import without_redis
from worker.store.store import SOCKET_TIMEOUT, Store

BOUND = 3.0
"""Seconds that a completion may take, twelve times the bound of one call: this machine may be busy."""


@pytest.fixture
def server(fleet):
    return valkey_server.start(fleet)


def hang(process):
    process.signal(signal.SIGSTOP)
    return lambda: process.signal(signal.SIGCONT)


def die(process):
    process.kill()
    return process.start


def asked(llmock):
    """Returns how often each model was asked."""
    return Counter(request["model"] for request in llmock.requests())


def waits_for_an_operator(attempts):
    return ["alpha", "skipped", "forced-open"] in attempts


@pytest.mark.parametrize("fall_silent", [hang, die])
def test_while_redis_is_silent_processes_go_on_in_listed_order_and_then_come_back(server, llmock, fall_silent):
    llmock.script({"type": "fail", "status": 500, "times": None, "match": {"model": "alpha-1"}})
    breaker.control(Store(server.url, "fallback", providers(llmock.url)), "alpha", "open", by="test")
    with children(3, "completing_process") as workers:
        for child in workers:
            child.use(server.url, llmock.url)
            child.send("complete_on")
        wait_until(lambda: asked(llmock)["beta-1"] > 10)
        come_back = fall_silent(server.process)
        silent = time.monotonic()
        wait_until(lambda: asked(llmock)["alpha-1"] >= 3 * len(workers))
        back = time.monotonic()
        come_back()
        reports = stop_all(workers)
        for child in workers:
            wait_until(lambda child=child: waits_for_an_operator(child.ask("complete")[2]))
    for made in reports:
        alone = [attempts for began, ended, attempts in made if silent < began and ended < back]
        assert len(alone) > 3
        assert not any(map(waits_for_an_operator, alone))
        assert all(attempts[-1][:2] == ["beta", "success"] for _, _, attempts in made)
        assert max(ended - began for began, ended, _ in made) < BOUND
        asks = [(began, ended) for began, ended, attempts in made if attempts[0][:2] == ["alpha", "transient"]]
        assert all(next_ended - began >= without_redis.MEMORY for (began, _), (_, next_ended) in pairwise(asks))


def test_a_record_whose_answer_is_lost_counts_once(eight, server):
    child = eight[0]
    with proxy(server.port) as network:
        use([child], network.url, timeout=SOCKET_TIMEOUT)
        store = store_with(server.url)
        permits = []
        wait_until(lambda: permits.append(child.ask("acquire")) or permits[-1] != "unavailable")
        network.lose_answers()
        assert child.ask("record", permits[-1], "failure") == "unavailable"
        wait_until(lambda: look(store).count)
        wait_until(lambda: child.ask("acquire") != "unavailable")
    assert (look(store).count, look(store).consecutive_failures, len(events(store, "request-failure"))) == (1, 1, 1)
    assert [store.redis.llen(key) for key in store.redis.scan_iter("*:journal")] == [1]
