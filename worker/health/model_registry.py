"""The registry of models: each provider's own list, as the fleet's probes last read it.

1. A provider without a list has no entry.
2. A model that is no longer listed stays as `missing` for 24 h; the first list after that drops it.
3. Without any further list the whole entry expires after 24 h.
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

from config.providers import Provider
from worker.providers.dialect import without_none
from worker.providers.model_list import MOST, Listed, Listing
from worker.store.connection import Command
from worker.store.store import KEEP, Store

Status = Literal["available", "missing"]
ModelStatus = Literal["available", "missing", "unknown"]

_PART = ""
"""A field whose name is no model's id: it is set if the last list was not whole."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model of a provider.

    `status` is `available` if the latest list has it; `lifecycle` is the provider's own word, see `Listed`. Times are
    epochs in seconds: `created` and `retires_at` from the provider, `first_seen` and `last_seen` by the store's clock.
    """

    id: str
    status: Status
    lifecycle: str
    first_seen: float
    last_seen: float
    created: float | None = None
    retires_at: float | None = None
    aliases: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Returns whether a request may name it. Anthropic lists retired models too."""
        return self.status == "available" and self.lifecycle != "retired"

    def answers_to(self, name: str) -> bool:
        """Returns whether `name` means this model: its id, an alias, or its id without the date."""
        dated = re.escape(name.removesuffix("-latest")) + r"-(\d{8}|\d{4}-\d{2}-\d{2})"
        return name == self.id or name in self.aliases or re.fullmatch(dated, self.id) is not None


def update(store: Store, provider: str, listing: Listing | None) -> list[Command]:
    """Returns the command that writes a list into the registry, none without a list.

    Its reply is the number of the provider's models in the registry.
    """
    if listing is None:
        return []
    models = json.dumps([_fields(model) for model in listing.models], separators=(",", ":"))
    return [store.script("registry", [store.keys.models(provider)], models, int(listing.whole), KEEP, MOST)]


def _fields(model: Listed) -> dict[str, object]:
    return {
        "id": model.id,
        "lifecycle": model.lifecycle,
        **without_none(created=model.created, retires_at=model.retires_at, aliases=model.aliases or None),
    }


def models(store: Store, provider: str) -> tuple[KnownModel, ...]:
    """Returns a provider's models ordered by id, none if no probe found a list.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    return _read(store, provider)[0]


def tiers(store: Store, provider: Provider) -> dict[str, ModelStatus]:
    """Returns for each configured tier whether the provider lists its model.

    1. A model that is not listed is `missing`, or `unknown` if there is no list or only a part of one.
    2. A name is also `available` through a dated id: `a-model` through `a-model-20261101` or `a-model-2026-11-01`.
    3. A llama.cpp with one model answers to every name. One with several is a router and goes by their names.

    Raises:
        RedisUnavailable: the store did not answer.
    """
    known, whole = _read(store, provider.name)
    usable = [model for model in known if model.usable]
    any_name = provider.dialect == "llama_cpp" and len(usable) == 1

    def status_of(name: str) -> ModelStatus:
        if any_name or any(model.answers_to(name) for model in usable):
            return "available"
        return "missing" if known and whole else "unknown"

    return {tier: status_of(model.name) for tier, model in provider.models.items()}


def _read(store: Store, provider: str) -> tuple[tuple[KnownModel, ...], bool]:
    found: dict[str, str] = store.run(("HGETALL", store.keys.models(provider)))[0]
    whole = found.pop(_PART, None) is None
    return tuple(_known(id_, text) for id_, text in sorted(found.items())), whole


def _known(id_: str, text: str) -> KnownModel:
    stored = json.loads(text)
    return KnownModel(
        id_,
        stored["status"],
        stored["lifecycle"],
        stored["first_ms"] / 1000,
        stored["last_ms"] / 1000,
        stored.get("created"),
        stored.get("retires_at"),
        tuple(stored.get("aliases", ())),
    )
