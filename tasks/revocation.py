"""What its producer takes back stays so, also with a worker that did not hear it: Celery keeps it in memory alone."""

import logging
from typing import Any

from celery import states
from celery.worker import control
from kombu.utils.functional import maybe_list
from redis.exceptions import RedisError

from tasks.completion import store
from worker.errors import StoreAway
from worker.lease import take_back

_UNDECIDED = (states.PENDING, states.RECEIVED, states.RETRY, states.REJECTED)
_log = logging.getLogger(__name__)


@control.control_command(variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
def revoke(state: Any, task_id: Any, **kwargs: Any) -> Any:
    """Revoke tasks by id, unless they have ended."""
    asked = [each for each in maybe_list(task_id) or [] if each and isinstance(each, str)]
    try:
        revoked = take_back(store(), asked)
    except (StoreAway, RedisError) as exc:
        # Celery's own would now try to store it until it can, and the worker would do nothing else meanwhile.
        control.worker_state.revoked.update(asked)
        _log.warning("revocation-not-stored error=%s", type(exc).__name__)
        return control.nok("only this worker knows: Redis took no writes")
    told = control.revoke(state, revoked, **kwargs)
    # Celery leaves out what this worker has in hand, which may just have begun to wait.
    for each in revoked:
        if state.app.backend.get_state(each) in _UNDECIDED:
            state.app.backend.mark_as_revoked(each, reason="revoked")
    return told
