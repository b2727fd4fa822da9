"""Queues a Celery task of your own application for each event of a Fallback fleet.

`follow` iterates over the events as they happen: each is a dict of text with `type`, `provider`, `at_ms` and the fields
of its type. It waits for the next one, and goes on after a Redis outage.

Each event is queued at least once. The id of the last one stands in a file, and is written after the task was queued.
A crash in between queues that task again, under the same task id, so a task should do no harm twice.

Run one of these per fleet, where this repository is installed and configured as for `fallback events`:

    python bridge.py --broker redis://127.0.0.1:6379/1 --task shop.on_fleet_event --state /var/lib/bridge.id

Your broker must be another database than the fleet's. The first start begins with the next event; a worker of yours
takes the queue `fleet-events` and has the task that `--task` names:

    @app.task(name="shop.on_fleet_event")
    def on_fleet_event(event: dict[str, str]) -> None: ...
"""

import argparse
import signal
from pathlib import Path

from celery import Celery

from tasks import follow

QUEUE = "fleet-events"


def main() -> None:
    """Queues tasks until SIGTERM or Ctrl-C."""
    options = _options()
    shop = Celery("bridge", broker=options.broker, set_as_current=False)
    after = options.state.read_text("utf-8").strip() if options.state.exists() else None
    with follow(after) as events:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: events.close())
        print("following", flush=True)
        for id_, event in events:
            shop.send_task(options.task, (event,), task_id=f"fleet-event-{id_}", queue=QUEUE, retry=True)
            _save(options.state, id_)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Queues a Celery task for each event of a Fallback fleet.")
    parser.add_argument("--broker", required=True, metavar="URL")
    parser.add_argument("--task", required=True, metavar="NAME")
    parser.add_argument("--state", required=True, type=Path, metavar="FILE", help="keeps the id of the last event")
    return parser.parse_args()


def _save(state: Path, last: str) -> None:
    """Replaces the file in one step, so that a crash leaves the old id or the new one."""
    draft = state.with_suffix(".new")
    draft.write_text(last, "utf-8")
    draft.replace(state)


if __name__ == "__main__":
    main()
