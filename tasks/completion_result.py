"""A producer's view of a completion's result."""

import logging
from typing import Any

from celery.result import AsyncResult
from redis.exceptions import RedisError

from tasks.celery import settings

_log = logging.getLogger(__name__)


class CompletionResult(AsyncResult):
    """Celery's result, which is deleted in Redis once `get` has returned it, if `results.forget_after_get` is set.

    This object still has it: a second `get` returns the same.
    """

    _is_forgotten = False

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the result, or raises the failure; see Celery's."""
        try:
            return super().get(*args, **kwargs)
        finally:
            if settings.results.forget_after_get and self._cache and not self._is_forgotten:
                self._forget()

    def _forget(self) -> None:
        try:
            self.backend.forget(self.id)
            self._is_forgotten = True
        except RedisError as exc:  # the caller has its result
            _log.warning("result-not-forgotten task=%s error=%s", self.id, type(exc).__name__)
