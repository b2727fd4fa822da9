"""What became of tasks, as Celery's result backend has it, and what is left of their messages."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from tests.waiting import wait_until

SERVED = "served"
_CHUNK = 500


@dataclass(frozen=True)
class Outcome:
    """`kind` is `served` or the class of the failure, `text` its message."""

    kind: str
    text: str = ""


def awaited(redis: Redis, ids: Sequence[str], seconds: float = 60.0) -> dict[str, Outcome]:
    """Returns the outcome of each, as soon as all have one; fails the test if they have not in time."""
    missing, found = list(ids), {}

    def all_there() -> bool:
        stored = _stored(redis, missing)
        found.update({task_id: _outcome(text) for task_id, text in stored.items()})
        missing[:] = [task_id for task_id in missing if task_id not in found]
        return not missing

    try:
        wait_until(all_there, seconds)
    except AssertionError as exc:
        raise AssertionError(f"{len(missing)} of {len(ids)} without an outcome: {missing[:3]}") from exc
    return found


def left(redis: Redis) -> dict[str, int]:
    """Returns how many messages stand in which of Celery's keys."""
    lists = {key: redis.llen(key) for key in redis.scan_iter("completions*")}
    held: Any = redis.hlen("{fallback}:2:unacked")
    return {key: count for key, count in {**lists, "{fallback}:2:unacked": held}.items() if count}


def counted(outcomes: Iterable[Outcome]) -> str:
    """Returns how many there are of each kind, as a line."""
    return ", ".join(f"{kind} {count:,}" for kind, count in Counter(each.kind for each in outcomes).most_common())


def _stored(redis: Redis, ids: Sequence[str]) -> dict[str, str]:
    found = {}
    for at in range(0, len(ids), _CHUNK):
        some = ids[at : at + _CHUNK]
        texts = redis.mget([f"celery-task-meta-{task_id}" for task_id in some])
        found.update({task_id: text for task_id, text in zip(some, texts, strict=True) if _is_final(text)})
    return found


def _is_final(text: str | None) -> bool:
    return text is not None and json.loads(text)["status"] != "RETRY"


def _outcome(text: str) -> Outcome:
    meta = json.loads(text)
    if meta["status"] == "SUCCESS":
        return Outcome(SERVED)
    result = meta["result"]
    if not isinstance(result, dict) or "exc_type" not in result:
        return Outcome(meta["status"])
    return Outcome(result["exc_type"], " ".join(map(str, result["exc_message"])))
