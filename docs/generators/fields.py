"""What becomes of each field of a request in each dialect, from the rules that make the bodies."""

from config.providers import Dialect
from docs.generators.tables import Table
from worker.providers.dialects import DIALECTS
from worker.providers.rules import Rule
from worker.request import CompletionRequest
from worker.request.replayed import ANSWER_FIELDS

_ORDER: tuple[Dialect, ...] = ("openai", "llama_cpp", "anthropic")
_WORDS = {"ours": "not sent"}
_BEFORE_NOTE = {"unchanged": ", ", "refused": " "}


def fields() -> Table:
    """Returns a row for each field, with what each dialect makes of it."""
    rows = [[f"`{name}`", *(_cell(DIALECTS[each].rules[name]) for each in _ORDER)] for name in _names()]
    return Table(["field", *(f"`{each}`" for each in _ORDER)], rows)


def answer_fields() -> Table:
    """Returns a row for each field of an answer that is accepted in a conversation and left out."""
    return Table(["field", "from"], [[f"`{name}`", servers] for name, servers in ANSWER_FIELDS.items()])


def _names() -> list[str]:
    """Returns the fields in the order of the request; those that are the same in all dialects come last."""
    return sorted(CompletionRequest.model_fields, key=lambda name: DIALECTS["openai"].rules[name].kind == "ours")


def _cell(rule: Rule) -> str:
    word = _WORDS.get(rule.kind, rule.kind)
    return f"{word}{_BEFORE_NOTE.get(rule.kind, ': ')}{rule.note}" if rule.note else word
