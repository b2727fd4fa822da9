"""For each alert the series of a fleet that has it: what Prometheus saw, every minute for more than an hour."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HEALTHY = {
    'up{job="fallback",instance="127.0.0.1:5555"}': "1x80",
    "fallback_redis_up": "1x80",
    "fallback_redis_refuses_writes": "0x80",
    "fallback_redis_memory_bytes": "100x80",
    "fallback_redis_memory_max_bytes": "1000x80",
    'fallback_worker_consuming{worker="a"}': "1x80",
    'fallback_worker_consuming{worker="b"}': "1x80",
    'fallback_worker_clock_offset_seconds{worker="a"}': "0.2x80",
    "fallback_duplicate_answers_total": "3x80",
    "fallback_quarantined_total": "3x80",
    'fallback_queue_oldest_seconds{priority="3"}': "2x80",
    'fallback_parked_oldest_seconds{chain="default"}': "30x80",
    'fallback_dead_letters{chain="default",error="ChainExhausted"}': "4x80",
    **{
        f'fallback_breaker_state{{provider="{provider}",state="{state}"}}': f"{int(state == 'closed')}x80"
        for provider in ("claude", "openai")
        for state in ("closed", "open", "half_open", "forced_open", "auth_locked")
    },
    'fallback_provider_status{provider="claude",status="healthy"}': "1x80",
    'fallback_provider_status{provider="claude",status="unhealthy"}': "0x80",
    'fallback_failovers_total{from_provider="claude",to_provider="openai",outcome="timeout"}': "0+6x80",
    'fallback_failovers_total{from_provider="claude",to_provider="openai",outcome="skipped"}': "0+90x80",
    'fallback_attempts_total{provider="claude",model="m",outcome="success"}': "0+60x80",
    'fallback_attempts_total{provider="claude",model="m",outcome="timeout"}': "0+6x80",
    'fallback_limit_used_ratio{provider="claude",limit="concurrency"}': "0.5x80",
    'fallback_completions_total{chain="default",outcome="answered"}': "0+60x80",
    'fallback_completions_total{chain="default",outcome="ChainExhausted"}': "0+1x80",
    'fallback_completions_total{chain="default",outcome="InvalidRequest"}': "0+30x80",
    'fallback_budget_used_ratio{chain="default",limit="usd_per_day"}': "0.4x80",
    'fallback_budget_used_ratio{provider="claude",limit="usd_per_day"}': "0.4x80",
}
GONE = "_x80"
"""In the place of values: the series is not there."""


@dataclass(frozen=True)
class Sickness:
    """What differs from a healthy fleet, and the alert that fires for it after `minutes`."""

    series: Mapping[str, str]
    summary: str
    minutes: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    not_yet: bool = True
    """Whether half of the time is too early."""


SICKNESSES: dict[str, Sickness] = {
    "FallbackMetricsMissing": Sickness(
        {'up{job="fallback",instance="127.0.0.1:5555"}': "0x80"},
        "Flower at 127.0.0.1:5555 has no metrics: nobody watches the fleet",
        minutes=2,
        labels={"job": "fallback", "instance": "127.0.0.1:5555"},
    ),
    "FallbackRedisDown": Sickness(
        {"fallback_redis_up": "0x80"}, "Redis does not answer: completions wait, calls in flight go on without breakers"
    ),
    "FallbackRedisFull": Sickness(
        {"fallback_redis_refuses_writes": "1x80"}, "Redis refuses writes: new completions are refused"
    ),
    "FallbackRedisNearlyFull": Sickness(
        {"fallback_redis_memory_bytes": "950x80"}, "Redis holds 95% of its maxmemory", minutes=5
    ),
    "FallbackNoWorkers": Sickness(
        {'fallback_worker_consuming{worker="a"}': GONE, 'fallback_worker_consuming{worker="b"}': GONE},
        "No worker takes completions: they stay queued",
    ),
    "FallbackWorkerNotConsuming": Sickness(
        {'fallback_worker_consuming{worker="b"}': "0x80"},
        "Worker b takes no completions: something holds it, or it was killed",
        minutes=2,
        labels={"worker": "b"},
    ),
    "FallbackWorkerClockSkewed": Sickness(
        {'fallback_worker_clock_offset_seconds{worker="a"}': "-1.5x80"},
        "The clock of worker a is 1.5s off; at 2 s it takes nothing",
        minutes=2,
        labels={"worker": "a"},
    ),
    "FallbackProbesStopped": Sickness(
        {'fallback_problem{kind="probes-stopped",severity="warning"}': "1x80"},
        "No provider is probed any more",
        labels={"kind": "probes-stopped"},
    ),
    "FallbackDuplicateAnswers": Sickness(
        {"fallback_duplicate_answers_total": "3x10 4x70"},
        "Completions were answered twice in the last hour, and paid for twice",
        minutes=20,
    ),
    "FallbackQueueOld": Sickness(
        {'fallback_queue_oldest_seconds{priority="9"}': "90x80"},
        "A completion of priority 9 has been queued for 1m 30s",
        labels={"priority": "9"},
    ),
    "FallbackParkedOld": Sickness(
        {'fallback_parked_oldest_seconds{chain="low-cost"}': "90x80"},
        "A completion of chain low-cost has been parked for 1m 30s",
        minutes=5,
        labels={"chain": "low-cost"},
    ),
    "FallbackDeadLettersRising": Sickness(
        {'fallback_dead_letters{chain="default",error="ChainExhausted"}': "4x15 7x65"},
        "Chain default: 3 more dead letters of ChainExhausted in 15 minutes",
        minutes=20,
        labels={"chain": "default", "error": "ChainExhausted"},
    ),
    "FallbackMessagesQuarantined": Sickness(
        {"fallback_quarantined_total": "3x10 4x70"},
        "Somebody sends what is no message: it went into quarantine",
        minutes=20,
    ),
    "FallbackKeyRefused": Sickness(
        {'fallback_breaker_state{provider="openai",state="auth_locked"}': "1x80"},
        "openai refuses the key: nobody asks it",
        labels={"provider": "openai", "state": "auth_locked"},
    ),
    "FallbackQuotaSpent": Sickness(
        {'fallback_problem{kind="quota-spent",subject="openai",severity="critical"}': "1x80"},
        "openai: the quota or credit is spent",
        labels={"provider": "openai", "subject": "openai", "kind": "quota-spent"},
    ),
    "FallbackBreakerOpen": Sickness(
        {
            'fallback_breaker_state{provider="claude",state="open"}': "1 0 1 1 0 1x75",
            'fallback_breaker_state{provider="claude",state="half_open"}': "0 1 0 0 1 0x75",
        },
        "claude: the breaker has been open for two minutes",
        minutes=2,
        labels={"provider": "claude"},
    ),
    "FallbackBreakerForcedOpen": Sickness(
        {'fallback_breaker_state{provider="claude",state="forced_open"}': "1x80"},
        "claude: an operator has held the breaker open for an hour",
        minutes=60,
        labels={"provider": "claude", "state": "forced_open"},
    ),
    "FallbackProviderUnhealthy": Sickness(
        {'fallback_provider_status{provider="claude",status="unhealthy"}': "1x80"},
        "claude has been unhealthy for five minutes",
        minutes=5,
        labels={"provider": "claude", "status": "unhealthy"},
    ),
    "FallbackProviderSlow": Sickness(
        {'fallback_problem{kind="slow",subject="claude",severity="warning"}': "1x80"},
        "claude takes far longer than usual to its first token",
        minutes=5,
        labels={"provider": "claude", "subject": "claude", "kind": "slow"},
    ),
    "FallbackFailoverRate": Sickness(
        {'fallback_failovers_total{from_provider="claude",to_provider="openai",outcome="timeout"}': "0+33x80"},
        "50% of the calls of claude end in a failover",
        minutes=20,
        labels={"provider": "claude"},
        not_yet=False,
    ),
    "FallbackLimitReached": Sickness(
        {'fallback_limit_used_ratio{provider="claude",limit="concurrency"}': "1x80"},
        "claude: the limit concurrency has been used up for five minutes",
        minutes=5,
        labels={"provider": "claude", "limit": "concurrency"},
    ),
    "FallbackChainDown": Sickness(
        {'fallback_problem{kind="chain-down",subject="default",severity="critical"}': "1x80"},
        "Chain default: no provider admits a completion",
        labels={"chain": "default", "subject": "default", "kind": "chain-down"},
    ),
    "FallbackCompletionsFail": Sickness(
        {'fallback_completions_total{chain="default",outcome="ChainExhausted"}': "0+30x80"},
        "Chain default: 25% of the completions fail",
        minutes=20,
        labels={"chain": "default"},
        not_yet=False,
    ),
    "FallbackBudgetNearlySpent": Sickness(
        {'fallback_budget_used_ratio{chain="default",limit="usd_per_day"}': "0.9x80"},
        "default: 90% of the budget is spent",
        labels={"chain": "default", "limit": "usd_per_day"},
        not_yet=False,
    ),
    "FallbackBudgetSpent": Sickness(
        {'fallback_budget_used_ratio{provider="claude",limit="usd_per_day"}': "1.02x80"},
        "claude: the budget is spent",
        labels={"provider": "claude", "limit": "usd_per_day"},
        not_yet=False,
    ),
}
