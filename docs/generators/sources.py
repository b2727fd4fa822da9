"""Where the reference comes from: the one place that names the modules."""

EVENTS = "worker.telemetry.events"
"""The table of event types and their fields is in its docstring."""

PROBLEMS = "worker.diagnosis.problems"
"""The table of the kinds of problems is in its docstring."""

COUNTERS = "worker.telemetry.counters"
"""The table of counters is in its docstring."""

KEYS = "worker.store.keys"
"""The table of Redis keys is in its docstring."""

ERRORS = "worker.errors"
"""The exceptions; their tree is in its docstring."""
