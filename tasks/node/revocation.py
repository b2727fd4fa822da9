"""Stores revocations in Redis, so that they hold for every worker; Celery keeps them in memory alone."""

import logging
from typing import Any

from celery.worker import control
from kombu.utils.functional import maybe_list
from redis.exceptions import RedisError

from tasks.store import store
from worker.errors import RedisUnavailable
from worker.task import lease

_log = logging.getLogger(__name__)


@control.control_command(variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
def revoke(state: Any, task_id: Any, **kwargs: Any) -> Any:
    """Revoke tasks by id, unless they have ended.

    With `terminate` it does the same: a thread cannot be ended from outside, and a call under way closes by itself.
    """
    kwargs = {name: value for name, value in kwargs.items() if name not in ("terminate", "signal")}
    ids = [each for each in maybe_list(task_id) or [] if each and isinstance(each, str)]
    try:
        revoked = lease.revoke(store(), ids)
    except (RedisUnavailable, RedisError) as exc:
        # Celery's own command would retry to store it, and block the worker meanwhile.
        control.worker_state.revoked.update(ids)
        _log.warning("revocation-not-stored error=%s", type(exc).__name__)
        return control.nok("only this worker knows: Redis took no writes")
    return control.revoke(state, revoked, **kwargs)
