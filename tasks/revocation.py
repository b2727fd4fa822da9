"""What its producer takes back stays so, also with a worker that did not hear it: Celery keeps it in memory alone."""

import logging
from typing import Any

from celery.worker import control
from kombu.utils.functional import maybe_list

from tasks.completion import store
from worker.errors import StoreAway
from worker.lease import take_back

_log = logging.getLogger(__name__)


@control.control_command(variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
def revoke(state: Any, task_id: Any, **kwargs: Any) -> Any:
    """Revoke tasks by id, unless they have been answered."""
    asked = list(maybe_list(task_id) or [])
    try:
        revoked = take_back(store(), asked)
    except StoreAway as exc:
        _log.warning("revocation-not-stored error=%s", type(exc).__name__)
        revoked = asked
    else:
        for each in revoked:
            state.app.backend.mark_as_revoked(each, reason="revoked")
    return control.revoke(state, revoked, **kwargs)
