"""Makes a chain of each model group: its deployments, then those of its fallbacks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.sources import Tree
from tasks.cli.litellm.retries import Retries
from tasks.cli.litellm.section import Section, winner
from tasks.cli.litellm.source import Steps

_ANY = "*"
"""The key of fallbacks for every group that has none of its own."""

_NOT_CONVERTED = "no deployment of this group was converted"
_CHAIN_TIMEOUT = 600.0
"""The default of a chain, in seconds; one whose providers may take longer gets their limit."""

_Table = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Groups that follow, by group or alias: after any failure, a prompt that is too long, a refusal."""

    general: _Table
    window: _Table
    refused: _Table


def fallbacks(router: Section, library: Section, groups: Mapping[str, str]) -> Fallbacks:
    """Returns the fallbacks among groups that were converted; others are noted.

    Args:
        router: router_settings.
        library: litellm_settings.
        groups: the groups by their names and aliases.
    """
    general = _read("fallbacks", router, library, groups)
    section = winner("default_fallbacks", router, library)
    default = section.take("default_fallbacks")
    if default is not None:
        general.setdefault(_ANY, list(_targets(section, (*section.path, "default_fallbacks"), default, groups)))
    window = _read("context_window_fallbacks", router, library, groups)
    return Fallbacks(general, window, _read("content_policy_fallbacks", router, library, groups))


def _read(key: str, router: Section, library: Section, groups: Mapping[str, str]) -> _Table:
    section = winner(key, router, library)
    found: _Table = {}
    for path, entry in _entries((*section.path, key), section.take(key)):
        if not isinstance(entry, dict):
            section.remarks.leave(path, entry, "names no group that it is for; default_fallbacks are for all")
            continue
        for group, targets in entry.items():
            if group == _ANY or group in groups:
                targeted = list(_targets(section, (*path, group), targets, groups))
                found.setdefault(group, targeted)
            else:
                section.remarks.leave((*path, str(group)), targets, _NOT_CONVERTED)
    return found


def _entries(path: Steps, value: Any) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, list):
        yield from (((*path, index), each) for index, each in enumerate(value))
    elif value is not None:
        yield path, value


def _targets(section: Section, path: Steps, value: Any, groups: Mapping[str, str]) -> Iterator[str]:
    for here, target in _entries(path, value):
        if not isinstance(target, str):
            section.remarks.leave(here, target, "a fallback is a group's name; it cannot change the request")
        elif target not in groups:
            section.remarks.leave(here, target, _NOT_CONVERTED)
        else:
            yield groups[target]


@dataclass(frozen=True, slots=True)
class Routes:
    """What the chains are made of: the providers of each group, what follows, and each provider's longest call."""

    providers: Mapping[str, list[str]]
    fallbacks: Fallbacks
    retries: Retries
    longest: Mapping[str, float]

    def chain(self, name: str, group: str) -> Tree:
        """Returns the table of the chain for a group, or for an alias of it; its fallbacks may be the alias's own."""
        refused = _of(self.fallbacks.refused, name, group)
        follow = [*_of(self.fallbacks.window, name, group), *refused]
        first = [*self.providers[group], *self._after(_of(self.fallbacks.general, name, group), {group})]
        providers = list(dict.fromkeys([*first, *(each for one in follow for each in self.providers[one])]))
        longest = max(self.longest.get(each, 0.0) for each in providers)
        fields = self.retries.fields(group)
        if refused:
            fields["outcomes"] = _with_refusals(fields.get("outcomes", {}))
        return {
            "providers": providers,
            **({"timeout": longest} if longest > _CHAIN_TIMEOUT else {}),
            **fields,
        }

    def inherits(self, name: str, group: str) -> bool:
        """Returns whether a name has fallbacks of its group, and not by its own name."""
        tables = (self.fallbacks.general, self.fallbacks.window, self.fallbacks.refused)
        return any(group in table and name not in table for table in tables)

    def widens(self, group: str) -> bool:
        """Returns whether a chain asks somebody after any failure whom LiteLLM asks after one kind alone."""
        first = {*self.providers[group], *self._after(_of(self.fallbacks.general, group), {group})}
        follow = [*_of(self.fallbacks.window, group), *_of(self.fallbacks.refused, group)]
        return any(name not in first for each in follow for name in self.providers[each])

    def _after(self, groups: list[str], seen: set[str]) -> list[str]:
        """Returns the providers of groups, each followed by those of its own fallbacks, as in LiteLLM."""
        found = []
        for group in groups:
            if group not in seen:
                seen.add(group)
                found += [*self.providers[group], *self._after(_of(self.fallbacks.general, group), seen)]
        return found


def _of(table: _Table, *names: str) -> list[str]:
    return next((table[name] for name in (*names, _ANY) if name in table), [])


def _with_refusals(outcomes: Tree) -> Tree:
    return {**outcomes, "refused": {**outcomes.get("refused", {}), "next_provider": "at-once"}}
