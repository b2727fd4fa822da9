"""What a real worker reports of itself while it works, while it is told not to, and when it stops."""

from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.waiting import wait_until
from worker.telemetry.workers import NO_COMPLETIONS, Worker, workers


def reported(setup: LocalSetup, name: str) -> Worker | None:
    """Returns the worker whose name begins so, None while it has not reported."""
    return next((each for each in workers(setup.store) if each.name.startswith(f"{name}@")), None)


def is_so(setup: LocalSetup, name: str, reason: str) -> bool:
    found = reported(setup, name)
    return found is not None and found.reason == reason


def test_a_worker_reports_itself_until_it_stops(celery_setup: LocalSetup, worker: LocalNode) -> None:
    celery_setup.complete(QUESTION).get(timeout=30)
    wait_until(lambda: (found := reported(celery_setup, "first")) and found.consuming and found.last_task_at)
    found = reported(celery_setup, "first")
    assert found is not None
    assert (found.name, found.slots, found.used, found.alive) == (worker.hostname(), 100, 0, True)
    assert abs(found.clock_offset) < 1
    assert found.started_at < found.last_task_at <= found.seen_at
    assert (len(found.keys["claude"]), found.keys["openai"] != found.keys["claude"]) == (6, True)
    celery_setup.app.control.cancel_consumer("completions")
    wait_until(lambda: is_so(celery_setup, "first", "told not to (cancel_consumer)"))
    celery_setup.app.control.add_consumer("completions")
    wait_until(lambda: is_so(celery_setup, "first", ""))
    alerted = {"FALLBACK_ALERTS__OPS__URL_ENV": "OPS_URL", "FALLBACK_ALERTS__OPS__FORMAT": "slack"}
    celery_setup.start_worker("probing", alerted, queues=["probes"])
    wait_until(lambda: is_so(celery_setup, "probing", NO_COMPLETIONS))
    probing = reported(celery_setup, "probing")
    assert (probing and probing.receivers, found.receivers) == ({"ops": "OPS_URL"}, {})
    worker.process.stop()
    assert reported(celery_setup, "first") is None
