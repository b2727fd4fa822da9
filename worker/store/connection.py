"""Keeps a connection to Redis for each thread, without redis-py's client in between.

For each command the client takes a connection out of a pool, updates its metrics, and puts it back. With redis-py 8.1
that is 57 of the 88 us of CPU of a PING on one thread, and it takes a lock that all threads share.
"""

import os
import threading
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

Command = tuple[str | bytes | int | float, ...]
"""A Redis command with its arguments, as redis-py sends it."""


class Connections(threading.local):
    """This thread's connection, with the client's settings. It opens at the first call and after a failure."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._callbacks: dict[Any, Any] = client.response_callbacks  # redis-py types them as taking no argument
        self._opened_by = 0
        self._connection: Any = None  # redis-py has no type for it

    def send(self, commands: Sequence[Command], *, raw: bool = False) -> list[Any]:
        """Sends the commands together and returns their replies; an error reply is returned as an exception.

        Raises:
            redis.exceptions.ConnectionError: the server is gone.
            redis.exceptions.TimeoutError: it did not answer in time.
        """
        connection = self._ready()
        try:
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [self._reply(connection, command, raw=raw) for command in commands]
        except BaseException:
            connection.disconnect()  # else the next call would read this one's replies
            raise

    def close(self) -> None:
        """Closes this thread's connection and the client. Other threads' connections close when their threads end."""
        if self._connection:
            self._connection.disconnect()
        self._client.close()

    def _ready(self) -> Any:
        if self._opened_by != os.getpid():  # a forked child must not use its parent's connection
            self._connection, self._opened_by = self._client.connection_pool.make_connection(), os.getpid()
        connection = self._connection
        connection.connect()
        try:
            stale = connection.can_read(0)
        except (RedisConnectionError, RedisTimeoutError, OSError):
            stale = True
        if stale:  # the server closed it while it was idle
            connection.disconnect()
            connection.connect()
        return connection

    def _reply(self, connection: Any, command: Command, *, raw: bool) -> Any:
        try:
            reply = connection.read_response(disable_decoding=raw)
        except ResponseError as exc:
            return exc
        callback = self._callbacks.get(command[0])
        return callback(reply) if callback and not raw else reply
