"""When the last probe ran, on a real server."""

import pytest

from tests.worker.admission.clocked_breaker import CHAIN, provider, url
from worker.admission.breaker import probed
from worker.health.probing import Probing, probing
from worker.store.store import KEEP, Store


def test_the_last_probe_is_known_from_when_its_ring_expires(redis):
    store = Store(url(redis), "fallback", {name: provider(name) for name in CHAIN})
    assert probing(store, CHAIN) == Probing()
    store.run(probed(store, "alpha", answered=True, authenticated=True))
    redis.rpush("probes", "one", "two")
    found = probing(store, CHAIN)
    assert found.last == pytest.approx(store.time(), abs=2)
    assert found.queued == 2
    redis.expire(store.keys.probes("alpha"), KEEP - 600)
    assert probing(store, CHAIN).last == pytest.approx(found.last - 600, abs=2)
