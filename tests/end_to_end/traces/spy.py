"""A task of a worker started with `-I tests.end_to_end.traces.spy`: it says what its process has imported."""

import sys

from tasks.celery import app


@app.task(name="spy.modules")
def modules() -> list[str]:
    """Returns the names of the imported modules."""
    return sorted(name for name, module in sys.modules.items() if module is not None)
