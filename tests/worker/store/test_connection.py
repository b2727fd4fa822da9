"""The few connections to Redis that all threads of a process share."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.exceptions import ResponseError

from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url
from tests.worker.store.stores import answers, store_at
from worker.errors import RedisUnavailable
from worker.store.connection import CONNECTIONS
from worker.store.store import SOCKET_TIMEOUT


def test_a_hundred_threads_share_a_few_connections_and_each_gets_its_own_replies(redis):
    store, threads, calls = store_at(url(redis)), 100, 50
    start, before = threading.Barrier(threads), len(redis.client_list())

    def ask(number):
        start.wait()
        said = [(f"{number}-{turn}", "x" * number) for turn in range(calls)]
        return said == [tuple(store.run(("ECHO", first), ("ECHO", second))) for first, second in said]

    with ThreadPoolExecutor(threads) as pool:
        assert all(pool.map(ask, range(threads)))
    assert len(redis.client_list()) <= before + CONNECTIONS


def test_an_error_reply_is_for_the_call_that_caused_it(redis):
    store, threads = store_at(url(redis)), 40
    redis.set("text", "no number")
    start = threading.Barrier(threads)

    def ask(number):
        start.wait()
        if number % 2:
            return store.run(("ECHO", number)) == [str(number)]
        with pytest.raises(ResponseError, match="not an integer"):
            store.run(("INCR", "text"))
        return True

    with ThreadPoolExecutor(threads) as pool:
        assert all(pool.map(ask, range(threads)))


class Interrupted(BaseException):
    """What a signal's handler raises."""


def interrupt(*_):
    raise Interrupted


@pytest.mark.timeout(30)
def test_a_thread_that_is_interrupted_while_it_waits_keeps_no_connection(own_server, monkeypatch):
    monkeypatch.setattr("worker.store.store.SOCKET_TIMEOUT", 10.0)
    store = store_at(own_server.url)
    assert answers(store)
    before = signal.signal(signal.SIGALRM, interrupt)
    own_server.process.signal(signal.SIGSTOP)
    with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
        busy = [pool.submit(store.run, ("ECHO", each)) for each in range(CONNECTIONS)]
        wait_until(lambda: not store._connections._shared._idle)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Interrupted):
            store.run(("PING",))
        signal.signal(signal.SIGALRM, before)
        behind = pool.submit(store.run, ("ECHO", "behind"))
        wait_until(lambda: store._connections._shared._waiting)
        own_server.process.signal(signal.SIGCONT)
        assert [each.result(10) for each in (*busy, behind)] == [["0"], ["1"], ["2"], ["3"], ["behind"]]


@pytest.mark.timeout(20)
def test_when_it_hangs_nobody_waits_for_a_connection_longer_than_for_a_reply(own_server):
    store = store_at(own_server.url)
    assert answers(store)
    own_server.process.signal(signal.SIGSTOP)
    start, threads = threading.Barrier(200), 200

    def ask(_):
        start.wait()
        began = time.monotonic()
        with pytest.raises(RedisUnavailable):
            store.run(("PING",))
        return time.monotonic() - began

    with ThreadPoolExecutor(threads) as pool:
        assert max(pool.map(ask, range(threads))) < 1.5 * SOCKET_TIMEOUT
