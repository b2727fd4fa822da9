"""Celery's result backends, for many threads on few connections; a completion's result they leave to its script."""

from typing import Any

from celery import states
from celery.backends import redis

from tasks.node.result_consumer import ResultConsumer
from tasks.store import store
from worker.errors import RedisUnavailable
from worker.store.blocking_pool import blocking
from worker.store.client import refuses_writes
from worker.store.connection import Command

CONNECTIONS = 4
"""Connections of a process to store and read results; in a producer one of them is the subscription."""


class RedisBackend(redis.RedisBackend):
    """Celery's backend on a bounded pool.

    1. It stores nothing of a completion that the script has settled; where Redis did not take it, it runs the script.
    2. It stores no state of a retry, which would be one more write and could overwrite the outcome.
    3. It also retries a write that Redis refuses for the moment.
    """

    ResultConsumer = ResultConsumer

    def _get_pool(self, **params: Any) -> Any:
        return blocking(super()._get_pool(**params), CONNECTIONS)

    def exception_safe_to_retry(self, exc: Exception) -> bool:
        """Returns whether to retry after this error."""
        return isinstance(exc, RedisUnavailable) or refuses_writes(exc) or bool(super().exception_safe_to_retry(exc))

    def replace_result(self, task_id: str, result: dict[str, Any], request: Any) -> None:
        """Writes the result anew, with what has become known since: links that were started, duplicate answers."""
        meta = {**self._get_result_meta(result, states.SUCCESS, None, request), "task_id": task_id}
        self.client.set(self.get_key_for_task(task_id), self.encode(meta), keepttl=True, xx=True)

    def _store_result(
        self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **options: Any
    ) -> Any:
        unsettled: tuple[Command, ...] | None = getattr(request, "unsettled", None)  # see tasks/completion.py
        if state == states.RETRY:
            return result
        if unsettled is None:
            return super()._store_result(task_id, result, state, traceback, request, **options)
        if unsettled and store().run(*unsettled)[-1]:  # another delivery's outcome came first, and stands
            return result
        if state == states.SUCCESS and self.current_task_children(request):
            self.replace_result(task_id, result, request)
        return result


class SentinelBackend(RedisBackend, redis.SentinelBackend):
    """The same, on the master that Sentinels name."""
