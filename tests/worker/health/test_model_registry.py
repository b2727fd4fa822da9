"""The registry of models on real servers, with the time set by the test."""

import json
import threading

import pytest

from config.providers import Model
from tests.worker.admission.clocked_breaker import HOUR, SECOND, T0, provider, url
from worker.health import model_registry
from worker.health.model_registry import KnownModel
from worker.health.probe import probe
from worker.providers.model_list import LONGEST, MOST, Listed, Listing
from worker.store.store import KEEP, Store

DAY = 24 * HOUR


def update(store, *models, whole=True):
    """Puts a list in; a model is an id or a `Listed`."""
    listed = tuple(Listed(model) if isinstance(model, str) else model for model in models)
    return store.run(*model_registry.update(store, "alpha", Listing(listed, whole)))[0]


def statuses(store):
    return {model.id: model.status for model in model_registry.models(store, "alpha")}


def status_of(store, name, dialect="openai"):
    asked = provider("alpha", dialect=dialect, models={"default": Model(name=name)})
    return model_registry.tiers(store, asked)["default"]


def test_a_listed_model_is_available_with_what_its_provider_says_of_it(store):
    listed = Listed("a-model", "deprecated", 1_600_000_000.0, 1_800_000_000.5, ("a", "ä"))
    assert update(store, listed) == 1
    now = T0 / 1000
    [known] = model_registry.models(store, "alpha")
    assert known == KnownModel(
        "a-model", "available", "deprecated", now, now, 1_600_000_000.0, 1_800_000_000.5, ("a", "ä")
    )


def test_models_come_by_their_ids_and_each_provider_has_its_own(store):
    update(store, "b", "ä", "a")
    assert [model.id for model in model_registry.models(store, "alpha")] == ["a", "b", "ä"]
    assert model_registry.models(store, "beta") == ()


def test_a_model_keeps_when_it_was_first_seen_and_takes_the_rest_from_the_latest_list(clock, store):
    update(store, Listed("a", retires_at=1_800_000_000.0))
    clock.after(HOUR)
    update(store, Listed("a", "retired"))
    [known] = model_registry.models(store, "alpha")
    assert (known.first_seen, known.last_seen) == (T0 / 1000, (T0 + HOUR) / 1000)
    assert (known.lifecycle, known.retires_at) == ("retired", None)


def test_a_model_that_is_not_in_the_latest_list_is_missing_since_it_was_last_seen(clock, store):
    update(store, "a", "b")
    clock.after(HOUR)
    assert update(store, "a") == 2
    assert statuses(store) == {"a": "available", "b": "missing"}
    assert model_registry.models(store, "alpha")[1].last_seen == T0 / 1000


def test_a_missing_model_that_is_listed_again_is_available(store):
    update(store, "a", "b")
    update(store, "a")
    update(store, "a", "b")
    assert statuses(store) == {"a": "available", "b": "available"}


def test_a_missing_model_is_dropped_a_day_after_it_was_last_seen(clock, store):
    update(store, "a", "b")
    update(store, "a")
    clock.after(DAY)
    update(store, "a")
    assert statuses(store) == {"a": "available", "b": "missing"}
    clock.after(1)
    assert update(store, "a") == 1
    assert statuses(store) == {"a": "available"}


def test_an_empty_list_leaves_every_model_missing(store):
    update(store, "a", "b")
    assert update(store) == 2
    assert statuses(store) == {"a": "missing", "b": "missing"}


def test_a_part_of_a_list_says_nothing_of_the_models_that_are_not_in_it(clock, store):
    update(store, "a", "b")
    clock.after(SECOND)
    assert update(store, "a", whole=False) == 2
    assert statuses(store) == {"a": "available", "b": "available"}
    assert status_of(store, "c") == "unknown"
    update(store, "a")
    assert statuses(store) == {"a": "available", "b": "missing"}
    assert status_of(store, "c") == "missing"


def test_without_a_list_nothing_changes(store):
    update(store, "a")
    assert model_registry.update(store, "alpha", None) == []


def test_every_list_lets_the_registry_live_a_day_longer(clock, store):
    update(store, "a")
    clock.server.expire(store.keys.models("alpha"), 10)
    update(store, "a", whole=False)
    assert clock.server.ttl(store.keys.models("alpha")) == KEEP


def test_the_registry_lies_in_the_slot_of_the_other_keys(store):
    assert store.keys.models("alpha") == "{fallback}:2:models:alpha"


def test_a_provider_that_lists_new_names_each_time_fills_no_memory(clock, store):
    old, new = ([f"{age}-{i}" for i in range(MOST)] for age in ("old", "new"))
    update(store, *old[:10])
    clock.after(SECOND)
    update(store, *old)
    clock.after(SECOND)
    assert update(store, *new[: MOST - 10], whole=False) == MOST
    assert update(store, *new[: MOST - 5], whole=False) == MOST
    assert sum(id_.startswith("old") for id_ in statuses(store)) == 5


