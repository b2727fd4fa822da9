"""Converts a configuration of LiteLLM's proxy as a whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from config.settings import load
from config.sources import Tree
from tasks.cli.litellm import naming
from tasks.cli.litellm.deployment import ANY, DEFAULT, LONGEST_NAME, Deployment, deployments
from tasks.cli.litellm.limits import breaker, limits
from tasks.cli.litellm.providers import Providers, grouped, providers
from tasks.cli.litellm.remarks import Remarks
from tasks.cli.litellm.retries import retries
from tasks.cli.litellm.routes import Routes, fallbacks
from tasks.cli.litellm.section import Section
from tasks.cli.litellm.source import Source, SourceError


@dataclass(frozen=True)
class Conversion:
    """Our tables, each with what it comes from as a comment; and what is told.

    `models` is our table of that name. With `takes_any` any other name is answered by the tier `default`, too.
    `variables` maps each variable that the providers read to what it holds.
    """

    breaker: Tree
    models: dict[str, str]
    takes_any: bool
    providers: dict[str, Tree]
    chains: dict[str, Tree]
    comments: dict[str, str]
    variables: dict[str, str]
    remarks: Remarks
    deployments: int = 0


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
    groups = grouped(found)
    named = providers(groups, remarks)
    names = {**{group: group for group in groups}, **_aliases(router, groups)}
    routes = Routes(
        named.groups,
        fallbacks(router, library, names),
        retries(router, library, groups),
        {name: provider.get("attempt_timeout", 0.0) for name, provider in named.tables.items()},
    )
    shared = breaker(router, library)
    chains, comments = _chains(routes, names)
    _tell_groups(routes, groups, named, remarks)
    _tell_aliases(routes, names, remarks)
    others = [root.below(key) for key in ("general_settings", "environment_variables")]
    for section in (router, library, *others, *credentials.values(), root):
        section.finish()
    return Conversion(
        shared,
        _models(found, names),
        ANY in groups,
        named.tables,
        chains,
        comments,
        named.variables,
        remarks,
        len(entries),
    )


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
        if len(alias) > LONGEST_NAME:
            section.leave(alias, f"has more than {LONGEST_NAME} characters")
        elif isinstance(group, str) and group in groups:
            found[alias] = group
        else:
            section.leave(alias, "no deployment of this group was converted")
    return found


def _models(found: Iterable[Deployment], names: Mapping[str, str]) -> dict[str, str]:
    """Returns the tiers that the names of groups and aliases stand for; those of wildcards come last."""
    written = {name: DEFAULT for name in names if ANY not in name}
    return {name: tier for each in found for name, tier in each.models.items()} | written


def _chains(routes: Routes, names: Mapping[str, str]) -> tuple[dict[str, Tree], dict[str, str]]:
    """Returns a chain for each group and alias, and for those of the defaults, which would ask other providers."""
    chains: dict[str, Tree] = {}
    comments = {}
    for name, group in names.items():
        chain = naming.free(name.replace(ANY, "any"), chains)
        chains[chain] = routes.chain(name, group)
        comments[chain] = f'model group "{name}"' if name == group else f'alias "{name}" of model group "{group}"'
    if not chains:
        return {}, {}
    first = ANY if ANY in names else next(iter(names))
    whole = routes.chain(first, names[first])
    for default in load({}).chains:
        if default not in chains:
            chains[default] = whole if default == DEFAULT else {"providers": whole["providers"]}
            comments[default] = f'a chain of the defaults: asks the providers of model group "{first}"'
    return chains, comments


def _tell_groups(routes: Routes, groups: Mapping[str, list[Deployment]], named: Providers, remarks: Remarks) -> None:
    for group, members in groups.items():
        if len(named.groups[group]) > 1:
            why = "LiteLLM spreads calls over them; a chain asks them in order, and the first as long as it answers"
            remarks.differ_as(members[0].path, f"group of {len(named.groups[group])}", why)
        if routes.widens(group):
            why = "the groups for long or refused prompts end its chain, and are asked after other failures, too"
            remarks.differ_as(members[0].path, f"group {group}", why)


def _tell_aliases(routes: Routes, names: Mapping[str, str], remarks: Remarks) -> None:
    for name, group in names.items():
        if routes.inherits(name, group):
            why = f"has the fallbacks of {group}, too; in LiteLLM an alias has its own alone"
            remarks.differ_as(("router_settings", "model_group_alias", name), "alias", why)
