"""Converts a configuration of LiteLLM's proxy as a whole."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.settings import load
from config.sources import Tree
from tasks.cli.litellm import naming
from tasks.cli.litellm.deployment import Deployment, deployments
from tasks.cli.litellm.limits import breaker, limits
from tasks.cli.litellm.remarks import Remarks
from tasks.cli.litellm.retries import retries
from tasks.cli.litellm.routes import Routes, fallbacks
from tasks.cli.litellm.section import Section
from tasks.cli.litellm.source import Source, SourceError
from tasks.cli.litellm.vendors import VENDORS

_DEFAULT = "default"


@dataclass(frozen=True)
class Conversion:
    """Our tables, each with what it comes from as a comment; and what is told.

    `variables` maps each variable that the providers read to what it holds.
    """

    breaker: Tree
    providers: dict[str, Tree]
    chains: dict[str, Tree]
    comments: dict[str, str]
    variables: dict[str, str]
    remarks: Remarks
    deployments: int = 0


@dataclass(frozen=True)
class _Named:
    """The providers by name, those of each group in order, and the variables."""

    providers: dict[str, Tree] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


def convert(source: Source) -> Conversion:
    """Returns our tables for a file.

    Raises:
        SourceError: a part of the file has another form than LiteLLM's.
    """
    remarks = Remarks(source)
    root = Section(source.tree, (), remarks)
    for path in source.repeated:
        remarks.skip(path, "key", "is there twice; the last one counts, as in LiteLLM")
    router, library = root.below("router_settings"), root.below("litellm_settings")
    entries = _list(root, "model_list")
    credentials = _credentials(root)
    found = deployments(entries, limits(router, library), credentials, root)
    grouped = _grouped(found)
    named = _named(grouped, remarks)
    names = {**{group: group for group in grouped}, **_aliases(router, grouped)}
    routes = Routes(
        named.groups,
        fallbacks(router, library, names),
        retries(router, library, grouped),
        {name: provider.get("attempt_timeout", 0.0) for name, provider in named.providers.items()},
    )
    shared = breaker(router, library)
    chains, comments = _chains(routes, names)
    _tell_groups(routes, grouped, named, remarks)
    others = [root.below(key) for key in ("general_settings", "environment_variables")]
    for section in (router, library, *others, *credentials.values(), root):
        section.finish()
    return Conversion(shared, named.providers, chains, comments, named.variables, remarks, len(entries))


def _list(root: Section, key: str) -> list[Any]:
    entries = root.take(key)
    if not isinstance(entries, list | None):
        raise SourceError(f"{root.remarks.source.place((key,))}: {key}: must be a list")
    return entries or []


def _credentials(root: Section) -> dict[str, Section]:
    """Returns the values of credential_list by their names."""
    entries = enumerate(_list(root, "credential_list"))
    sections = [Section(each, ("credential_list", index), root.remarks) for index, each in entries]
    return {str(each.take("credential_name")): each.below("credential_values") for each in sections}


def _grouped(found: Iterable[Deployment]) -> dict[str, list[Deployment]]:
    """Returns the deployments by group, in the order in which a chain asks them."""
    groups: dict[str, list[Deployment]] = {}
    for each in found:
        groups.setdefault(each.group, []).append(each)
    return {group: sorted(members, key=lambda each: each.order) for group, members in groups.items()}


def _named(groups: Mapping[str, list[Deployment]], remarks: Remarks) -> _Named:
    """Returns the providers: deployments that are alike in everything are one, whatever their group."""
    named, alike, keys = _Named(), dict[str, str](), dict[str, str]()
    taken = naming.reserved()
    given = {str(each.provider.get("api_key_env")) for members in groups.values() for each in members}
    for each in (each for members in groups.values() for each in members):
        identity = json.dumps([each.provider, each.key], sort_keys=True)
        if identity not in alike:
            name = alike[identity] = naming.free(f"{each.vendor}-{each.model}", taken)
            taken.add(name)
            named.providers[name] = _with_key(each, name, keys, given)
            _tell_variables(each, name, named)
        members = named.groups.setdefault(each.group, [])
        if alike[identity] in members:
            remarks.differ_as(each.path, f"model {each.model}", "is one provider with another deployment of its group")
        else:
            members.append(alike[identity])
    return named


def _with_key(deployment: Deployment, name: str, keys: dict[str, str], given: set[str]) -> Tree:
    """Returns the provider's table with the variable of its key; equal keys of the file get one variable."""
    variable = deployment.provider["api_key_env"]
    if deployment.key is not None:
        variable = keys.setdefault(deployment.key, naming.variable(name, given))
        given.add(variable)
    return {key: value for key, value in {**deployment.provider, "api_key_env": variable}.items() if value != ""}


def _tell_variables(deployment: Deployment, name: str, named: _Named) -> None:
    path = VENDORS[deployment.vendor].path
    whole = f"base URL, with {path} at its end" if path else "base URL"
    for setting, what in (("api_key_env", "key"), ("base_url_env", whole)):
        if variable := named.providers[name].get(setting):
            before = named.variables.get(variable)
            named.variables[variable] = f"{before}, {name}" if before else f"{what}: {name}"


def _aliases(router: Section, groups: Mapping[str, Any]) -> dict[str, str]:
    """Returns the groups of model_group_alias that were converted, by alias."""
    section = router.below("model_group_alias")
    found = {}
    for alias, value in section.items():
        group = value
        if isinstance(value, dict):
            fields = section.below(alias)
            group = fields.take("model")
            fields.finish()
        if isinstance(group, str) and group in groups:
            found[alias] = group
        else:
            section.leave(alias, "no deployment of this group was converted")
    return found


def _chains(routes: Routes, names: Mapping[str, str]) -> tuple[dict[str, Tree], dict[str, str]]:
    """Returns a chain for each group and alias, and for those of the defaults, which would ask other providers."""
    chains: dict[str, Tree] = {}
    comments = {}
    for name, group in names.items():
        chain = naming.free(name, chains)
        chains[chain] = routes.chain(name, group)
        comments[chain] = f'model group "{name}"' if name == group else f'alias "{name}" of model group "{group}"'
    if not chains:
        return {}, {}
    first = next(iter(names))
    for default in load({}).chains:
        if default not in chains:
            whole = next(iter(chains.values()))
            chains[default] = whole if default == _DEFAULT else {"providers": whole["providers"]}
            comments[default] = f'a chain of the defaults: asks the providers of model group "{first}"'
    return chains, comments


def _tell_groups(routes: Routes, groups: Mapping[str, list[Deployment]], named: _Named, remarks: Remarks) -> None:
    for group, members in groups.items():
        if len(named.groups[group]) > 1:
            why = "LiteLLM spreads calls over them; a chain asks them in order, and the first as long as it answers"
            remarks.differ_as(members[0].path, f"group of {len(named.groups[group])}", why)
        if routes.widens(group):
            why = "the groups for long or refused prompts end its chain, and are asked after other failures, too"
            remarks.differ_as(members[0].path, f"group {group}", why)
