"""The vendors of LiteLLM's models that have a dialect here: rows of vendors.toml."""

import tomllib
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from config.base_url import check
from config.frozen import Frozen
from config.presets import PRESETS, SOURCES
from config.providers import Dialect, Variable
from config.sources import Tree

_OWN = ("dialect", "base_url", "base_url_env", "api_key_env")
"""What a row has for itself, or has from its preset."""


class Vendor(Frozen):
    """One row; vendors.toml says what each field means."""

    prefixes: Annotated[tuple[str, ...], Field(min_length=1)]
    preset: str = ""
    server: bool = False
    bare: tuple[str, ...] = ()
    dialect: Dialect
    base_url: str = ""
    base_url_env: Variable = ""
    api_key_env: Variable = ""
    path: str = ""
    hosts: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    cut_name: tuple[str, ...] = ()
    name: str = ""
    source: Annotated[str, Field(pattern="^https://")]

    @property
    def address(self) -> Tree:
        """Returns the base URL and its variable where the file names none."""
        both = {"base_url": self.base_url, "base_url_env": self.base_url_env}
        return {name: each for name, each in both.items() if each}

    @property
    def models(self) -> dict[str, Tree]:
        """Returns the preset's models by tier, as far as they have names."""
        return {tier: model for tier, model in self._known.get("models", {}).items() if model["name"]}

    def table(self, own: Tree, model: Tree | None) -> Tree:
        """Returns the table of a provider: its preset and what differs from it; without a preset, all of it.

        Args:
            own: what the file says of address and key.
            model: the provider's only model, None for those of the preset.

        Raises:
            ValueError: there is no preset with models.
        """
        differing = {name: each for name, each in own.items() if each != self._known.get(name)}
        is_elsewhere = "base_url" in differing or "base_url_env" in differing
        has_preset = self.preset and not (self.server and is_elsewhere)
        if model is None:
            if not (has_preset and self.models):
                raise ValueError("a wildcard names no model: write an entry for each that is used")
            return {"preset": self.preset, **differing}
        if not has_preset:
            return {"dialect": self.dialect, **own, "models": {"default": model}}
        # The preset's other tiers would be other models. They answer as if they were not there: with the only model.
        like = next((each for each in self.models.values() if each["name"] == model["name"]), {})
        own_model = _over(like, model)
        tiers = {tier: own_model for tier, known in self._known["models"].items() if own_model != known}
        return {"preset": self.preset, **differing, "models": {"default": own_model, **tiers}}

    @property
    def _known(self) -> Tree:
        return PRESETS.get(self.preset, {})

    def model_name(self, written: str) -> str:
        """Returns what the vendor calls a model, from what stands after LiteLLM's prefix."""
        for beginning in self.cut_name:
            written = written.removeprefix(beginning)
        return self.name + written if self.name and "/" not in written else written

    def base_url_of(self, api_base: str) -> tuple[str, bool]:
        """Returns our base URL for an `api_base`, and whether it is http:// to a public host.

        Raises:
            ValueError: with the reason, without the URL.
        """
        url = api_base.strip().rstrip("/")
        check(url, allow_http=True)
        if self.hosts:
            url = self._at_host(url)
        elif not url.endswith(self.path):
            url += self.path
        for end in self.cut:
            url = url.removesuffix(end)
        return url, _is_refused(url)

    def _at_host(self, url: str) -> str:
        parts = urlsplit(url)
        if not (parts.hostname or "").endswith(self.hosts):
            raise ValueError("the path of its OpenAI-compatible API is unknown at this host")
        return f"{parts.scheme}://{parts.netloc}{self.path}"


def _is_refused(url: str) -> bool:
    try:
        check(url, allow_http=False)
    except ValueError:
        return True
    return False


def _over(below: Tree, above: Tree) -> Tree:
    """Returns the fields of a model over those that its preset has; lists are joined."""
    lists = {name: [*below[name], *each] for name, each in above.items() if name in below and isinstance(each, list)}
    return {**below, **above, **lists}


def _load() -> tuple[dict[str, Vendor], tuple[str, ...]]:
    file: dict[str, Any] = tomllib.loads(files("tasks.cli.litellm").joinpath("vendors.toml").read_text("utf-8"))
    rows = [*file["vendor"], *({"prefixes": [preset], "preset": preset} for preset in file["presets"])]
    vendors = [Vendor.model_validate(_of_preset(row.get("preset")) | row) for row in rows]
    return {prefix: vendor for vendor in vendors for prefix in vendor.prefixes}, tuple(file["other"]["words"])


def _of_preset(name: str | None) -> Tree:
    if name is None:
        return {}
    return {key: PRESETS[name][key] for key in _OWN if key in PRESETS[name]} | {"source": SOURCES[name][0]}


VENDORS, _OTHER = _load()
"""The vendors by prefix; words of models that answer no chat completions."""


def split(model: str, provider: str | None) -> tuple[str, str]:
    """Returns a model's prefix, empty if LiteLLM would not know it, and its name after the prefix.

    Args:
        model: `litellm_params.model`.
        provider: `litellm_params.custom_llm_provider`, which wins.
    """
    prefix, slash, name = model.partition("/")
    if provider:
        return provider, name if slash and prefix == provider else model
    if slash:
        return prefix, name
    bare = (vendor.prefixes[0] for vendor in VENDORS.values() if model.startswith(vendor.bare or ("/",)))
    return next(bare, ""), model


def answers_chat(model: str) -> bool:
    """Returns whether a model may answer chat completions, by the words of its name."""
    return not any(word in model.lower() for word in _OTHER)
