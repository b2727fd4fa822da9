"""Our transport below a real worker: what it holds, what it survives, in which order it takes."""

from redis import Redis

from tests.tasks.transport.counted import UNACKED, Counting
from tests.waiting import wait_until


def test_a_task_that_outlasts_the_timeout_is_begun_once(counting: Counting) -> None:
    timeout = {"VISIBILITY": "4"}
    counting.worker("first", **timeout)
    counting.ask(1, seconds=7.0)
    counting.worker("second", **timeout)
    counting.wait(1)
    counting.settle()
    assert counting.begun == [1]


def test_tasks_that_outlive_their_connection_are_begun_once_and_keep_their_places(
    counting: Counting, redis: Redis
) -> None:
    worker = counting.worker("cut", VISIBILITY="60")
    counting.ask(*range(3), seconds=8.0)
    wait_until(lambda: len(counting.begun) == 3)
    redis.client_kill_filter(_type="normal", skipme=True)
    wait_until(lambda: worker.output().count("Connected to") == 2)
    counting.ask(*range(3, 7), seconds=0.3)
    held: list[int] = []
    wait_until(lambda: held.append(redis.hlen(UNACKED)) or len(counting.counted) == 7)
    counting.settle()
    assert (max(held), sorted(counting.begun)) == (4, list(range(7)))
    assert sorted(counting.counted[:4]) == [3, 4, 5, 6]  # through the one free place, while the others went on


def test_what_is_no_task_of_ours_neither_ends_a_worker_nor_goes_round(counting: Counting, redis: Redis) -> None:
    worker = counting.worker("hostile")
    redis.lpush("completions", "not JSON {", "{}", '"text"')
    counting.ask_nobody()
    counting.ask(1)
    counting.wait(1)
    counting.settle()
    assert worker.output().count("message-quarantined") == 3
    assert worker.running


def test_the_most_urgent_is_taken_first_however_many_wait(counting: Counting) -> None:
    for priority in (9, 6, 3, 0):
        counting.ask(*range(100 * priority, 100 * priority + 20), priority=priority)
    counting.worker("only", concurrency=1)
    counting.wait(80)
    assert counting.counted == sorted(counting.counted)
