"""A producer in a code base of its own: it has a tasks.py and a config.py, and a worker.py that is none of ours."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CONFIG = "REDIS = {redis_url!r}\n"
_TASKS = """
from celery import Celery

import config

app = Celery("shop", broker=config.REDIS, backend=config.REDIS)
complete = app.signature("fallback.complete", queue="completions", priority=6)
"""
_PRODUCE = """
import json
import sys

import config, tasks, worker

assert not hasattr(worker, "chain")
call = json.load(sys.stdin)
result = tasks.complete.apply_async(tuple(call["args"]), call["kwargs"], **call["options"])
answer = result.get(timeout=60, propagate=False)
if isinstance(answer, Exception):
    answer = {"class": type(answer).__name__, "message": str(answer), "args": len(answer.args)}
print(json.dumps({"answer": answer, "tasks": tasks.__file__, "config": config.__file__}))
"""


class Elsewhere:
    """The folder of that code base."""

    def __init__(self, folder: Path, environment: Mapping[str, str], redis_url: str) -> None:
        self.folder = folder
        self._environment = dict(environment)
        files = {"config": _CONFIG.format(redis_url=redis_url), "tasks": _TASKS, "produce": _PRODUCE, "worker": ""}
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")

    def produce(self, *args: Any, options: Mapping[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
        """Queues a completion there and returns what that process says of it.

        `answer` is the result, or a failure's `class`, `message` and number of `args`; `tasks` and `config` are the
        files that these names stand for there.
        """
        ran = subprocess.run(
            [sys.executable, "produce.py"],
            cwd=self.folder,
            env=self._environment,
            input=json.dumps({"args": args, "kwargs": kwargs, "options": dict(options or {})}),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        said: dict[str, Any] = json.loads(ran.stdout)
        return said
