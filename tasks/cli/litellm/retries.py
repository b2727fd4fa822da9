"""How often a provider is asked again: num_retries, retry_after, and the policies for single failures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.outcomes import Outcome
from config.sources import Tree
from tasks.cli.litellm.deployment import Deployment
from tasks.cli.litellm.limits import DAY
from tasks.cli.litellm.remarks import Remarks
from tasks.cli.litellm.section import Section, winner

_RETRIED = {
    "BadRequestErrorRetries": Outcome.INVALID,
    "AuthenticationErrorRetries": Outcome.AUTHENTICATION,
    "TimeoutErrorRetries": Outcome.TIMEOUT,
    "RateLimitErrorRetries": Outcome.RATE_LIMITED,
    "ContentPolicyViolationErrorRetries": Outcome.REFUSED,
    "InternalServerErrorRetries": Outcome.TRANSIENT,
    "ServiceUnavailableErrorRetries": Outcome.OVERLOADED,
    "NotFoundErrorRetries": Outcome.MISCONFIGURED,
}
"""Keys of a retry_policy (https://docs.litellm.ai/docs/router/learn/reliability) and our classes."""

_MOST = 20
_MAX_BACKOFF = 60.0


@dataclass(frozen=True, slots=True)
class Retries:
    """The table `retry` of every chain and the `outcomes` of every chain; and what single groups have instead."""

    table: Tree
    outcomes: Tree
    of_groups: Mapping[str, Tree]
    outcomes_of_groups: Mapping[str, Tree]

    def fields(self, group: str) -> Tree:
        """Returns `retry` and `outcomes` of a group's chain, without those that are empty."""
        outcomes = {**self.outcomes, **self.outcomes_of_groups.get(group, {})}
        both = {"retry": {**self.table, **self.of_groups.get(group, {})}, "outcomes": outcomes}
        return {name: table for name, table in both.items() if table}


def retries(router: Section, library: Section, groups: Mapping[str, list[Deployment]]) -> Retries:
    """Returns the retries of all chains."""
    table = _table(router, library)
    policy = router.below("retry_policy")
    if (default := policy.number("DefaultRetries", 0, _MOST)) is not None:
        table.setdefault("max_retries", int(default))
    policies = router.below("model_group_retry_policy").tables()
    return Retries(
        table,
        _outcomes(policy, table),
        {group: _own(found, router.remarks) for group, found in groups.items()},
        {group: _outcomes(each, table) for group, each in policies.items()},
    )


def _table(router: Section, library: Section) -> Tree:
    count = winner("num_retries", router, library).number("num_retries", 0, _MOST)
    table: Tree = {} if count is None else {"max_retries": int(count)}
    pause = router.number("retry_after", 0, DAY)
    if pause:
        router.differ("retry_after", "half to all of it is drawn; it doubles from retry to retry")
        table |= {"initial_backoff": pause, **({"max_backoff": pause} if pause > _MAX_BACKOFF else {})}
    return table


def _outcomes(policy: Section, table: Tree) -> Tree:
    """Returns the table `outcomes` of a chain for a policy."""
    found = {key: policy.number(key, 0, _MOST) for key in _RETRIED}
    times = {key: int(each) for key, each in found.items() if each is not None}
    if times.get("AuthenticationErrorRetries"):
        policy.leave("AuthenticationErrorRetries", "a refused key is not tried until a probe finds it good")
        del times["AuthenticationErrorRetries"]
    for key, each in times.items():
        if each > 1 and each != table.get("max_retries"):
            policy.differ(key, "as often as the chain's retry.max_retries")
    policy.finish()
    return {_RETRIED[key].value: {"same_provider": _same_provider(each)} for key, each in times.items()}


def _same_provider(times: int) -> str:
    return ("never", "once")[times] if times < 2 else "backoff"


def _own(found: Iterable[Deployment], remarks: Remarks) -> Tree:
    """Returns what all deployments of a group say alike."""
    if len(times := {each.retries for each in found}) == 1:
        [same] = times
        return {} if same is None else {"max_retries": same}
    for each in found:
        if each.retries is not None:
            path = (*each.path, "litellm_params", "num_retries")
            remarks.leave(path, each.retries, "retries are a chain's, and its deployments differ")
    return {}
