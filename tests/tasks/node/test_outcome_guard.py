"""Whatever Celery raises outside a task is an outcome, and none that removes the message during a Redis outage."""

from collections.abc import Callable
from typing import Any

import pytest
from celery.exceptions import BackendStoreError, Reject
from redis.exceptions import ConnectionError, OutOfMemoryError, ResponseError

from tasks.node.outcome_guard import ending


def raising(error: Exception) -> Callable[..., Any]:
    def trace(*_: Any) -> None:
        raise error

    return trace


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("gone"),
        BackendStoreError("gone"),
        OSError("gone"),
        OutOfMemoryError("full"),
        ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
    ],
)
def test_an_outcome_that_could_not_be_stored_goes_back_to_the_queue(error: Exception) -> None:
    ended = ending(raising(error))("id", (), {})
    assert isinstance(ended.retval.exception.exc, Reject)
    assert ended.retval.exception.exc.requeue
    assert ended.info.state == "REJECTED"


def test_what_celery_rejects_stays_rejected() -> None:
    assert ending(raising(Reject("no", requeue=False)))("id", (), {}).retval.exception.exc.requeue is False


def test_any_other_error_fails_the_task() -> None:
    ended = ending(raising(TypeError("unhashable")))("id", (), {})
    assert (type(ended.retval.exception.exc), ended.info.state) == (TypeError, "FAILURE")
