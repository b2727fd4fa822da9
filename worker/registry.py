"""The registry of models: what each provider's own list says, as the fleet's probes last saw it.

A provider without a list has no entry here. A model of a list that is no longer in it stays as `missing` for 24 h after
it was last listed: the first list after that drops it, and without any further list the whole entry expires.
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

from config.providers import Provider
from worker.connection import Command
from worker.providers.dialect import given
from worker.providers.listing import MOST, Listed, Listing
from worker.store import KEEP, Store

Status = Literal["available", "missing"]
Standing = Literal["available", "missing", "unknown"]

_PART = ""  # no model's id


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model of a provider.

    `status` says whether the latest list has it; `lifecycle` is the provider's own word, see `Listed`. Instants are
    epochs in seconds, `created` and `retires_at` the provider's, `first_seen` and `last_seen` (in a list) by the clock
    of the store.
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
        """Whether a request may name it: Anthropic can list models that are retired."""
        return self.status == "available" and self.lifecycle != "retired"

    def answers_to(self, name: str) -> bool:
        """Whether a request that names `name` means it: by its id, an alias, or a name that its id adds a date to."""
        dated = re.escape(name.removesuffix("-latest")) + r"-(\d{8}|\d{4}-\d{2}-\d{2})"
        return name == self.id or name in self.aliases or re.fullmatch(dated, self.id) is not None


def update(store: Store, provider: str, listing: Listing | None) -> list[Command]:
    """Returns the command that puts a list into the registry, none where there is no list.

    Its reply is the number of the provider's models that are known then.
    """
    if listing is None:
        return []
    models = json.dumps([_fields(model) for model in listing.models], separators=(",", ":"))
    return [store.script("registry", [store.models(provider)], models, int(listing.whole), KEEP, MOST)]


def _fields(model: Listed) -> dict[str, object]:
    return {
        "id": model.id,
        "lifecycle": model.lifecycle,
        **given(created=model.created, retires_at=model.retires_at, aliases=model.aliases or None),
    }


def models(store: Store, provider: str) -> tuple[KnownModel, ...]:
    """Returns a provider's models by id; none where no probe found a list.

    Raises:
        StoreAway: the store did not answer.
    """
    return _read(store, provider)[0]


def tiers(store: Store, provider: Provider) -> dict[str, Standing]:
    """Returns for each configured tier whether the provider lists its model.

    `unknown` is a model of which nothing can be said: there is no list, or only a part of it came. An alias is
    `available` where a dated id of its is: `a-model` with `a-model-20261101` or `a-model-2026-11-01`. A llama.cpp with
    one model answers to every name; with several it is a router, which goes by their names.

    Raises:
        StoreAway: the store did not answer.
    """
    known, whole = _read(store, provider.name)
    usable = [model for model in known if model.usable]
    any_name = provider.dialect == "llama_cpp" and len(usable) == 1

    def standing(name: str) -> Standing:
        if any_name or any(model.answers_to(name) for model in usable):
            return "available"
        return "missing" if known and whole else "unknown"

    return {tier: standing(model.name) for tier, model in provider.models.items()}


def _read(store: Store, provider: str) -> tuple[tuple[KnownModel, ...], bool]:
    found: dict[str, str] = store.run(("HGETALL", store.models(provider)))[0]
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
