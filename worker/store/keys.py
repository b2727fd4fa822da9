"""Every Redis key of ours, and Celery's of a result.

| key | type | content | lifetime |
|---|---|---|---|
| `{ns}:2:breaker:<provider>` | hash | its state, see lua/admission/breaker.lua | 24 h from its last write |
| `{ns}:2:breaker:<provider>:window` | string | ring of the last 100 outcomes | as its breaker |
| `{ns}:2:breaker:<provider>:permits` | zset | half-open permits -> deadline | 24 h, emptied by each new state |
| `{ns}:2:breaker:<provider>:silent` | zset | silent calls: lua/admission/stalls.lua | a minute from the last report |
| `{ns}:2:breaker:<provider>:slots` | zset | calls in flight -> deadline, lua/limits/limits.lua | 1 h from the last |
| `{ns}:2:breaker:<provider>:minute` | hash | granted by half seconds: lua/limits/minute.lua | 2 min from the last one |
| `{ns}:2:budgets:<day>` | hash | nano-USD by budget: lua/limits/limits.lua | 2 days from its last new one |
| `{ns}:2:spend:<day>` | hash | what was spent: lua/limits/ledger.lua | 35 days from its last new row |
| `{ns}:2:events` | stream | what changed, about 10,000 entries | bounded, not expiring |
| `{ns}:2:alerts` | stream | events to send, the last 10,000: lua/events/alert.lua; only with `[alerts]` | bounded |
| `{ns}:2:alerts:<receiver>` | hash | what it has got: lua/alerts/receive.lua | 30 days from the last look |
| `{ns}:2:alerts:<receiver>:sender` | string | the process that sends to it | 10 s from its last look |
| `{ns}:2:task:<id>` | hash | its lease and outcome: lua/task/begin.lua | 24 h; then as its result, at least 10 min |
| `celery-task-meta-<id>` | string | its result, as Celery's backend writes it | `results.expires` of its chain |
| `{ns}:2:task:<id>:journal` | list | a line per provider considered | 24 h from the last line, then as its task |
| `{ns}:2:dead_letters` | zset | task -> ms of its failure, the newest `results.max_dead_letters` | as the newest |
| `{ns}:2:dead_letters:<id>` | hash | error, attempts, request: dead_letter.lua | `results.expires`, or until replayed |
| `{ns}:2:probe:<provider>:<slot>` | string | taken by the one probe of a slot | two intervals |
| `{ns}:2:health:<provider>:probes` | list | the last 100 probes, newest first | 24 h from the last probe |
| `{ns}:2:models:<provider>` | hash | the models of its own list, lua/health/registry.lua | 24 h from the last list |
| `{ns}:2:parked` | hash | messages of parked completions, see lua/parking/park.lua | until the last has left |
| `{ns}:2:parked:groups`, `:group:<group>`, `:group:<group>:deadlines` | zset | groups and their tasks | as `parked` |
| `{ns}:2:parked:chains`, `:chain:<chain>` | set, zset | chains and their tasks | as `parked` |
| `{ns}:2:parked:flow` | hash | flow control, see lua/parking/release.lua | 10 s from the last tick |
| `{ns}:2:scheduled`, `:due` | hash, zset | messages due later: lua/scheduling/schedule.lua | until the last has left |
| `{ns}:2:unacked`, `{ns}:2:unacked_index` | hash, zset | unacknowledged messages: tasks/transport | as the messages |
| `{ns}:2:quarantine` | list | queue messages that no worker can read, the newest 100 | a week from the last |
| `{ns}:2:workers` | hash | what each worker reports of itself: worker/telemetry/workers.py | 1 h from the last report |
| `{ns}:2:counters` | hash | the fleet's counters, see worker/telemetry/counters.py | not expiring |
| `{ns}:2:metrics` | hash | the fleet's metrics, see lua/telemetry/count.lua | not expiring, at most 10,000 fields |
| `{ns}:2:in_flight` | hash | process -> its calls in flight: lua/telemetry/count.lua | a minute from the last report |
| `{ns}:2:remaining` | hash | vendors' rate limits: worker/telemetry/remaining.py | 1 h from the last write |

The braces are part of the key: a hash tag, which would keep all of ours in one slot of a cluster. Scripts also use the
queue's lists and results, whose names are Celery's: one server, or the master of its Sentinels, has them all.
"""

