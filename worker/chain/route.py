"""What all deliveries of a completion share: its chain, and which of the chain's providers can take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.chains import Chain, Retry
from config.limits import Tenant
from config.providers import DISABLED, Provider

NOT_CONFIGURED, INCAPABLE = "not configured", "incapable"
"""First words of the reason why a provider is no candidate, beside `DISABLED`; details follow after a colon."""


@dataclass(frozen=True, slots=True)
class Route:
    """What all deliveries of a completion share: the chain, the providers by name, the tier that it asks for.

    `lacking` has the providers that cannot take the request, each with the reason; `tenants` the budgets by tenant.
    """

    chain: Chain
    providers: dict[str, Provider]
    tier: str = "default"
    lacking: Mapping[str, str] = field(default_factory=dict)
    tenants: Mapping[str, Tenant] = field(default_factory=dict)

    def candidates(self) -> list[str]:
        """Returns the chain's providers that are configured and can take the request."""
        return [p for p in self.chain.providers if self.providers[p].missing is None and p not in self.lacking]

    def unfit(self) -> list[tuple[str, str]]:
        """Returns the chain's other providers, each with the reason."""
        reasons = ((p, self._reason(p)) for p in self.chain.providers)
        return [(provider, reason) for provider, reason in reasons if reason]

    def retry(self, provider: str) -> Retry:
        """Returns the chain's retry policy with what the provider's own table replaces, if it is configured here."""
        own = self.providers.get(provider)
        return own.retry.over(self.chain.retry) if own else self.chain.retry

    def _reason(self, provider: str) -> str | None:
        if missing := self.providers[provider].missing:
            return missing if missing == DISABLED else f"{NOT_CONFIGURED}: {missing}"
        lacking = self.lacking.get(provider)
        return f"{INCAPABLE}: {lacking}" if lacking else None
