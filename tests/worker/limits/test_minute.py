"""What the machine of limits hardly reaches: a half second of which more tokens were given back than it had."""

from redis import Redis

from config.limits import Limits
from tests.worker.providers.asking import provider
from worker.admission import breaker
from worker.limits.demand import Budgets, Estimate
from worker.store.store import Store

MINUTE = "{fallback}:2:breaker:p:minute"


def test_a_half_second_with_tokens_below_zero_is_counted_on(redis: Redis, redis_url: str) -> None:
    asked = provider("openai", "http://127.0.0.1:1", limits=Limits(tokens_per_minute=100))
    store = Store(redis_url, "fallback", {"p": asked})
    at = int(store.time() * 2) + 2  # a second ahead, so that this is the half second that is counted in
    redis.hset(MINUTE, mapping={"at": at, "requests": 1, "tokens": -5, str(at): "1 -5"})
    demand = Budgets(None, ()).demand([Estimate(30, 0)])
    assert store.run(breaker.acquire(store, "", "", "permit", ["p"], demand))[0][0] == "next"
    assert redis.hmget(MINUTE, "requests", "tokens", str(at)) == ["2", "25", "2 25"]
