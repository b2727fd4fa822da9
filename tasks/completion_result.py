"""A producer's view of a completion's result."""

from typing import Any

from celery.result import AsyncResult

from tasks.celery import settings


class CompletionResult(AsyncResult):
    """Celery's result, which is deleted in Redis once `get` has told it, if `results.forget_after_get` says so.

    This object still has it: a second `get` returns the same.
    """

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the result, or raises the failure; see Celery's."""
        try:
            return super().get(*args, **kwargs)
        finally:
            if settings.results.forget_after_get and self._cache:
                self.backend.forget(self.id)
