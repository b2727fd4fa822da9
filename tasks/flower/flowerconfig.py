"""Flower's configuration: read-only, without answers, on this machine alone unless a password guards it.

FLOWER_BASIC_AUTH (`user:password`, or the file named by FLOWER_BASIC_AUTH_FILE) opens it to other machines.
"""

import os
from pathlib import Path

from flower.api.tasks import TaskResult
from flower.urls import handlers
from prometheus_client import REGISTRY

from tasks.flower.metrics import Fleet

_secret = os.environ.get("FLOWER_BASIC_AUTH") or ""
if _file := os.environ.get("FLOWER_BASIC_AUTH_FILE"):
    _secret = Path(_file).read_text(encoding="utf-8").strip()

if _secret:
    basic_auth = [_secret]
address = os.environ.get("FLOWER_ADDRESS") or ("0.0.0.0" if _secret else "127.0.0.1")  # noqa: S104 - behind a password
port = int(os.environ.get("FLOWER_PORT") or 5555)
read_only = True
max_tasks = 10_000
max_workers = 1_000
REGISTRY.register(Fleet())
handlers.remove((r"/api/task/result/(.+)", TaskResult))  # it hands out answers
