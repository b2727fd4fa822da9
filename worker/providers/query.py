"""One request as one model of one provider is asked it."""

from dataclasses import dataclass
from typing import Any

from config.providers import Extension, LimitField, Model, Provider
from worker.providers.provider_fields import own_fields
from worker.request import Assistant, CompletionRequest


@dataclass(frozen=True, slots=True)
class Query:
    """One request, and the provider and the model that are asked it."""

    request: CompletionRequest
    provider: Provider
    model: Model

    @property
    def dropped(self) -> frozenset[str]:
        """Returns the fields that the provider or the model is not sent."""
        return self.provider.drop_params | self.model.drop_params

    @property
    def effort(self) -> str | None:
        """Returns the reasoning effort: the only one that the model accepts beside tools, or the request's."""
        return (self.request.tools and self.model.effort_with_tools) or self.request.reasoning_effort

    def limit_field(self, default: LimitField) -> LimitField:
        """Returns the name of the token limit."""
        return self.model.limit_field or self.provider.limit_field or default

    def passes(self, extension: Extension) -> bool:
        """Returns whether the provider takes a field beyond its dialect."""
        return extension in self.provider.pass_params or extension in self.model.pass_params

    def own_fields(self, message: Assistant) -> dict[str, Any]:
        """Returns what the provider's model gave with a message, to see it again."""
        return own_fields(message, self.provider.name, self.model.name)
