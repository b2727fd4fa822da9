"""The event stream: what changed. The script that makes a change writes its event, once for the whole fleet.

Each entry has `type`, `provider` and `at_ms`, and by type:

| type | further fields |
|---|---|
| `circuit-breaker-open` | `cause`, consecutive `failures`, `open_until_ms`, consecutive `opens`; a detector's figures |
| `circuit-breaker-would-open` | `cause`, the detector's figures; the detector only observes |
| `circuit-breaker-half-open`, `circuit-breaker-closed` | |
| `circuit-breaker-forced-open`, `circuit-breaker-forced-closed` | `by`, `until_ms` (0: without end) |
| `circuit-breaker-reset` | `by`, `until_ms` |
| `breaker-settings-differ` | `here`, `there`: settings of two deployments, see lua/admission/breaker.lua |
| `provider-unhealthy`, `provider-recovered` | `cause` |
| `provider-deprioritised` | `until_ms`, the detector's figures |
| `provider-would-be-deprioritised` | the detector's figures; the detector only observes |
| `slow-began` | `first_token_ms`, the median of the last ones; the `usual_ms` of hours |
| `slow-ended` | the same, `cause` (`recovered`, or `usual-now` after a day), `since_ms` |
| `provider-auth-locked` | `cause` |
| `provider-auth-unlocked` | `by` |
| `duplicate-answer` | `request`: the task, which already had an outcome |
| `task-id-reused` | `request`: the task whose id came with another request; no provider |
| `message-quarantined` | `cause`, in a word; no provider |
| `worker-clock-skewed`, `worker-clock-steady` | `worker`, `offset_ms` (above 0: ahead of Redis); no provider |
| `request-failure` | `request`, `failure`, `decision`, `will_retry`, `next` provider, `countdown_ms` |

A detector's figures are its `sum` and the `limit` that the sum exceeded, and further:

- of failures, the learned `baseline` (a share), and `window_failed` of the last `window_count` calls;
- of stalls, instead of these two: how many calls are `silent`, and `since_ms`, when the first of them began;
- of latency, the `usual_ms` to the first token, and `first_token_ms`.
"""

from worker.store.store import Store

Event = dict[str, str]
START = "-"


def since(store: Store, last: str = START) -> tuple[str, list[Event]]:
    """Returns the id of the newest entry, and the events after the entry `last`.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    entries = store.run(("XRANGE", store.keys.events, last if last == START else f"({last}", "+"))[0]
    return (entries[-1][0] if entries else last), [fields for _, fields in entries]
