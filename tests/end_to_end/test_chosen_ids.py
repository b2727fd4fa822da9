"""A producer of ours that chooses a task's id: what is queued, and what it asks Redis, before any worker is there."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from redis import Redis

from tasks.local.celery_nodes import ROOT
from tests.end_to_end.command_line import NO_REDIS
from tests.end_to_end.vendors import QUESTION
from worker.store.store import Store
from worker.task.inspection import history

OTHER = {"messages": [{"role": "user", "content": "Something else."}]}
HEAD = f"""
from celery import group
from tasks import complete
from worker.request import CompletionRequest, User

ONE, OTHER, MODEL = {QUESTION!r}, {OTHER!r}, CompletionRequest.model_validate({QUESTION!r})

def queue(request, *args, **options):
    attempt(lambda: complete.apply_async((request, *args), **options))

def attempt(publish):
    try:
        publish()
    except Exception as exc:
        print(type(exc).__name__, " ".join(str(exc).split()))

"""
USED = "InvalidRequest task_id: order-1 was used for another request; each needs an id of its own"
Produce = Callable[..., list[str]]


@pytest.fixture
def produce(environment: dict[str, str]) -> Produce:
    """Runs lines of a producer of ours and returns what they print."""

    def run(*lines: str, **variables: str) -> list[str]:
        ran = subprocess.run(
            [sys.executable, "-c", HEAD + "\n".join(lines)],
            cwd=ROOT,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()

    return run


def queued(redis: Redis) -> int:
    return sum(redis.llen(key) for key in redis.scan_iter("completions*"))


def scripts_run(redis: Redis) -> int:
    """Returns how often a script ran: a producer runs one for nothing else, as the queue takes plain commands."""
    return int(redis.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0))


def test_another_request_is_refused_by_the_id_and_not_queued(produce: Produce, redis: Redis) -> None:
    assert produce("queue(ONE, task_id='order-1')", "queue(OTHER, task_id='order-1')") == [USED]
    assert queued(redis) == 1


def test_it_is_refused_by_any_other_process_too(produce: Produce, redis: Redis) -> None:
    produce("queue(ONE, task_id='order-1')")
    assert produce("queue(OTHER, task_id='order-1')") == [USED]
    assert queued(redis) == 1


def test_the_same_request_is_queued_again_however_it_is_written(produce: Produce, redis: Redis) -> None:
    model = "CompletionRequest(messages=(User(role='user', content='Say hello.'),))"
    forms = ("ONE", "dict(reversed(ONE.items()))", "MODEL", model)
    assert produce(*(f"queue({form}, task_id='order-1')" for form in forms)) == []
    assert queued(redis) == len(forms)


def test_the_same_request_is_queued_again_on_another_chain(produce: Produce, redis: Redis) -> None:
    assert produce("queue(ONE, task_id='order-1')", "queue(ONE, 'low-cost', task_id='order-1')") == []
    assert queued(redis) == 2


def test_another_request_is_refused_however_the_id_is_chosen(produce: Produce, redis: Redis) -> None:
    ways = (
        "complete.s(OTHER).set(task_id='order-1').apply_async()",
        "complete.signature((OTHER,), task_id='order-1').delay()",
        "complete.apply_async(kwargs={'request': OTHER}, task_id='order-1')",
    )
    assert produce("queue(ONE, task_id='order-1')", *(f"attempt(lambda: {way})" for way in ways)) == [USED] * len(ways)
    assert queued(redis) == 1


def test_a_group_is_queued_as_ever(produce: Produce, redis: Redis) -> None:
    assert produce("group(complete.s(ONE), complete.s(OTHER)).apply_async()") == []
    assert queued(redis) == 2


def test_a_bad_request_takes_no_id(produce: Produce, redis: Redis) -> None:
    said = produce(
        "queue({}, task_id='order-1')", "queue(ONE, 'no-such', task_id='order-1')", "queue(OTHER, task_id='order-1')"
    )
    assert [line.split()[0] for line in said] == ["InvalidRequest", "UnknownChain"]
    assert queued(redis) == 1


def test_without_an_id_of_its_own_nothing_is_asked(produce: Produce, redis: Redis) -> None:
    before = scripts_run(redis)
    produce("complete.delay(ONE)", "complete.delay(OTHER)", "queue(ONE, 'low-cost')")
    assert (queued(redis), scripts_run(redis)) == (3, before)


def test_an_id_of_its_own_is_one_question(produce: Produce, redis: Redis) -> None:
    produce("queue(ONE, task_id='order-1')")
    before = scripts_run(redis)  # the first found the scripts not loaded
    produce("queue(OTHER, task_id='order-2')")
    assert scripts_run(redis) == before + 1


@pytest.mark.parametrize("ours", ["'version': 2, 'step': 3", "'replay': 1"])
def test_neither_a_retry_nor_a_replay_asks(produce: Produce, redis: Redis, ours: str) -> None:
    produce("queue(ONE, task_id='order-1')")
    before = scripts_run(redis)
    assert produce(f"queue(OTHER, task_id='order-1', headers={{'fallback': {{{ours}}}}})") == []
    assert (queued(redis), scripts_run(redis)) == (2, before)


def test_without_redis_it_fails_as_one_without_an_id_does(produce: Produce) -> None:
    without, chosen = produce("queue(ONE)", "queue(ONE, task_id='order-1')", **NO_REDIS)
    assert chosen == without


def test_a_producer_that_may_only_queue_does_so(produce: Produce, redis: Redis, redis_url: str) -> None:
    redis.execute_command("ACL SETUSER queuer on >secret allkeys allchannels +@all -evalsha")
    url = redis_url.replace("://", "://queuer:secret@")
    try:
        assert produce("queue(ONE, task_id='order-1')", "queue(OTHER, task_id='order-1')", REDIS_URL=url) == []
    finally:
        redis.acl_deluser("queuer")
    assert queued(redis) == 2


def test_what_nobody_has_begun_stays_unknown(produce: Produce, store: Store) -> None:
    produce("queue(ONE, task_id='order-1')")
    assert history(store, "order-1").state == "unknown"
