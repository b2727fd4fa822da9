"""The rules of `config.outcomes` as columns of a table."""

from config.outcomes import RULES, Outcome
from docs.generators.tables import Table, code

FIELDS = tuple(next(iter(RULES.values())).__class__.model_fields)
"""The fields of a rule: the same provider, the next provider, the breaker."""


def annotated(notes: Table) -> Table:
    """Returns rows that begin with a class, with the fields of its rule after the first column.

    Raises:
        ValueError: a row names no class, or a class has no row.
    """
    found = [code(row[0]) for row in notes.rows]
    if missing := [outcome for outcome in Outcome if outcome not in found]:
        raise ValueError(f"no row for {', '.join(missing)}")
    header = [notes.header[0], *(f"`{name}`" for name in FIELDS), *notes.header[1:]]
    return Table(header, [[row[0], *_rule(code(row[0])), *row[1:]] for row in notes.rows])


def _rule(name: str) -> list[str]:
    rule = RULES[Outcome(name)]
    return [f"`{getattr(rule, name)}`" for name in FIELDS]
