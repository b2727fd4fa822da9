"""Groups of parked completions on a real server, with the time set by the test."""

import json

from config.limits import Limits
from tests.worker.admission.clocked_breaker import MINUTE, T0, ClockedBreaker
from worker.task.parking import ParkUntil, UnackedMessage, park, release

TICK = 100
MOST = 50
LATER = T0 + 10 * MINUTE
LISTS = ("completions", "completions:3", "completions:6", "completions:9")

NO_LIMITS = Limits()


class ParkingLot:
    """Completions that are parked for providers of a breaker's chain, in the order in which they came."""

    def __init__(self, server, limits=NO_LIMITS):
        self.breaker = ClockedBreaker(server, limits=limits)
        self.server, self.store = server, self.breaker.store

    def hand(self, tag, message="{}", age=0.0):
        """Gives a message to a worker, as kombu does."""
        self.server.hset("unacked", tag, f'[{message}, "completions", "completions"]')
        self.server.zadd("unacked_index", {tag: age})
        return UnackedMessage("unacked", "unacked_index", tag)

    def park(self, name, *providers, priority=6, deadline=LATER, message=None):
        until = ParkUntil(providers or ("alpha",), priority, deadline / 1000, "patient")
        message = json.dumps(name) if message is None else message
        return park(self.store, name, until, self.hand(f"tag-{name}", message))

    def fill(self, number, *providers, **fields):
        for i in range(number):
            self.park(f"{fields.get('priority', 6)}-{i}", *providers, **fields)
            self.breaker.after(1)

    def release(self):
        return release(self.store, "unacked_index", LISTS)

    def tick(self):
        """Releases once the next tick has come, and returns who left."""
        self.breaker.after(TICK)
        self.release()
        return self.left()

    def left(self):
        """Takes the messages out of the queue's lists and returns them, in the order in which a worker would."""
        messages = []
        for each in LISTS:
            while (message := self.server.rpop(each)) is not None:
                messages.append(json.loads(message))
        return messages

    def answer(self, times, name="alpha"):
        for _ in range(times):
            self.breaker.call("success", name=name)

    def widen(self, width):
        """Lets the first provider answer until its window is so wide, while the workers have their hands full."""
        for i in range(100):
            self.hand(f"full-{i}")
        for _ in range(width - 1):
            self.answer(2)
            self.tick()
        self.server.delete("unacked", "unacked_index")
