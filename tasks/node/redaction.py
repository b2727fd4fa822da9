"""Keeps prompts and answers out of events, `inspect`, Flower and logs, and Redis's password out of logs."""

import logging
from typing import Any
from urllib.parse import unquote, urlsplit

from celery.worker.consumer import consumer
from celery.worker.request import Request

from tasks.celery import settings
from tasks.headers import HIDDEN


class Redacted(Request):
    """A task message whose arguments are hidden; a by-name producer sends them as text, too, in `argsrepr`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._argsrepr = self._kwargsrepr = HIDDEN
        self._request_dict["argsrepr"] = self._request_dict["kwargsrepr"] = HIDDEN

    def info(self, safe: bool = False) -> dict[str, Any]:
        """Returns what `inspect` shows, always without arguments."""
        shown: dict[str, Any] = super().info(safe=True)
        return shown


_DUMPING = ("celery.worker.consumer.consumer", "celery.pool", "kombu.transport.redis", "kombu.transport.virtual.base")


class _WithoutBody(logging.Filter):
    """Removes the message body from the lines that Celery logs for an unusable message."""

    dumps = (
        consumer.UNKNOWN_FORMAT,
        consumer.UNKNOWN_TASK_ERROR,
        consumer.INVALID_TASK_ERROR,
        consumer.MESSAGE_DECODE_ERROR,
        "Could not restore message: %r",
        "TaskPool: Apply %s (args:%s kwargs:%s)",
    )

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, str) and record.msg in self.dumps:
            record.msg, record.args, record.exc_info = record.msg.strip().partition("\n")[0].split("%")[0], (), None
        return True


class _WithoutPassword(logging.Filter):
    """Hides Redis's password: a server that does not know HELLO repeats its arguments in the error."""

    def __init__(self, password: str) -> None:
        super().__init__()
        self._password = password

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if self._password in text:
            record.msg, record.args, record.exc_info = text.replace(self._password, HIDDEN), (), None
        return True


def guard_logs() -> None:
    """Installs the filters that keep message bodies and Redis's password out of the log."""
    for name in _DUMPING:
        logging.getLogger(name).addFilter(_WithoutBody())
    if password := unquote(urlsplit(settings.redis_url).password or ""):
        for name in ("celery.worker.consumer.consumer", "celery.beat"):
            logging.getLogger(name).addFilter(_WithoutPassword(password))
