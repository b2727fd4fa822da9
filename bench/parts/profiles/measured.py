"""Celery's command line in a process that measures the CPU of each area: `python -m bench.parts.profiles.measured ...`.

A sampling profiler would need no list of functions, but is wrong here. With fifty threads that each work for some
microseconds at a time, py-spy 0.4 finds most samples in threads that wait (67 to 90 %), and with --gil the share of an
area between a half and three times of what its threads' CPU clocks say.
"""

import functools
import importlib
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery.__main__ import main

from bench.parts.profiles.areas import functions

WRITE_EVERY = 0.5


class _Thread(threading.local):
    """The CPU of this thread: nanoseconds and calls by area, and the areas that are open."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.open: list[str] = []
        self.since = 0
        _all.append((self.spent, self.calls))


_all: list[tuple[Counter[str], Counter[str]]] = []
_thread = _Thread()


def _measured(function: Callable[..., Any], area: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def measure(*args: Any, **kwargs: Any) -> Any:
        mine, now = _thread, time.thread_time_ns()
        if mine.open:
            mine.spent[mine.open[-1]] += now - mine.since
        mine.open.append(area)
        mine.calls[area] += 1
        mine.since = now
        try:
            return function(*args, **kwargs)
        finally:
            now = time.thread_time_ns()
            mine.spent[area] += now - mine.since
            mine.open.pop()
            mine.since = now

    return measure


def _measure_all() -> None:
    for module, name, area in functions():
        *path, last = name.split(".")
        try:
            owner = functools.reduce(getattr, path, importlib.import_module(module))
            function = vars(owner)[last]
        except (ImportError, AttributeError, KeyError):
            print(f"not measured: {module}:{name}", file=sys.stderr)
        else:
            setattr(owner, last, _measured(function, area))


def _write(path: Path) -> None:
    while True:
        time.sleep(WRITE_EVERY)
        times = os.times()
        spent: Counter[str] = sum((spent.copy() for spent, _ in [*_all]), Counter())
        calls: Counter[str] = sum((calls.copy() for _, calls in [*_all]), Counter())
        state = {"user": times.user, "system": times.system, "spent": spent, "calls": calls}
        path.with_suffix(".new").write_text(json.dumps(state))
        path.with_suffix(".new").replace(path)


if __name__ == "__main__":
    # The application first: importing it sets what the areas' modules find.
    importlib.import_module(sys.argv[sys.argv.index("-A") + 1])
    importlib.import_module("tasks.completion")
    importlib.import_module("tasks.node.consumer")
    _measure_all()
    threading.Thread(target=_write, args=[Path(os.environ["BENCH_AREAS"], f"{os.getpid()}.areas")], daemon=True).start()
    main()
