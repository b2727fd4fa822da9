"""What deliveries of the task `task` do with its lease, by lease id."""

from worker.task import lease
from worker.task.outcome import stored_result


def begin(store, lease_id, step=0):
    return lease.parse_begin_reply(store.run(lease.begin(store, "task", lease_id, step))[0])


def pause(store, lease_id, step, delay):
    return store.run(lease.pause(store, "task", lease_id, step, delay))[0]


def finish(store, lease_id, outcome):
    stood = store.run(lease.finish(store, "task", lease_id, outcome))[0]
    return stored_result(stood) if stood else outcome
