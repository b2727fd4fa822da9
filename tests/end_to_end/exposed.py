"""What a fleet shows and keeps: each place by its name, with all that stands there."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
from celery import Celery
from redis import Redis

from tasks.flower.pages.views import VIEWS
from tasks.local.fleet import Fleet
from tests.waiting import wait_until

BODIES = {
    "messages": (
        "completions",
        *(f"{{fallback}}:2:{name}" for name in ("unacked", "parked", "scheduled", "quarantine")),
    ),
    "results": ("celery-task-meta-",),
    "request": ("{fallback}:2:dead_letters:",),
}
"""The only places of Redis where prompts and answers may stand: messages in the queue, in hand, parked, scheduled and
put aside; Celery's result; the field `request` of one that failed for good."""


class Listener:
    """Every event that Celery sends, as text; it listens in a thread until it is closed."""

    def __init__(self, app: Celery) -> None:
        self.heard: list[str] = []
        self._connection = app.connection_for_read()
        self._receiver = app.events.Receiver(self._connection, handlers={"*": self._note})
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_until(lambda: self.heard)  # it asks the workers for a sign of life

    def _listen(self) -> None:
        for _ in self._receiver.consume(limit=None):
            pass

    def _note(self, event: dict[str, Any]) -> None:
        self.heard.append(json.dumps(event, default=str))

    def close(self) -> None:
        self._receiver.should_stop = True
        self._thread.join(10)
        self._connection.release()


def of_logs(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Yields what each process wrote, and its command line as `ps` shows it."""
    for process in fleet.processes:
        yield f"log of {process.name}", process.log.read_text("utf-8", "replace")
        found = psutil.Process(process.pid)
        commands = [" ".join(each.cmdline()) for each in (found, *found.children(recursive=True))]
        yield f"ps of {process.name}", "\n".join(commands)


def of_inspect(app: Celery, ids: list[str], workers: int) -> Iterator[tuple[str, str]]:
    """Yields what each question of `celery inspect` is answered."""
    inspect = app.control.inspect(timeout=5.0, limit=workers)
    names = ["active", "reserved", "scheduled", "revoked", "stats", "conf", "report", "registered", "active_queues"]
    for name in names:
        yield f"inspect {name}", json.dumps(getattr(inspect, name)(), default=str)
    yield "inspect query_task", json.dumps(inspect.query_task(ids), default=str)


def of_flower(flower: httpx.Client, ids: list[str], workers: list[str]) -> Iterator[tuple[str, str]]:
    """Yields Flower's pages, and all that its interface gives away."""
    table = {"draw": "1", "start": "0", "length": "100", "search[value]": "", "columns[0][data]": "name"}
    table |= {"order[0][column]": "0", "order[0][dir]": "asc"}
    yield "Flower /tasks/datatable", flower.post("/tasks/datatable", data=table).raise_for_status().text
    paths = [
        "/",
        "/tasks",
        "/workers",
        "/broker",
        "/metrics",
        "/api/tasks",
        "/api/workers?refresh=1",
        "/api/task/types",
        *(f"/fallback/{view.name}" for view in VIEWS if not view.has_subject),
    ]
    # A worker publishes its events twice a second.
    wait_until(lambda: all(flower.get(f"/task/{task_id}").is_success for task_id in ids))
    paths += ["/api/queues/length", *(f"/task/{task_id}" for task_id in ids), *(f"/worker/{name}" for name in workers)]
    paths += [f"/fallback/completion/{task_id}" for task_id in ids]
    for path in (*paths, *(f"/api/task/info/{task_id}" for task_id in ids)):
        yield f"Flower {path}", flower.get(path).raise_for_status().text
    for task_id in ids:
        yield f"Flower /api/task/result/{task_id}", flower.get(f"/api/task/result/{task_id}").text


def of_redis(redis: Redis) -> Iterator[tuple[str, str]]:
    """Yields each key with what it holds, but for the bodies that are named above."""
    for key in redis.scan_iter(count=1_000):
        yield f"Redis {key}", f"{key} {json.dumps(_content(redis, key), default=str)}"


def _content(redis: Redis, key: str) -> Any:
    if key.startswith(BODIES["messages"]) or key.endswith(":window"):  # a breaker's window is bytes: no text
        return None
    match redis.type(key):
        case "hash":
            hidden = "request" if key.startswith(BODIES["request"]) else None
            return {field: value for field, value in _hash(redis, key).items() if field != hidden}
        case "list":
            return redis.lrange(key, 0, -1)
        case "set":
            return sorted(redis.smembers(key))
        case "zset":
            return redis.zrange(key, 0, -1, withscores=True)
        case "stream":
            return redis.xrange(key)
    text = str(redis.get(key))
    return None if key.startswith(BODIES["results"]) and json.loads(text)["status"] == "SUCCESS" else text


def _hash(redis: Redis, key: str) -> dict[str, str]:
    found: Any = redis.hgetall(key)
    return dict(found)


def of_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields what else the processes wrote beside their logs, but for Redis's own file."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".log" and "appendonly" not in str(path):
            yield f"file {path.name}", path.read_text("utf-8", "replace")
