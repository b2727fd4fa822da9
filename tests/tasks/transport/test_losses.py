"""What is lost with workers and connections: nothing, where kombu's own transport loses."""

import os
import random
import signal
from collections.abc import Callable

from tests.length import at_length
from tests.tasks.transport.counted import Counting
from tests.waiting import wait_until

ROUNDS = int(os.environ.get("TRANSPORT_ROUNDS", "1"))
"""By how much more is killed and cut than in the short form; `make transport` has it at 10."""


def kill_idle(counting: Counting, transport: str, rounds: int) -> int:
    """Stops idle workers, queues three numbers for each, kills them; returns how many were asked for."""
    for number in range(rounds):
        worker = counting.worker(f"idle-{number}", transport)
        wait_until(lambda: is_waiting(counting))
        worker.signal(signal.SIGSTOP)
        counting.ask(*range(3 * number, 3 * number + 3))
        worker.kill()
    return 3 * rounds


def is_waiting(counting: Counting) -> bool:
    """Says whether a connection waits for a message: tracking lists on our transport, blocked by BRPOP on kombu's."""
    return any({"t", "b"} & set(client["flags"]) for client in counting.redis.client_list())


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


@at_length
def test_nothing_is_lost_with_workers_that_are_killed_under_load_beside_one_of_kombus(
    counting: Counting, record_property: Callable[[str, object], None]
) -> None:
    workers = [counting.worker(f"ours-{number}") for number in range(2)]
    counting.worker("kombus", "kombu")
    rounds, chance = ROUNDS + 1, random.Random(5)
    for number in range(rounds):
        counting.ask(*range(200 * number, 200 * number + 200), seconds=0.01)
        victim = chance.choice(workers)
        victim.signal(signal.SIGSTOP)
        victim.kill()
        victim.start()
    counting.wait(200 * rounds)
    counting.settle()
    record_property(
        "counted", f"{rounds} kills: {len(counting.begun) - 200 * rounds} of {200 * rounds} begun once more"
    )
    assert set(counting.counted) == set(range(200 * rounds))
