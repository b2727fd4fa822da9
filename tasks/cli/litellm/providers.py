"""Makes the providers of the deployments: their names, and the variables that they read."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.presets import PRESETS
from config.sources import Tree, merge
from tasks.cli.litellm import naming
from tasks.cli.litellm.deployment import ANY, Deployment
from tasks.cli.litellm.remarks import Remarks
from tasks.cli.litellm.vendors import VENDORS


@dataclass(frozen=True)
class Providers:
    """The providers by name, those of each group in order, and what each variable holds that they read."""

    tables: dict[str, Tree] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


def grouped(found: Iterable[Deployment]) -> dict[str, list[Deployment]]:
    """Returns the deployments by group, in the order in which a chain asks them."""
    groups: dict[str, list[Deployment]] = {}
    for each in found:
        groups.setdefault(each.group, []).append(each)
    return {group: sorted(members, key=lambda each: each.order) for group, members in groups.items()}


def providers(groups: Mapping[str, list[Deployment]], remarks: Remarks) -> Providers:
    """Returns the providers: deployments that are alike in everything are one, whatever their group."""
    made, alike, variables = Providers(), dict[str, str](), dict[str, str]()
    found = [each for members in groups.values() for each in members]
    taken, given = naming.reserved(), {variable for each in found for variable, _ in _variables(each, each.provider)}
    for each in found:
        identity = json.dumps([each.provider, sorted(each.secrets.items())], sort_keys=True)
        if identity not in alike:
            name = alike[identity] = naming.free(f"{each.vendor}-{each.model.replace(ANY, 'any')}", taken)
            taken.add(name)
            made.tables[name] = _with_variables(each, name, variables, given)
            _tell_variables(each, name, made)
        members = made.groups.setdefault(each.group, [])
        if alike[identity] in members:
            remarks.differ_as(each.path, f"model {each.model}", "is one provider with another deployment of its group")
        else:
            members.append(alike[identity])
    return made


def _with_variables(deployment: Deployment, name: str, variables: dict[str, str], given: set[str]) -> Tree:
    """Returns the provider's table with a variable for each secret; equal ones of the file get one variable."""
    table = deployment.provider
    for path, secret in deployment.secrets.items():
        what = str(path[1]) if len(path) > 1 else "api-key"
        variable: Any = variables.setdefault(secret, naming.variable(name, what, given))
        given.add(variable)
        for step in reversed(path):
            variable = {step: variable}
        table = merge(table, variable)
    return table


def _tell_variables(deployment: Deployment, name: str, made: Providers) -> None:
    # The key comes last, so that it counts where a header has the same variable.
    for variable, what in dict(reversed([*_variables(deployment, made.tables[name])])).items():
        before = made.variables.get(variable)
        made.variables[variable] = f"{before}, {name}" if before else f"{what}: {name}"


def _variables(deployment: Deployment, own: Tree) -> Iterator[tuple[str, str]]:
    """Yields the variables without which a provider's table is not complete, each with what it holds."""
    table = {**PRESETS.get(own.get("preset", ""), {}), **own}
    if (key := table.get("api_key_env")) and ("api_key_env" in own or not table.get("api_key_optional")):
        yield key, "key"
    if (base_url := table.get("base_url_env")) and ("base_url_env" in own or "base_url" not in table):
        path = VENDORS[deployment.vendor].path
        yield base_url, f"base URL, with {path} at its end" if path else "base URL"
    for name, header in own.get("headers", {}).items():
        if variable := isinstance(header, dict) and header.get("env"):
            yield variable, f"header {name}"
