"""What is lost with workers and connections: nothing, where kombu's own transport loses."""

import os
import random
import signal

import pytest

from tests.tasks.transport.counted import Counting
from tests.waiting import wait_until

ROUNDS = int(os.environ.get("TRANSPORT_ROUNDS", "1"))
"""How often a worker is killed, or a connection cut, in the short form; `make transport` does more."""


def kill_idle(counting: Counting, transport: str, rounds: int) -> int:
    """Stops idle workers, queues three numbers for each, kills them; returns how many were asked for."""
    for number in range(rounds):
        worker = counting.worker(f"idle-{number}", transport)
        wait_until(lambda: counting.redis.client_list())
        worker.signal(signal.SIGSTOP)
        counting.ask(*range(3 * number, 3 * number + 3))
        worker.kill()
    return 3 * rounds


def test_an_idle_worker_that_is_killed_takes_nothing_with_it(counting: Counting) -> None:
    asked = kill_idle(counting, "ours", ROUNDS)
    counting.worker("last")
    counting.wait(asked)
    assert set(counting.counted) == set(range(asked))


def test_on_kombus_transport_it_does(counting: Counting) -> None:
    asked = kill_idle(counting, "kombu", 1)
    counting.worker("last")
    counting.wait(asked - 1)
    counting.settle()
    assert len(set(counting.counted)) == asked - 1


def test_nothing_is_lost_when_every_connection_is_cut_again_and_again(counting: Counting) -> None:
    worker, asked, cuts = counting.worker("cut"), 300, 8 * ROUNDS
    for number in range(cuts):
        counting.ask(*range(number * asked // cuts, (number + 1) * asked // cuts))
        counting.redis.client_kill_filter(_type="normal", skipme=True)
    counting.wait(asked)
    counting.settle()
    assert worker.running
    assert set(counting.counted) == set(range(asked))


@pytest.mark.parametrize("kinds", [("ours", "ours"), ("ours", "kombu")], ids="-".join)
def test_nothing_is_lost_with_workers_that_are_killed_under_load(counting: Counting, kinds: tuple[str, str]) -> None:
    workers = {f"{kind}-{place}": counting.worker(f"{kind}-{place}", kind) for place, kind in enumerate(kinds)}
    ours = [worker for name, worker in workers.items() if name.startswith("ours")]
    asked, chance = 200 * (ROUNDS + 1), random.Random(5)
    for number in range(ROUNDS + 1):
        counting.ask(*range(200 * number, 200 * number + 200), seconds=0.01)
        victim = chance.choice(ours)
        victim.signal(signal.SIGSTOP)
        victim.kill()
        victim.start()
    counting.wait(asked)
    counting.settle()
    print(f"of {asked} counted more than once: {len(counting.counted) - asked}")
    assert set(counting.counted) == set(range(asked))
