"""A producer of ours goes by the clock of Redis, and refuses a time that is none."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from redis import Redis

from tasks.local.celery_nodes import ROOT
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.tasks.transport.test_clock import faked
from tests.waiting import wait_until
from worker.store.keys import Keys

HEAD = f"""
import datetime as dt, sys, time
from tasks import complete
from worker.errors import TaskFailed

def queue(**options):
    try:
        complete.apply_async(({QUESTION!r},), **options)
    except TaskFailed as exc:
        print(f"{{type(exc).__name__}} {{exc}}")

"""
SECONDS = "countdown: must be a finite number of seconds"
BAD = [
    ("countdown=float('nan')", SECONDS),
    ("countdown=float('inf')", SECONDS),
    ("countdown='60'", SECONDS),
    ("countdown=True", SECONDS),
    ("countdown=367 * 86_400", "countdown: must be at most 366 days from now"),
    ("countdown=10**400", SECONDS),
    ("countdown=-1e9", "countdown: must not be more than a day ago"),
    ("eta=60", "eta: must be a datetime"),
    ("eta='tomorrow'", "eta: must be a datetime"),
    ("eta=dt.date.today()", "eta: must be a datetime"),
    ("eta=dt.datetime.max", "eta: must be at most 366 days from now"),
    ("eta=dt.datetime(1970, 1, 1)", "eta: must not be more than a day ago"),
]
Produce = Callable[..., list[str]]


@pytest.fixture
def produce(environment: dict[str, str]) -> Produce:
    """Runs lines of a producer of ours and returns what they print."""

    def run(*lines: str, **variables: str) -> list[str]:
        return produced(environment | variables, *lines)

    return run


def produced(environment: Mapping[str, str], *lines: str) -> list[str]:
    program = HEAD + "\n".join(lines)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def queued(redis: Redis) -> int:
    return sum(redis.llen(key) for key in redis.scan_iter("completions*"))


def headers(redis: Redis) -> dict[str, object]:
    """Returns the headers of the one message that is queued."""
    found: dict[str, object] = json.loads(redis.lindex("completions\x06\x166", 0))["headers"]
    return found


def test_a_time_that_is_none_is_refused_and_not_queued(produce: Produce, redis: Redis) -> None:
    assert produce(*(f"queue({option})" for option, _ in BAD)) == [f"InvalidRequest {reason}" for _, reason in BAD]
    assert queued(redis) == 0


@pytest.mark.parametrize("option", ["countdown=0", "countdown=-5", "eta='2026-01-01'", "eta=None"])
def test_what_is_past_is_due_now(produce: Produce, redis: Redis, option: str) -> None:
    option = option.replace("'2026-01-01'", "dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)")
    before = time.time()
    assert produce(f"queue({option})") == []
    found = headers(redis)
    assert found["eta"] is None
    assert before <= found["fallback"]["queued_at"] <= time.time()


def test_the_stamps_of_a_message_begin_when_it_is_due(produce: Produce, redis: Redis) -> None:
    before = time.time()
    assert produce("queue(countdown=3600)") == []
    found = headers(redis)
    ours = found["fallback"]
    assert datetime.fromisoformat(str(found["eta"])).timestamp() == pytest.approx(ours["queued_at"], abs=0.001)
    assert before + 3600 <= ours["queued_at"] <= time.time() + 3600
    assert ours["deadline_at"] == ours["queued_at"] + 600


def test_a_claimed_id_lives_until_it_is_due(produce: Produce, redis: Redis) -> None:
    key = Keys("fallback").task("order-1")
    produce("queue(task_id='order-1', countdown=30 * 86_400)", "queue(task_id='order-1')")
    assert redis.ttl(key) > 30 * 86_400


def test_redis_is_asked_for_the_time_once(produce: Produce, redis: Redis) -> None:
    def asked() -> int:
        return int(redis.info("commandstats").get("cmdstat_time", {}).get("calls", 0))

    before = asked()
    produce("queue()", "queue(countdown=60)", "queue()")
    assert asked() == before + 1


def test_a_redis_user_that_may_not_ask_queues_all_the_same(produce: Produce, redis: Redis) -> None:
    redis.acl_setuser("blind", enabled=True, nopass=True, keys=["*"], channels=["*"], commands=["+@all", "-time"])
    try:
        url = redis.connection_pool.connection_kwargs
        address = f"redis://blind:any@{url['host']}:{url['port']}/0"
        assert produce("queue(countdown=60)", REDIS_URL=address) == []
        assert queued(redis) == 1
        assert [entry["object"] for entry in redis.acl_log()].count("time") == 1
    finally:
        redis.acl_deluser("blind")


@pytest.mark.tools
@pytest.mark.parametrize("offset", ["+3600", "-3600"])
def test_a_producer_whose_clock_is_wrong_means_the_same_instant(shared_setup: LocalSetup, offset: str) -> None:
    environment = {**shared_setup.fleet.environment, **shared_setup.environment, **faked(), "FAKETIME": offset}
    request = {**QUESTION, "timeout": 5.0}
    [task_id] = produced(environment, f"print(complete.apply_async(({request!r},), countdown=3).id)")
    assert shared_setup.app.AsyncResult(task_id).get(timeout=30)["fallback"]["elapsed_ms"] < 3000


@pytest.mark.tools
def test_a_worker_whose_clock_is_ahead_does_not_start_it_early(celery_setup: LocalSetup, worker: LocalNode) -> None:
    # It still releases what is due: libfaketime stretches the waits of the other one's thread.
    celery_setup.app.control.cancel_consumer("completions", destination=[worker.hostname()], reply=True)
    celery_setup.start_worker("ahead", faked() | {"FAKETIME": "+1.5"})
    due = float(round(time.time() + 4))  # Redis counts in milliseconds
    report = celery_setup.complete(QUESTION, eta=datetime.fromtimestamp(due, UTC)).get(timeout=30)["fallback"]
    assert report["attempts"][0]["at"] >= due
    wait_until(lambda: not celery_setup.store.redis.exists("{fallback}:2:unacked"))
