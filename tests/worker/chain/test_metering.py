"""What a completion counts in the process that answers it, and what it costs Redis: nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from config.chains import Chain, Retry
from tests.waiting import wait_until
from tests.worker.admission.clocked_breaker import provider, url
from tests.worker.providers.asking import KEY, request
from worker.chain.delivery import Completion, Continue, Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.errors import ChainExhausted, Revoked
from worker.store.store import Store
from worker.task import lease
from worker.telemetry.metrics.recording import METRICS

NO_RETRY = Chain(name="chain", providers=("alpha", "beta"), retry=Retry(max_retries=0))
PATIENT = Chain(name="chain", providers=("alpha", "beta"), retry=Retry(initial_backoff=0.01, max_backoff=0.01))


class Bed:
    """A store, two vendors, and the counts of this process."""

    def __init__(self, server, llmock):
        prices = {"input_usd": 1.0, "output_usd": 1.0}
        models = {name: {"default": {"name": f"{name}-1", **prices}} for name in NO_RETRY.providers}
        self.providers = {
            name: provider(name, base_url=f"{llmock.url}/v1", api_key=KEY, models=models[name]) for name in models
        }
        self.server, self.store = server, Store(url(server), "fallback", self.providers)
        self.llmock = llmock

    def fail(self, name, times):
        self.llmock.script(
            {"type": "fail", "status": 500, "times": times, "retry_after": 0, "match": {"model": f"{name}-1"}}
        )

    def deliver(self, task_id="", chain=NO_RETRY, **fields):
        delivery = Delivery(task_id or uuid4().hex, request(), Route(chain, self.providers), lambda: None)
        return complete(self.store, delivery) if not fields else complete(self.store, with_fields(delivery, fields))

    def counted(self, *names):
        return {field: number for field, number in METRICS.counts.take().items() if field[0] in names}


def with_fields(delivery, fields):
    return Delivery(**{name: getattr(delivery, name) for name in delivery.__slots__} | fields)


@pytest.fixture
def bed(redis, llmock):
    METRICS.forget()
    yield Bed(redis, llmock)
    METRICS.forget()


def test_an_answer_counts_as_one_completion_one_attempt_one_wait_one_length(bed):
    assert isinstance(bed.deliver(queued_at=time.time() - 7.0), Completion)
    found = METRICS.counts.take()
    assert found["completions", "chain", "answered"] == found["attempts", "alpha", "alpha-1", "success"] == 1
    assert found["queue_wait_seconds", "chain", 10.24] == found["completion_seconds", "chain", 10.24] == 1
    assert 0 < found["overhead_seconds", "sum"] < 2_000_000
    assert found["cost_usd", "alpha", "alpha-1", "chain"] > 0
    assert not [field for field in found if field[0] in ("retries", "failovers", "wasted_cost_usd")]


def test_who_stamps_no_time_waits_for_none(bed):
    bed.deliver()
    assert bed.counted("queue_wait_seconds") == {}


def test_a_failover_counts_once_and_the_provider_that_answered_is_named(bed):
    bed.fail("alpha", 1)
    bed.deliver()
    assert bed.counted("completions", "attempts", "failovers", "retries") == {
        ("completions", "chain", "answered"): 1,
        ("attempts", "alpha", "alpha-1", "transient"): 1,
        ("attempts", "beta", "beta-1", "success"): 1,
        ("failovers", "alpha", "beta", "transient"): 1,
    }


def test_a_retry_is_no_outcome(bed):
    bed.fail("alpha", 1)
    task_id = uuid4().hex
    later = bed.deliver(task_id, PATIENT)
    assert isinstance(later, Continue)
    assert bed.counted("completions", "retries") == {}
    bed.deliver(task_id, PATIENT, step=later.step, remaining=later.remaining)
    assert bed.counted("completions", "retries") == {
        ("completions", "chain", "answered"): 1,
        ("retries", "alpha"): 1,
    }


def test_a_failure_counts_by_its_exception(bed):
    for name in NO_RETRY.providers:
        bed.fail(name, 1)
    with pytest.raises(ChainExhausted):
        bed.deliver()
    assert bed.counted("completions") == {("completions", "chain", "ChainExhausted"): 1}


def test_what_is_delivered_again_counts_once(bed):
    for _ in range(2):
        bed.deliver("task")
    assert bed.counted("completions") == {("completions", "chain", "answered"): 1}


@pytest.mark.parametrize("stored", [{"fallback": {}}, ChainExhausted("no"), Revoked("by its producer")])
def test_a_duplicate_answer_is_waste_and_no_second_completion(bed, stored):
    bed.llmock.script({"type": "delay", "seconds": 0.3, "times": 1, "match": {"model": "alpha-1"}})
    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(bed.deliver, "task")
        wait_until(lambda: not bed.llmock.pending())
        bed.store.run(lease.finish(bed.store, "task", "", stored))
        assert (late.exception() is None) == isinstance(stored, dict)
    found = bed.counted("completions", "cost_usd", "wasted_cost_usd")
    assert found["cost_usd", "alpha", "alpha-1", "chain"] == found["wasted_cost_usd", "alpha", "alpha-1", "chain"] > 0
    assert len(found) == 2


def test_an_answer_costs_two_round_trips_of_four_scripts_and_writes_no_metric(bed):
    bed.deliver()
    bed.server.config_resetstat()
    bed.deliver()
    commands = bed.server.info("commandstats")
    assert (commands["cmdstat_evalsha"]["calls"], "cmdstat_hincrby" in commands) == (4, False)
    assert bed.server.info("stats")["total_reads_processed"] == 2 + 2  # of these questions
    assert not bed.server.exists(bed.store.keys.metrics)
