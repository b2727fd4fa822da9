"""What deliveries of the task `task` do with its lease."""

from worker import lease


def begin(store, token, step=0):
    return lease.begun(store.run(lease.begin(store, "task", token, step))[0])


def pause(store, token, step, delay):
    return store.run(lease.pause(store, "task", token, step, delay))[0]


def finish(store, token, outcome):
    stood = store.run(lease.finish(store, "task", token, outcome))[0]
    return lease.standing(stood) if stood else outcome
