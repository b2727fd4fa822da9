"""The account of one completion: what each provider is estimated to use of limits and budgets, and what it did use."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from config.limits import Limits, nano_usd
from config.outcomes import Outcome
from config.providers import Provider
from worker.admission.score import Scoring
from worker.chain.capability import Requirements
from worker.chain.delivery import Delivery
from worker.limits.bill import Bill, Figures, Row, ledger_line
from worker.limits.demand import Budgets, Estimate, budgets, estimate
from worker.task.journal import Entry

NO_LIMITS = Limits()
NOTHING = Estimate(0, 0)

_LONGEST = 64
"""Characters of a tenant's name in a field of Redis; of a longer one there are 40 and a digest."""


@dataclass(frozen=True)
class Account:
    """What one delivery's completion may use, and what its attempts have used."""

    delivery: Delivery

    def demand(self, providers: Sequence[str], scoring: Scoring | None = None) -> str:
        """Returns what the scripts check and reserve, and how they score; empty without limit, budget and group."""
        scored = scoring.demand() if scoring else {}
        if not any(map(self._is_limited, providers)):
            return json.dumps(scored) if scored else ""
        return self._budgets.demand([self._estimate(name) for name in providers], scored)

    def bill(self, entry: Entry) -> Bill:
        """Returns what an attempt cost."""
        return Bill(self._settlement(entry.provider, self._used(entry)), self._ledger(entry))

    def unused(self, provider: str) -> Bill:
        """Returns the bill of a permit that was not used."""
        return Bill(self._settlement(provider, NOTHING))

    @cached_property
    def _budgets(self) -> Budgets:
        return budgets(self.delivery.route.chain, self.delivery.route.tenants, self._tenant)

    @cached_property
    def _tenant(self) -> str:
        name = (self.delivery.request.metadata or {}).get("tenant", "")
        return name if len(name) <= _LONGEST else f"{name[:40]}~{sha256(name.encode()).hexdigest()[:16]}"

    @cached_property
    def prompt(self) -> int:
        """Returns the estimated tokens of the prompt."""
        return Requirements(self.delivery.request).about

    @cached_property
    def _estimates(self) -> dict[str, Estimate]:
        return {}

    def _provider(self, name: str) -> Provider:
        return self.delivery.route.providers[name]

    def _is_limited(self, name: str) -> bool:
        of_all = self._budgets
        return bool(of_all.daily) or of_all.most is not None or self._provider(name).limits != NO_LIMITS

    def _estimate(self, name: str) -> Estimate:
        """Returns the same estimate for a provider throughout the delivery: what was reserved is settled by it."""
        if name not in self._estimates:
            provider, request = self._provider(name), self.delivery.request
            model = provider.model(request.model)
            self._estimates[name] = estimate(provider, model, self.prompt, request.limit, time.time())
        return self._estimates[name]

    def _settlement(self, name: str, used: Estimate) -> str:
        if not self._is_limited(name):
            return ""
        expected = self._estimate(name)
        return self._budgets.settlement(Estimate(used.tokens - expected.tokens, used.nano - expected.nano))

    def _used(self, entry: Entry) -> Estimate:
        """Returns what an attempt used; while the bill is open, at least what was estimated."""
        tokens = entry.tokens["prompt"] + entry.tokens["completion"] if entry.tokens else 0
        nano = nano_usd(entry.cost_usd or 0.0)
        if not entry.billed:
            return Estimate(tokens, nano)
        expected = self._estimate(entry.provider)
        return Estimate(max(tokens, expected.tokens), max(nano, expected.nano))

    def _ledger(self, entry: Entry) -> str:
        """Returns the line of an attempt that was billed or perhaps billed, empty for another."""
        if not entry.tokens and not entry.billed:
            return ""
        told = entry.tokens or {"prompt": 0, "completion": 0}
        nano, tokens = nano_usd(entry.cost_usd or 0.0), told["prompt"] + told["completion"]
        is_answered = entry.outcome == Outcome.SUCCESS
        figures = Figures(
            nano=nano,
            wasted_nano=0 if is_answered else nano,
            prompt=told["prompt"],
            completion=told["completion"],
            wasted_tokens=0 if is_answered else tokens,
            answered=int(is_answered),
            failed=int(not is_answered),
            open=int(entry.billed is not None),
            unpriced=int(bool(entry.tokens) and entry.cost_usd is None),
        )
        row = Row(entry.provider, entry.model or "", self.delivery.route.chain.name, self._tenant)
        return ledger_line(row, figures)
