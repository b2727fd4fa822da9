"""A day with as many tenants as have a budget of their own: further ones share one."""

from tests.worker.admission.clocked_breaker import T0
from worker.admission import breaker
from worker.limits.demand import Budgets, Estimate
from worker.store.store import Store

MOST, DAY = 10_000, 86_400_000
BUDGET = 1_000


def test_a_tenant_beyond_the_ten_thousandth_shares_the_budget_of_all_further_ones(store: Store) -> None:
    sums = f"{{fallback}}:2:budgets:{T0 // DAY}"
    store.redis.hset(sums, mapping={f"tenant:{number}": 1 for number in range(MOST)})
    assert admitted(store, "new", 600) == "next"
    assert admitted(store, "newer", 600) == "none"
    assert admitted(store, "newest", 400) == "next"
    assert admitted(store, "7", 600) == "next"
    assert store.redis.hmget(sums, "tenant:*", "tenant:new", "tenant:7") == ["1000", None, "601"]


def admitted(store: Store, tenant: str, nano: int) -> str:
    """Returns what comes of a call of a tenant that is estimated to cost so much."""
    demand = Budgets(None, ((f"tenant:{tenant}", BUDGET, "tenant"),)).demand([Estimate(0, nano)])
    command = breaker.acquire(store, "", "", f"permit of {tenant}", ["alpha"], demand)
    return str(store.run(command)[0][0])
