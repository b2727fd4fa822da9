"""What a worker's log says of the fleet, whoever made the change."""

from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.waiting import wait_until
from worker.admission import breaker

CURED = 'cure="when done: fallback breaker reset claude"'


def test_a_worker_logs_what_it_lacks_at_its_start_and_what_others_change(
    celery_setup: LocalSetup, worker: LocalNode
) -> None:
    assert 'provider-not-configured provider=llama_cpp reason="no base URL"' in worker.process.output()
    breaker.control(celery_setup.store, "claude", "open", by="somebody")
    wait_until(lambda: f"circuit-breaker-forced-open provider=claude by=somebody {CURED}" in worker.process.output())
