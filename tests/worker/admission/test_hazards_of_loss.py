"""Keys that are lost under a fleet at work: flushed, left behind by a failover, forgotten or kept by a restart."""

from dataclasses import dataclass

import pytest
from redis import Redis

from tasks.local import valkey as valkey_server
from tasks.local.valkey import Valkey
from tests.waiting import wait_until
from tests.worker.admission.asking_process import use
from tests.worker.admission.child_process import ask_all, stop_all
from tests.worker.admission.clocked_breaker import url
from tests.worker.admission.shared_breaker import acquire, events, half_open_permit, look, record, store_with, stored
from tests.worker.store.proxy import Proxy, proxy
from worker.admission import breaker

MINUTE = 60.0


def known(store):
    """Says whether there is a breaker."""
    return store.redis.exists(store.keys.breaker("alpha"))


def life(store):
    """Leads a closed breaker through its states, back to closed; stops in each of them."""
    permit = half_open_permit(store)
    yield look(store)
    record(store, permit, "success")
    record(store, acquire(store), "success")
    yield look(store)


def record_once_back(child, permit, outcome):
    """Returns whether a process's record counted, once the store answers it."""
    replies = []
    wait_until(lambda: replies.append(child.ask("record", permit, outcome)) or replies[-1] != "unavailable")
    return replies[-1]


def assert_none_counts(store, children, permits):
    before = stored(store)
    counted = [record_once_back(child, permit, "failure") for child, permit in zip(children, permits, strict=True)]
    assert counted == [0] * len(counted)
    assert stored(store) == before


def test_flushed_keys_take_no_result_from_before_and_count_each_one_after(eight, redis):
    use(eight, url(redis))
    store = store_with(url(redis))
    early = ask_all(eight, "acquire")
    for child in eight:
        child.send("call_on", "success")
    for _ in range(3):
        wait_until(lambda: known(store) and look(store).consecutive_successes > 20)
        redis.flushall()
    wait_until(lambda: known(store) and look(store).consecutive_successes > 20)
    calls = [call for report in stop_all(eight) for call in report]
    last = look(store)
    assert last.consecutive_successes == sum(
        counted for _, generation, counted in calls if generation == last.generation
    )
    assert len({generation for _, generation, _ in calls}) == 4
    assert_none_counts(store, eight, early)


def test_after_a_flush_the_fleet_learns_anew_that_a_provider_is_dead(eight, redis):
    use(eight, url(redis), cooldown_period=MINUTE)
    assert ask_all(eight, "call_until_refused") != [0] * 8
    redis.flushall()
    assert 5 <= sum(ask_all(eight, "call_until_refused")) <= 5 + 7
    assert len(events(store_with(url(redis)), "circuit-breaker-open")) == 1


@dataclass(frozen=True)
class Pair:
    """A primary, a replica that is fed over `link`, and the one address that the fleet knows them by."""

    primary: Valkey
    replica: Valkey
    link: Proxy
    address: Proxy

    def fail_over(self) -> None:
        """Kills the primary and lets the replica take its place."""
        self.primary.process.kill()
        with Redis(port=self.replica.port) as replica:
            replica.replicaof("NO", "ONE")
        self.address.port = self.replica.port


@pytest.fixture
def pair(fleet):
    primary, replica = (valkey_server.start(fleet, name=name) for name in ("primary", "replica"))
    with proxy(primary.port) as link, proxy(primary.port) as address:
        with Redis(port=primary.port) as first, Redis(port=replica.port) as second:
            first.config_set("repl-diskless-sync-delay", 0)
            second.replicaof("127.0.0.1", link.server_address[1])
            wait_until(lambda: second.info("replication")["master_link_status"] == "up")
        yield Pair(primary, replica, link, address)


def test_a_failover_to_a_lagging_replica_takes_no_result_of_a_lost_generation(eight, pair):
    use(eight, pair.address.url)
    store = store_with(pair.primary.url)
    acquire(store)
    kept = look(store).generation
    assert store.run(("WAIT", 1, 1000)) == [1]  # for the writes of this connection
    pair.link.lose_answers()
    seen = [state.generation for state in life(store)]
    stale = ask_all(eight, "acquire")
    pair.fail_over()
    store = store_with(pair.replica.url)
    assert look(store).generation == kept < seen[0]
    assert_none_counts(store, eight, stale)
    for state in life(store):
        assert state.generation > max(seen)
        seen.append(state.generation)
        assert_none_counts(store, eight, stale)
    assert events(store, "circuit-breaker-open")[0]["failures"] == "5"


def test_processes_at_work_while_the_server_restarts_count_each_call_once(eight, fleet):
    server = valkey_server.start(fleet)
    use(eight, server.url)
    store = store_with(server.url)
    breaker.control(store, "alpha", "closed", by="test")  # which records, and never trips
    for child in eight:
        child.send("call_on", "failure")
    for reached in (20, 40):
        wait_until(lambda reached=reached: look(store).consecutive_failures > reached)
        store.redis.config_set("appendfsync", "always")  # else a slow disk holds back up to 2 s of what was answered
        server.process.restart()
    store = store_with(server.url)
    wait_until(lambda: look(store).consecutive_failures > 60)
    calls = [call for report in stop_all(eight) for call in report]
    recorded = [event["request"] for event in events(store, "request-failure")]
    answered = {request for request, _, counted in calls if counted}
    assert len(set(recorded)) == len(recorded) == look(store).consecutive_failures
    assert answered <= set(recorded) <= {request for request, _, _ in calls}
    assert {store.redis.llen(store.keys.journal(request)) for request in answered} == {1}
