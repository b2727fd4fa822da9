"""Shares a few connections to Redis among all threads of a process, without redis-py's client in between.

1. A thread that finds a connection free sends its commands at once.
2. Threads that find none leave their commands. Whoever gets the next connection sends the commands of all of them, and
   hands out the replies. So the wait does not grow with the number of threads, and the more there is to send, the
   fewer packets it takes.
3. If a connection fails, whoever waits fails with it: nobody waits for a server that has just not answered.

For each command redis-py's client takes a connection out of a pool, updates its metrics, and puts it back. With
redis-py 8.1 that is 57 of the 88 us of CPU of a PING on one thread.
"""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

Command = tuple[str | bytes | int | float, ...]
"""A Redis command with its arguments, each word of its name for itself."""

CONNECTIONS = 4
"""Connections per process: with several, a call need not wait for the round trip of another."""

LEAST = 0.5
"""Seconds that a call may wait for its reply at least, however long it has waited for a connection."""

_pack: Any = pack_command  # its stub takes a tuple of one

_INTERRUPTED = "the thread that was to send the commands was interrupted"


class Connections:
    """The connections of this process, with the client's settings. Each opens at its first use and after a failure."""

    def __init__(self, client: Redis, number: int = CONNECTIONS) -> None:
        self._client = client
        self._number = number
        self._callbacks: dict[Any, Any] = client.response_callbacks  # redis-py types them as taking no argument
        self._shared = _Shared(client, number)

    def send(self, commands: Sequence[Command], *, raw: bool = False) -> list[Any]:
        """Sends the commands together and returns their replies; an error reply is returned as an exception.

        Raises:
            redis.exceptions.ConnectionError: the server is gone.
            redis.exceptions.TimeoutError: it did not answer in time.
        """
        if self._shared.owner != os.getpid():  # a forked child must not use its parent's connections
            self._shared = _Shared(self._client, self._number)
        call = _Call(commands, b"".join(map(_pack, commands)), raw=raw)
        self._shared.make(call)
        if call.error is not None:
            raise call.error
        return call.replies if raw else [self._converted(*pair) for pair in zip(commands, call.replies, strict=True)]

    def close(self) -> None:
        """Closes the connections that are not in use, and the client."""
        self._shared.close()
        self._client.close()

    def _converted(self, command: Command, reply: Any) -> Any:
        callback = self._callbacks.get(command[0])
        return callback(reply) if callback and not isinstance(reply, Exception) else reply


class _Call:
    """Commands of one thread, and what became of them.

    Attributes:
        replies: one per command.
        error: why there are none.
        turn: released when the call has ended, or when its thread is to send `batch` over `connection`.
    """

    __slots__ = ("asked_at", "batch", "connection", "error", "packed", "raw", "replies", "size", "turn")

    def __init__(self, commands: Sequence[Command], packed: bytes, *, raw: bool) -> None:
        self.packed, self.size, self.raw = packed, len(commands), raw
        self.asked_at = time.monotonic()
        self.replies: list[Any] = []
        self.error: Exception | None = None
        self.turn: Any = None
        self.connection: Any = None  # redis-py has no type for it
        self.batch: list[_Call] = [self]


class _Shared:
    """The connections of one process, and the calls that wait for one."""

    def __init__(self, client: Redis, number: int) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[Any] = [client.connection_pool.make_connection() for _ in range(number)]
        self._waiting: list[_Call] = []

    def make(self, call: _Call) -> None:
        """Makes a call, or waits while another thread makes it; then it has its replies or its error."""
        with self._lock:
            if self._idle:
                call.connection = self._idle.pop()
            else:
                call.turn = threading.Lock()
                call.turn.acquire()
                self._waiting.append(call)
        if call.turn:
            self._wait(call)
        if call.connection:
            self._lead(call)
        call.batch = []  # it held the call itself, which would keep the replies until the next garbage collection

    def _wait(self, call: _Call) -> None:
        """Waits for a call's turn. One that is interrupted meanwhile hands on what it was given."""
        try:
            call.turn.acquire()
        except BaseException:
            with self._lock:
                if call in self._waiting:
                    self._waiting.remove(call)
            if call.connection:
                self._end(call, call.connection, RedisConnectionError(_INTERRUPTED))
            raise

    def close(self) -> None:
        """Closes the connections that are not in use."""
        with self._lock:
            for connection in self._idle:
                connection.disconnect()

    def _lead(self, call: _Call) -> None:
        """Sends the batch of a call that has a connection, and hands the connection on."""
        connection, error = call.connection, None
        try:
            _exchange(connection, call.batch)
        except Exception as exc:  # noqa: BLE001 - it is raised in each thread whose call was sent
            error = exc
        except BaseException:
            error = RedisConnectionError(_INTERRUPTED)
            raise
        finally:
            self._end(call, connection, error)

    def _end(self, call: _Call, connection: Any, error: Exception | None) -> None:
        """Lets the calls of a batch return; the connection is for the calls that wait, or idle."""
        if error is not None:
            connection.disconnect()  # else the next call would read this one's replies
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if error is not None or not waiting:
                self._idle.append(connection)
            else:
                waiting[0].connection, waiting[0].batch = connection, waiting
        ended = call.batch
        if error is not None:
            ended = ended + waiting
            for each in ended:
                if len(each.replies) < each.size:
                    each.error = error
        elif waiting:
            waiting[0].turn.release()
        for each in ended:
            if each is not call:
                each.turn.release()


def _exchange(connection: Any, batch: list[_Call]) -> None:
    """Sends the calls of a batch, the oldest first, and sets their replies."""
    _make_ready(connection)
    waited = time.monotonic() - batch[0].asked_at
    packed = batch[0].packed if len(batch) == 1 else b"".join(call.packed for call in batch)
    connection.send_packed_command([packed], check_health=False)
    limit = {} if waited < LEAST else {"timeout": max(connection.socket_timeout - waited, LEAST)}
    for call in batch:
        for _ in range(call.size):
            call.replies.append(_reply(connection, call.raw, limit))


def _make_ready(connection: Any) -> None:
    if not connection.is_connected:  # connect() would check this itself, but only within its retries
        connection.connect()
    try:
        stale = connection.can_read(0)
    except (RedisConnectionError, RedisTimeoutError, OSError):
        stale = True
    if stale:  # the server closed it while it was idle
        connection.disconnect()
        connection.connect()


def _reply(connection: Any, raw: bool, limit: dict[str, float]) -> Any:
    try:
        return connection.read_response(disable_decoding=raw, **limit)
    except ResponseError as exc:
        return exc
