"""Flower's configuration: read-only, without answers, and on this machine alone unless it has a password.

With FLOWER_BASIC_AUTH (`user:password`, or the file that FLOWER_BASIC_AUTH_FILE names) it listens on all addresses.
"""

import os
import sys
from pathlib import Path

from flower.api.tasks import TaskResult
from flower.urls import handlers
from flower.urls import settings as application
from prometheus_client import REGISTRY
from tornado.options import options

from tasks.celery import settings
from tasks.flower.address import is_loopback
from tasks.flower.metrics.fleet import Fleet
from tasks.flower.pages.hour import HOUR
from tasks.flower.pages.routes import TEMPLATES, routes
from tasks.store import store

_secret = os.environ.get("FLOWER_BASIC_AUTH") or ""
if _file := os.environ.get("FLOWER_BASIC_AUTH_FILE"):
    _secret = Path(_file).read_text(encoding="utf-8").strip()

if _secret:
    basic_auth = [_secret]
_guarded = bool(_secret or options.basic_auth or options.auth)
# Flower has already read FLOWER_ADDRESS and --address.
address = options.address or ("0.0.0.0" if _guarded else "127.0.0.1")  # noqa: S104 - behind a password
if not (_guarded or is_loopback(address)):
    print(f"flower: {address} is open to other machines; set FLOWER_BASIC_AUTH=user:password", file=sys.stderr)
    raise SystemExit(2)
port = int(os.environ.get("FLOWER_PORT") or 5555)
read_only = True
max_tasks = 10_000
max_workers = 1_000
REGISTRY.register(Fleet(store(), settings))
handlers.remove((r"/api/task/result/(.+)", TaskResult))  # it returns answers
handlers[:0] = routes()
application["template_loader"] = TEMPLATES
HOUR.start()
