"""What Prometheus finds at Flower."""

import httpx

from tasks.local import celery_nodes
from tasks.local.ports import free_port
from tests.end_to_end.local_cluster import LocalNode, LocalSetup
from tests.end_to_end.vendors import QUESTION
from tests.waiting import wait_until
from worker.admission.breaker import control


def test_the_fleet_s_breakers_health_and_counters_stand_beside_flower_s_own(
    celery_setup: LocalSetup, worker: LocalNode
) -> None:
    port, store = free_port(), celery_setup.store
    celery_nodes.start_flower(celery_setup.fleet, port, environment=celery_setup.environment)
    control(store, "openai", "open", by="test")
    assert celery_setup.complete(QUESTION).get(timeout=30)["fallback"]["provider"] == "claude"

    def lines() -> set[str]:
        return set(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text.splitlines())

    wait_until(lambda: 'fallback_success_ratio{provider="claude"} 1.0' in lines())
    expected = {
        "fallback_redis_up 1.0",
        'fallback_parked{chain="default"} 0.0',
        "fallback_scheduled 0.0",
        "fallback_redis_outages_total 0.0",
        "fallback_decisions_without_redis_total 0.0",
        "fallback_duplicate_answers_total 0.0",
        'fallback_provider_status{provider="claude",status="healthy"} 1.0',
        'fallback_provider_status{provider="claude",status="unhealthy"} 0.0',
        'fallback_breaker_state{provider="claude",state="closed"} 1.0',
        'fallback_breaker_state{provider="openai",state="forced_open"} 1.0',
        'fallback_breaker_transitions_total{cause="operator",provider="openai",to="forced_open"} 1.0',
    }
    assert expected <= lines()
    assert celery_setup.broker is not None
    celery_setup.broker.container.kill("SIGKILL")
    wait_until(lambda: "fallback_redis_up 0.0" in lines())
