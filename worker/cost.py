"""What a completion costs."""

from config.providers import Model
from worker.result import Usage


def cost(model: Model, usage: Usage | None) -> float | None:
    """Returns USD by the configured prices per million tokens, None where prices or usage are unknown."""
    if usage is None or model.input_usd is None or model.output_usd is None:
        return None
    return (usage.prompt * model.input_usd + usage.completion * model.output_usd) / 1_000_000
