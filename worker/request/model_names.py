"""The names that a request may have as its model: tiers, and models' names that stand for them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The names that requests to one chain may use.

    Attributes:
        tiers: the tiers of its providers.
        models: the tier that each other name stands for; `default` answers for one that no provider of the chain has.
        unknown: the tier for any other name, None to refuse it.
    """

    tiers: Collection[str]
    models: Mapping[str, str] = field(default_factory=dict)
    unknown: str | None = None

    def tier(self, name: str) -> str:
        """Returns the tier that a name stands for.

        Raises:
            ValueError: it stands for none.
        """
        if name in self.tiers:
            return name
        found = self.models.get(name, self.unknown)
        if found is not None:
            return found if found in self.tiers else "default"
        raise ValueError(
            f"names no tier; there are {', '.join(sorted(self.tiers))}. A table [models] can map a model's name to a "
            'tier, and unknown_model = "default" answers any name'
        )
