"""The event stream: what changed, told once for the whole fleet by the scripts that changed it.

Each entry has `type`, `provider` and `at_ms`, and by type:

| type | further fields |
|---|---|
| `circuit-breaker-open` | `cause`, `failures` in a row, `open_until_ms`, `opens` in a row; of a detector its figures |
| `circuit-breaker-would-open` | `cause`, the detector's figures: it observes |
| `circuit-breaker-half-open`, `circuit-breaker-closed` | |
| `circuit-breaker-forced-open`, `-forced-closed`, `-reset` | `by`, `until_ms` (0: without end) |
| `breaker-settings-differ` | `here`, `there`: settings of two deployments meet, see lua/breaker.lua |
| `provider-unhealthy`, `provider-recovered` | `cause` |
| `provider-demoted` | `until_ms`, the detector's figures |
| `provider-would-be-demoted` | the detector's figures: it observes |
| `provider-locked-out` | `cause` |
| `provider-unlocked` | `by` |
| `answer-wasted` | `request`: its answer came when another outcome stood |
| `task-id-reused` | `request`: its id came again, with another request; of no provider |
| `message-quarantined` | `cause`, in a word; of no provider |
| `request-failure` | `request`, `failure`, `decision`, `will_retry`, `next` provider, `countdown_ms` |

A detector's figures are `sum` and the `limit` that it exceeded; of failures the learned `baseline` (a share), and
`window_failed` of the last `window_count` calls; of latency the `usual_ms` to the first token, and `first_token_ms`.
"""

from worker.store import Store

Event = dict[str, str]
START = "-"


def since(store: Store, last: str = START) -> tuple[str, list[Event]]:
    """Returns the events after the entry `last`, and the id to ask on from.

    Raises:
        StoreAway: the store did not answer.
    """
    entries = store.run(("XRANGE", store.events, last if last == START else f"({last}", "+"))[0]
    return (entries[-1][0] if entries else last), [fields for _, fields in entries]