QUEUE, PROBE_QUEUE = "completions", "probes"
PRIORITIES = (0, 3, 6, 9)
"""The queues of completions and of probes, and the priorities of the first, the most urgent first; each has a list, as
kombu names it."""

VERSION = 2
"""Version of the stored data. Workers of another version use other keys."""


class Keys:
    """The keys of one fleet; all have the prefix of its namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._prefix = f"{{{namespace}}}:{VERSION}"
        self.events = f"{self._prefix}:events"
        self.workers = f"{self._prefix}:workers"
        self.alerts = f"{self._prefix}:alerts"
        self.counters = f"{self._prefix}:counters"
        self.queues = {each: f"{QUEUE}\x06\x16{each}" if each else QUEUE for each in PRIORITIES}
        self.probe_queue = PROBE_QUEUE
        self.metrics = f"{self._prefix}:metrics"
        self.in_flight = f"{self._prefix}:in_flight"
        self.remaining = f"{self._prefix}:remaining"
        self.dead_letters = f"{self._prefix}:dead_letters"
        self.quarantine = f"{self._prefix}:quarantine"
        self.scheduled = f"{self._prefix}:scheduled"
        self.scheduled_due = f"{self._prefix}:scheduled:due"
        self.unacked = f"{self._prefix}:unacked"
        self.unacked_index = f"{self._prefix}:unacked_index"

    def breaker(self, provider: str) -> str:
        """Returns the key of a provider's breaker."""
        return f"{self._prefix}:breaker:{provider}"

    def silent(self, provider: str) -> str:
        """Returns the key of a provider's silent calls in flight."""
        return f"{self._prefix}:breaker:{provider}:silent"

    def window(self, provider: str) -> str:
        """Returns the key of a provider's ring of outcomes."""
        return f"{self._prefix}:breaker:{provider}:window"

    def spend(self, day: int) -> str:
        """Returns the key of what was spent on a day since the epoch."""
        return f"{self._prefix}:spend:{day}"

    def alerts_of(self, receiver: str) -> str:
        """Returns the key of what a receiver of alerts has got."""
        return f"{self.alerts}:{receiver}"

    def alerts_sender(self, receiver: str) -> str:
        """Returns the key of the process that sends to a receiver of alerts."""
        return f"{self.alerts}:{receiver}:sender"

    def budgets(self, day: int) -> str:
        """Returns the key of the budgets of a day since the epoch."""
        return f"{self._prefix}:budgets:{day}"

    def task(self, task_id: str) -> str:
        """Returns the key of a task."""
        return f"{self._prefix}:task:{task_id}"

    def result(self, task_id: str) -> str:
        """Returns Celery's key of a task's result; it is also the channel on which the result is published."""
        return f"celery-task-meta-{task_id}"

    def journal(self, task_id: str) -> str:
        """Returns the key of a task's journal."""
        return f"{self._prefix}:task:{task_id}:journal"

    def dead_letter(self, task_id: str) -> str:
        """Returns the key of a task's dead letter."""
        return f"{self.dead_letters}:{task_id}"

    def probe_slot(self, provider: str, slot: int) -> str:
        """Returns the key that reserves a slot for one probe."""
        return f"{self._prefix}:probe:{provider}:{slot}"

    def probes(self, provider: str) -> str:
        """Returns the key of a provider's last probes."""
        return f"{self._prefix}:health:{provider}:probes"

    def models(self, provider: str) -> str:
        """Returns the key of a provider's models."""
        return f"{self._prefix}:models:{provider}"

    def parked(self, *parts: str) -> str:
        """Returns a key of parked completions; without parts, the key of their messages."""
        return ":".join((f"{self._prefix}:parked", *parts))
