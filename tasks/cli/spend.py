"""`fallback spend`: what completions cost, day by day."""

import csv
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click
from rich.table import Table

from tasks.cli.support.console import console
from tasks.cli.support.redis import requires_redis
from tasks.store import store
from worker.limits.bill import Figures
from worker.limits.spend import DAYS_KEPT, Spent, spent

_COLUMNS = ("\nUSD", "wasted\nUSD", "\nprompt", "\nanswer", "wasted\ntokens", "\nok", "\nfailed", "\nopen")


@click.command()
@click.option(
    "--by", type=click.Choice(("provider", "model", "chain", "tenant")), default="provider", show_default=True
)
@click.option(
    "--days", type=click.IntRange(1, DAYS_KEPT), default=7, show_default=True, help="Today's (UTC) and before."
)
@click.option("--json", "form", flag_value="json", help="An object on one line for each row.")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values with a header.")
def spend(by: str, days: int, form: str | None) -> None:
    """Shows USD and tokens of each day (UTC), what bought no answer apart.

    An attempt counts when it ends, with what its provider told. Tokens are those of prompts and answers, and of both
    the wasted ones; open counts attempts that may have been charged more. A + after an amount says that the price of
    some tokens is unknown.
    """
    with requires_redis():
        rows = _summed(spent(store(), days), by)
    _FORMS[form](rows, by)


def _summed(found: Iterable[Spent], by: str) -> dict[tuple[str, str], Figures]:
    """Returns the figures by day and name, the dearest of a day first."""
    sums: dict[tuple[str, str], Figures] = {}
    for each in found:
        name = f"{each.row.provider}/{each.row.model}" if by == "model" else getattr(each.row, by)
        key = (each.day.isoformat(), name)
        sums[key] = sums.get(key, Figures()) + each.figures
    return dict(sorted(sums.items(), key=lambda item: (item[0][0], -item[1].nano, item[0][1])))


def _values(figures: Figures) -> dict[str, float]:
    return {
        "usd": figures.nano / 1e9,
        "wasted_usd": figures.wasted_nano / 1e9,
        "prompt_tokens": figures.prompt,
        "completion_tokens": figures.completion,
        "wasted_tokens": figures.wasted_tokens,
        "answered": figures.answered,
        "failed": figures.failed,
        "perhaps_billed": figures.open,
        "unpriced": figures.unpriced,
    }


def _table(rows: dict[tuple[str, str], Figures], by: str) -> None:
    found = Table(box=None, pad_edge=False)
    for place, name in enumerate(("\nday", f"\n{by}")):
        found.add_column(name, no_wrap=True, min_width=max((len(key[place]) for key in rows), default=0))
    for name in _COLUMNS:
        found.add_column(name, justify="right", no_wrap=True)
    for (day, name), of in rows.items():
        unpriced = "+" if of.unpriced else ""
        amounts = (f"{of.nano / 1e9:.4f}{unpriced}", f"{of.wasted_nano / 1e9:.4f}")
        counts = (of.prompt, of.completion, of.wasted_tokens, of.answered, of.failed, of.open)
        found.add_row(day, name or "-", *amounts, *(f"{count:,}" for count in counts))
    console().print(found if rows else "nothing was spent in these days")


def _objects(rows: dict[tuple[str, str], Figures], by: str) -> Iterable[dict[str, Any]]:
    return ({"day": day, by: name, **_values(of)} for (day, name), of in rows.items())


def _json(rows: dict[tuple[str, str], Figures], by: str) -> None:
    for each in _objects(rows, by):
        click.echo(json.dumps(each, ensure_ascii=False))


def _csv(rows: dict[tuple[str, str], Figures], by: str) -> None:
    lines = csv.DictWriter(sys.stdout, ("day", by, *_values(Figures())))
    lines.writeheader()
    lines.writerows(_objects(rows, by))


_FORMS: dict[str | None, Callable[[dict[tuple[str, str], Figures], str], None]] = {
    None: _table,
    "json": _json,
    "csv": _csv,
}
