"""All settings, read once and frozen."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.alerts import Receiver
from config.breaker import Breaker
from config.bulkheads import Bulkheads
from config.chains import Chain
from config.errors import ConfigurationError
from config.frozen import Frozen, Lifetime, Name, Seconds
from config.groups import TAGS as FORMS
from config.groups import places
from config.headers import TAGS
from config.limits import Tenant
from config.providers import Provider
from config.redis_url import check
from config.sources import Tree, layers, merge, merged

__all__ = ["ConfigurationError", "Health", "Results", "Settings", "load"]

_NO_STEPS = ("[key]", *TAGS, *FORMS)
"""What pydantic adds to the path of an error."""

ModelName = Annotated[str, Field(min_length=1, max_length=200)]
TenantName = Annotated[str, Field(min_length=1, max_length=64)]

_EXPLAINED = {"extra_forbidden": "unknown key", "missing": "missing"}


class Health(Frozen):
    """`probe_interval` is the seconds between two probes of one provider."""

    probe_interval: Seconds = 30.0


class Results(Frozen):
    """What is kept, and its limits.

    `expires` is the seconds that a result is kept; a chain's own `results.expires` overrides it. With
    `forget_after_get` a producer of this code base deletes a result as soon as its `get` has returned it.
    `max_dead_letters` is the number of dead letters that are kept, `max_request_bytes` the limit of a request as JSON.
    """

    expires: Lifetime = 86_400.0
    forget_after_get: bool = False
    max_dead_letters: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000
    max_request_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 4_000_000


class Settings(BaseSettings):
    """The whole configuration. Each provider's `breaker` already includes the common `[breaker]`.

    `models` maps names that requests may have as their model to tiers. `tenants` has budgets by `metadata.tenant` of
    requests; that of `*` is for each other tenant by itself. `alerts` are receivers of alerts by name.
    """

    # redis_url is a plain str for its readers. It may hold a password, so repr does not show it.
    model_config = SettingsConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    namespace: Name = "fallback"
    redis_url: Annotated[str, Field(repr=False)] = "redis://127.0.0.1:6379/0"
    max_crashes: Annotated[int, Field(ge=0, le=100)] = 10
    unknown_model: Literal["refuse", "default"] = "refuse"
    breaker: Breaker = Breaker()
    bulkheads: Bulkheads = Bulkheads()
    providers: dict[Name, Provider]
    models: dict[ModelName, Name] = Field(default_factory=dict)
    chains: dict[Name, Chain]
    tenants: dict[TenantName, Tenant] = Field(default_factory=dict)
    health: Health = Health()
    results: Results = Results()
    alerts: dict[Name, Receiver] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Returns only the arguments: `config.sources` merges the layers, because models replace each other whole."""
        return (init_settings,)

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: str) -> str:
        return check(value)

    @field_validator("providers", mode="before")
    @classmethod
    def _fill_providers(cls, value: Any, info: ValidationInfo) -> Any:
        # An invalid [breaker] is not in info.data, so its error appears once, not for every provider.
        shared = info.data.get("breaker", Breaker()).model_dump()
        return _named({name: _share(provider, shared) for name, provider in _items(value)}, value)

    @field_validator("chains", mode="before")
    @classmethod
    def _fill_chains(cls, value: Any) -> Any:
        return _named(dict(_items(value)), value)

    @model_validator(mode="after")
    def _check_names(self) -> "Settings":
        for section, tables in (("providers", self.providers), ("chains", self.chains)):
            for name, table in tables.items():
                if table.name != name:
                    raise ValueError(f"{section}.{name}.name: unknown key")
        for name, chain in self.chains.items():
            for place, provider in places(chain.listed):
                if provider not in self.providers:
                    known = ", ".join(self.providers)
                    raise ValueError(f"chains.{name}.providers.{place}: no provider {provider!r}; there are {known}")
        tiers = {tier for provider in self.providers.values() for tier in provider.models}
        for model, tier in self.models.items():
            if tier not in tiers:
                raise ValueError(f"models.{model}: no tier {tier!r}; there are {', '.join(sorted(tiers))}")
        return self


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Returns the settings of an environment, by default this process's, and of the file that it names.

    Raises:
        ConfigurationError: they are invalid.
    """
    return checked(merged(layers(Settings, os.environ if environ is None else environ)))


def checked(tree: Tree) -> Settings:
    """Returns the settings of a tree of merged layers.

    Raises:
        ConfigurationError: they are invalid.
    """
    try:
        return Settings(**tree)
    except ValidationError as exc:
        # `from None`: the original holds the input.
        raise ConfigurationError(*_lines(exc)) from None


def _lines(exc: ValidationError) -> list[str]:
    lines = []
    for error in exc.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(ascii(step).strip("'") or '""' for step in error["loc"] if step not in _NO_STEPS)
        reason = _EXPLAINED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
        lines.append(f"{path}: {reason}" if path else reason)
    return list(dict.fromkeys(lines))


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _named(tables: dict[str, Any], value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: {"name": name, **table} if isinstance(table, dict) else table for name, table in tables.items()}


def _share(provider: Any, shared: dict[str, Any]) -> Any:
    own = provider.get("breaker", {}) if isinstance(provider, dict) else None
    return {**provider, "breaker": merge(shared, own)} if isinstance(own, dict) else provider
