"""The way to the shared store: scripts that it forgot, a server that hangs, one that is gone."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from redis.exceptions import ResponseError

from tasks.local.ports import free_port
from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import url
from tests.worker.store.stores import PROVIDERS, answers, line, store_at
from worker.admission import breaker
from worker.admission.breaker import Attempted, Permit
from worker.errors import RedisUnavailable
from worker.store.store import KEEP, Store
from worker.task import lease
from worker.task.outcome import stored_result


def permit_of(store):
    reply = store.run(breaker.acquire(store, "task", "", "permit", ["alpha"]))[0]
    return breaker.parse_acquire_reply(reply, "permit", ["alpha"]).permit


def a_record(store, permit, lease_id=""):
    return breaker.record(store, "task", lease_id, "next", Attempted(permit, "failure", 1, failure="said no"), [])


@pytest.fixture
def hung(own_server):
    """A store whose server hangs after a permit was taken, with the permit."""
    store = store_at(own_server.url)
    permit = permit_of(store)
    own_server.process.signal(signal.SIGSTOP)
    return own_server, store, permit


def test_a_forgotten_script_is_loaded_and_nothing_beside_it_is_done_twice(every_redis):
    store = store_at(url(every_redis))
    permit = permit_of(store)
    every_redis.script_flush()
    (counted, *_), lines, _ = store.run(a_record(store, permit), *line(store))
    assert (counted, lines) == (1, 1)
    assert every_redis.llen(store.keys.journal("task")) == 1
    assert breaker.snapshot(store, ["alpha"])[0].consecutive_failures == 1


def test_scripts_forgotten_in_one_pipeline_are_executed_in_its_order(every_redis):
    store = store_at(url(every_redis))
    permit = permit_of(store)
    every_redis.script_flush()
    begin, finish = lease.begin(store, "task", "mine", 0), lease.finish(store, "task", "mine", {"answer": 1})
    begun, recorded, _, _, stood = store.run(begin, a_record(store, permit, "mine"), *line(store), finish)
    assert (begun[0], recorded[2][0], stood) == ("taken", "none", "")
    assert stored_result(store.run(begin)[0][1]) == {"answer": 1}


def test_threads_that_find_no_script_together_find_all_of_them_or_none(every_redis):
    store, threads = store_at(url(every_redis)), 30
    start = threading.Barrier(threads)

    def begin(number):
        task = f"task-{number}"
        start.wait()
        taken, granted = store.run(
            lease.begin(store, task, "mine", 0), breaker.acquire(store, task, "mine", task, ["alpha"])
        )
        return taken[0], granted[0]

    with ThreadPoolExecutor(threads) as pool:
        for turn in range(10):
            every_redis.script_flush()
            found = set(pool.map(begin, range(turn * threads, (turn + 1) * threads)))
            assert found == {("taken", "next")}


def test_a_server_that_was_killed_and_started_again_counts_each_call_once(own_server):
    store = store_at(own_server.url)
    permit = permit_of(store)
    store.run(("WAITAOF", 1, 0, 1900))  # for the writes of this connection
    own_server.process.restart()
    store.run(a_record(store, permit), *line(store))
    assert breaker.snapshot(store, ["alpha"])[0].count == 1
    assert store.redis.llen(store.keys.journal("task")) == 1


@pytest.mark.timeout(20)  # redis-py's own defaults are still blocked after 45 s
def test_a_server_that_hangs_is_an_outage_and_gets_no_call_twice_when_it_wakes(hung):
    server, store, permit = hung
    with pytest.raises(RedisUnavailable):
        store.run(a_record(store, permit), *line(store))
    server.process.signal(signal.SIGCONT)
    wait_until(lambda: answers(store))
    assert breaker.snapshot(store, ["alpha"])[0].count <= 1
    assert store.redis.llen(store.keys.journal("task")) <= 1


@pytest.mark.timeout(20)
def test_a_server_that_hangs_before_the_first_call_is_an_outage(hung):
    server, _, permit = hung
    store = store_at(server.url)
    with pytest.raises(RedisUnavailable):
        store.run(a_record(store, permit))


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_server_that_cannot_be_reached_is_an_outage(host):
    with pytest.raises(RedisUnavailable, match=r"^Redis is unavailable \(ConnectionError\)$"):
        store_at(f"redis://{host}:{free_port()}/0").run(("PING",))


def test_in_an_outage_it_is_asked_again_only_after_a_while(own_server):
    store = store_at(own_server.url)
    store.run(("PING",))
    own_server.process.kill()
    with pytest.raises(RedisUnavailable):
        store.run(("PING",))
    own_server.process.start()
    store.redis.ping()
    with pytest.raises(RedisUnavailable) as remembered:
        store.run(("SET", "asked", 1))
    assert type(remembered.value.__cause__).__name__ in str(remembered.value)
    assert store.redis.get("asked") is None
    wait_until(lambda: answers(store))


@pytest.mark.timeout(20)
def test_of_a_hundred_calls_while_it_hangs_few_wait(hung):
    _, store, _ = hung
    for _ in range(100):
        with pytest.raises(RedisUnavailable):
            store.run(("PING",))


def test_threads_share_what_one_of_them_found(hung):
    _, store, _ = hung
    causes = []

    def ask():
        with pytest.raises(RedisUnavailable) as found:
            store.run(("PING",))
        causes.append(found.value.__cause__)

    ask()
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(causes) == 9
    assert set(map(id, causes)) == {id(causes[0])}


def test_a_new_connection_says_one_word_before_its_first_call(redis):
    redis.config_resetstat()
    store_at(url(redis)).run(("PING",))
    said = {name.removeprefix("cmdstat_") for name in redis.info("commandstats")}
    assert said - {"config|resetstat", "info"} == {"hello", "ping"}


@pytest.fixture
def slowed(redis, monkeypatch):
    """A store beside a thread that gives up the interpreter only after longer than a call may wait, 0.2 s here.

    It has not connected yet, but was made before: reading its scripts would wait for the interpreter at each file.
    """
    monkeypatch.setattr("worker.store.store.SOCKET_TIMEOUT", 0.2)
    store = store_at(url(redis))
    assert store.redis
    ended, before = threading.Event(), sys.getswitchinterval()
    thread = threading.Thread(target=lambda: all(not ended.is_set() for _ in count()))
    sys.setswitchinterval(0.5)
    thread.start()
    yield store
    ended.set()
    sys.setswitchinterval(before)
    thread.join()


def test_a_thread_that_waits_for_the_interpreter_takes_no_server_for_dead(slowed):
    assert slowed.run(("BLPOP", "empty", 0.05)) == [None]


def test_a_command_that_the_server_refuses_is_no_outage(redis):
    store = store_at(url(redis))
    redis.set(store.keys.breaker("alpha"), "no hash")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        permit_of(store)
    redis.delete(store.keys.breaker("alpha"))
    assert permit_of(store)


def test_a_result_from_before_a_flush_is_dropped(redis):
    store = store_at(url(redis))
    permit = permit_of(store)
    redis.flushall()
    assert store.run(a_record(store, permit))[0][0] == 0
    assert not redis.exists(store.keys.breaker("alpha"))


def test_a_permit_of_an_outage_counts_in_no_breaker(redis):
    store = store_at(url(redis))
    permit_of(store)
    assert store.run(a_record(store, Permit("alpha", 0)))[0][0] == 0


def test_a_task_outlives_results_that_expire_sooner_until_it_is_answered(redis):
    store = Store(url(redis), "fallback", PROVIDERS, expires=0.2)
    store.run(lease.begin(store, "task", "mine", 0))
    assert redis.ttl(store.keys.task("task")) == KEEP
    store.run(lease.finish(store, "task", "mine", {}))
    assert redis.ttl(store.keys.result("task")) == 1
    assert redis.ttl(store.keys.task("task")) == lease.OUTCOME_KEPT


def test_every_key_lies_in_one_slot(redis):
    store = store_at(url(redis))
    keys = [
        store.keys.breaker("alpha"),
        store.keys.task("t"),
        store.keys.journal("t"),
        store.keys.probe_slot("alpha", 1),
        store.keys.events,
    ]
    assert {key[: key.index("}") + 1] for key in [*keys, store.keys.probes("alpha")]} == {"{fallback}"}


def test_a_store_made_before_a_fork_is_used_after_it(redis):
    store = store_at(url(redis))
    store.run(("PING",))
    pid = os.fork()
    if not pid:  # the child: prefork pools are made like this
        try:
            store.run(("SET", "from", "child"))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert store.run(("GET", "from")) == ["child"]
