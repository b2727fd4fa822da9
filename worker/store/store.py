"""The shared store: one Redis client; `run` is a round trip."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from config.alerts import Receiver
from config.providers import Provider
from worker.errors import RedisFull, RedisUnavailable
from worker.store.availability import Outage
from worker.store.client import client, is_full, refuses_writes
from worker.store.connection import Command, Connections
from worker.store.keys import Keys
from worker.store.scripts import NO_ALERTS, lua, scripts

SOCKET_TIMEOUT = 2.0
"""Seconds that one call may wait. By default redis-py still blocks after 45 s.

At 1 s or less a busy worker can take its own slow scheduling for an outage: docs/benchmarks/redis-outage.md.
"""

KEEP = 86_400
"""Seconds that the keys of an unanswered task are kept after their last write: the longest that a task may take."""


def _unavailable_error(cause: Exception) -> RedisUnavailable:
    if is_full(cause):
        return RedisFull("Redis is full: raise its maxmemory")
    return RedisUnavailable(f"Redis is unavailable ({type(cause).__name__})")


def epoch(time_reply: Sequence[int]) -> float:
    """Returns the epoch in seconds in a reply of `TIME`."""
    seconds, micros = time_reply
    return int(seconds) + int(micros) / 1_000_000


class Store:
    """One process's access to the shared store. Many threads may call its methods.

    1. A call waits for at most about `SOCKET_TIMEOUT`.
    2. A call is never sent twice: a lost record is harmless, a double one is not.
    3. During a Redis outage one call per `RECONNECT_EVERY` tries; the others raise at once.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        providers: Mapping[str, Provider],
        *,
        expires: float = 86_400.0,
        max_dead_letters: int = 10_000,
        alerts: Mapping[str, Receiver] = NO_ALERTS,
        part: Callable[[str], str] = lua,
    ) -> None:
        """Connects at the first call.

        Args:
            url: as for `client`.
            namespace: the prefix of every key.
            providers: those whose breakers this store serves.
            expires: seconds that a task's outcome is kept.
            max_dead_letters: how many dead letters are kept.
            alerts: the receivers of alerts.
            part: see `scripts`.
        """
        self._url = url
        self.keys = Keys(namespace)
        self._scripts = scripts(providers, alerts, part)
        self.outage = Outage()
        self.expires = math.ceil(expires)  # EXPIRE with 0 deletes
        self.max_dead_letters = max_dead_letters

    @cached_property
    def _connections(self) -> Connections:
        return Connections(self.redis)

    @cached_property
    def redis(self) -> Redis:
        """The client; it decodes answers."""
        return client(self._url, SOCKET_TIMEOUT)

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def script(self, name: str, keys: Sequence[str], *args: str | bytes | int | float) -> Command:
        """Returns the command that runs a script by its SHA."""
        return ("EVALSHA", self._scripts[name].sha, len(keys), *keys, *args)

    def run(self, *commands: Command, raw: bool = False) -> list[Any]:
        """Sends the commands in one round trip and returns their replies, as bytes if `raw`.

        Scripts that the server does not know, as after a restart, are loaded, and only they are sent again.

        Raises:
            RedisUnavailable: the server could not be reached, did not answer in time, or refuses every write; or there
                is an outage, and it is not time to try again.
            redis.exceptions.ResponseError: the server refused a command.
        """
        if cause := self.outage.refusal():
            raise _unavailable_error(cause) from cause
        asked_at = time.monotonic()
        try:
            replies = self._connections.send(commands, raw=raw)
            unknown = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if unknown:
                self._load()
                again = self._connections.send([commands[i] for i in unknown])
                for i, reply in zip(unknown, again, strict=True):
                    replies[i] = reply
        except (RedisConnectionError, RedisTimeoutError, OSError) as exc:
            self.outage.failed(asked_at, exc)
            raise _unavailable_error(exc) from exc
        self.outage.answered(asked_at)
        for reply in replies:
            if isinstance(reply, Exception) and refuses_writes(reply):
                raise _unavailable_error(reply) from reply
            if isinstance(reply, Exception):
                raise reply
        return replies

    def time(self) -> float:
        """Returns the epoch in seconds by the clock of Redis.

        Raises:
            RedisUnavailable: the server did not answer.
        """
        return epoch(self.run(("TIME",))[0])

    def _load(self) -> None:
        # All in one transaction: else another pipeline could find its second script loaded and its first not yet.
        loads = [("SCRIPT", "LOAD", script.text) for script in self._scripts.values()]
        *_, done = self._connections.send([("MULTI",), *loads, ("EXEC",)])
        if isinstance(done, Exception):  # a full Redis 7.0 refuses MULTI, and what only reads may still run
            self._connections.send(loads)