def test_a_list_of_the_longest_ids_is_taken_in_the_time_that_a_call_to_the_store_may_take(every_redis):
    store = Store(url(every_redis), "fallback", {"alpha": provider("alpha")})
    for _ in range(2):
        assert update(store, *(f"{i:0{LONGEST}}" for i in range(MOST))) == MOST
    assert len(model_registry.models(store, "alpha")) == MOST


def test_updates_at_once_leave_one_of_their_lists(every_redis):
    store = Store(url(every_redis), "fallback", {"alpha": provider("alpha")})
    lists = [[f"shared-{i}" for i in range(50)] + [f"own-{n}"] for n in range(8)]
    threads = [threading.Thread(target=update, args=(store, *models)) for models in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = statuses(store)
    available = {id_ for id_, status in found.items() if status == "available"}
    assert len(found) == 58
    assert available in [set(models) for models in lists]


@pytest.mark.parametrize(
    ("name", "listed", "expected"),
    [
        ("a-model", "a-model", "available"),
        ("a-model", "a-model-20261101", "available"),
        ("a-model", "a-model-2026-11-01", "available"),
        ("a-model-latest", "a-model-20261101", "available"),
        ("a-model", "a-model-mini-20261101", "missing"),
        ("a-model", "a-model-2026", "missing"),
        ("a.model", "a-model-20261101", "missing"),
        ("a-model-20261101", "a-model", "missing"),
        ("a-model", Listed("another", aliases=("a-model",)), "available"),
        ("a-model", Listed("a-model", "deprecated"), "available"),
        ("a-model", Listed("a-model", "retired"), "missing"),
    ],
)
def test_a_configured_model_is_looked_for_under_its_aliases_and_dated_names(store, name, listed, expected):
    update(store, listed)
    assert status_of(store, name) == expected


def test_a_configured_model_that_went_from_the_list_is_missing(store):
    update(store, "a-model", "another")
    update(store, "another")
    assert status_of(store, "a-model") == "missing"


def test_a_configured_model_of_a_provider_without_a_list_is_unknown(store):
    assert status_of(store, "a-model") == "unknown"


def test_each_tier_has_its_own_standing(store):
    update(store, "large")
    tiers = {"default": Model(name="large"), "fast": Model(name="small")}
    assert model_registry.tiers(store, provider("alpha", models=tiers)) == {"default": "available", "fast": "missing"}


def test_a_llama_cpp_with_one_model_answers_to_any_name_and_a_router_does_not(store):
    update(store, "one.gguf")
    assert status_of(store, "default", "llama_cpp") == "available"
    update(store, "one.gguf", "two.gguf")
    assert status_of(store, "default", "llama_cpp") == "missing"
    assert status_of(store, "two.gguf", "llama_cpp") == "available"
    update(store, "two.gguf")
    assert status_of(store, "default", "llama_cpp") == "available"


def test_the_probes_of_simulated_vendors_fill_the_registry(every_redis, llmock):
    claude = provider(
        "claude",
        dialect="anthropic",
        base_url=f"{llmock.url}/anthropic",
        models={"default": Model(name="claude-haiku-4-5"), "old": Model(name="claude-2")},
    )
    openai = provider("openai", base_url=f"{llmock.url}/v1", models={"default": Model(name="gpt-4o")})
    store = Store(url(every_redis), "fallback", {})
    for asked in (claude, openai):
        store.run(*model_registry.update(store, asked.name, probe(asked).models))
    assert model_registry.tiers(store, claude) == {"default": "available", "old": "missing"}
    assert model_registry.tiers(store, openai) == {"default": "available"}
    assert {model.lifecycle for model in model_registry.models(store, "claude")} == {"active"}


def test_the_probe_of_a_real_llama_cpp_fills_the_registry(every_redis, llama):
    local = provider("local", dialect="llama_cpp", base_url=llama.url, api_key=llama.key)
    store = Store(url(every_redis), "fallback", {})
    store.run(*model_registry.update(store, "local", probe(local).models))
    [known] = model_registry.models(store, "local")
    assert (known.id, known.status, known.lifecycle) == ("smollm2", "available", "active")
    assert model_registry.tiers(store, local) == {"default": "available"}


def test_only_names_and_dates_are_kept(clock, store):
    update(store, Listed("a", "active", 1.0, 2.0, ("b",)))
    kept = json.loads(clock.server.hget(store.keys.models("alpha"), "a"))
    assert sorted(kept) == ["aliases", "created", "first_ms", "last_ms", "lifecycle", "retires_at", "status"]
