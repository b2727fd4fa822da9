"""Measures what checking an answer against its schema costs, and what a hostile schema costs until it is refused.

`python bench/schemas.py [--rounds N]` prints CPU ms. docs/benchmarks/schemas.md says how and why.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import click

# Python puts this file's folder first, where `worker` would be bench/worker.py.
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kit import report
from tests.worker.schema.hostile import HOSTILE
from worker.schema import SchemaFault, compiled, violation

RECORD = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z ]+$"},
        "degrees": {"type": "number", "minimum": -90},
        "kind": {"enum": ["wet", "dry"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["name", "degrees", "kind", "note"],
    "additionalProperties": False,
}
GOOD = {"name": "Oslo", "degrees": -3.5, "kind": "dry", "note": None}
FOREVER = ("a bomb of allOf", "a bomb of unevaluatedProperties", "a long chain of references", "a huge pattern")
FOREVER += ("nested repetition", "a host", "an enum of many objects", "too many bytes")


def _listed() -> dict[str, Any]:
    return {"$defs": {"record": RECORD}, "type": "array", "items": {"$ref": "#/$defs/record"}}


def _wide(tables: int) -> dict[str, Any]:
    properties = {f"field_{number}": RECORD for number in range(tables)}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "4 fields": (RECORD, GOOD),
    "40 fields": (_wide(10), {f"field_{number}": GOOD for number in range(10)}),
    "1,000 fields": (_wide(250), {f"field_{number}": GOOD for number in range(250)}),
    "a list of 1,000": (_listed(), [GOOD] * 1_000),
}
"""Schemas, each with an answer that it allows; the last value of the answer is then made wrong."""

_TITLES = map(str, count())
"""A schema with another title is another schema."""


@click.command()
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1, 1_000))
def main(rounds: int) -> None:
    """Measures compiling and checking."""
    console = report.console()
    console.print(report.machine("jsonschema-rs", "pydantic"), soft_wrap=True)
    lines = {name: _costs(schema, answer, rounds) for name, (schema, answer) in CASES.items()}
    columns = ("compile", "find again", "check", "check, wrong", "place")
    console.print(report.grid("schemas and answers, CPU ms", columns, lines))
    refusals = {name: [report.spread(_samples(partial(_refused, name), rounds))] for name in FOREVER}
    console.print(report.grid("refusals, CPU ms", ("refuse",), refusals))
    schema, answer = {"items": {"allOf": [{"minimum": -number} for number in range(9_000)]}}, [0] * 2_200
    found = compiled(schema)
    spent = _samples(lambda: violation(found, answer, 6_600), rounds)
    console.print(f"just below the bound, 9,000 schemas for each of 2,200 values: {report.spread(spent)} CPU ms")
    console.print(f"{rounds} rounds: median (lowest to highest)")


def _costs(schema: dict[str, Any], answer: Any, rounds: int) -> list[str]:
    wrong = json.loads(json.dumps(answer))
    last = wrong[-1] if isinstance(wrong, list) else wrong
    while isinstance(inner := list(last.values())[-1], dict):
        last = inner
    last["note"] = 1
    size, found = len(json.dumps(answer)), compiled(schema)

    measured: list[Callable[[], object]] = [
        lambda: compiled({**schema, "title": next(_TITLES)}),
        lambda: compiled(schema),
        lambda: violation(found, answer, size),
        lambda: violation(found, wrong, size),
    ]
    return [
        *(report.spread(_samples(each, rounds)) for each in measured),
        str(violation(found, wrong, size)).partition(":")[0],
    ]


def _refused(name: str) -> None:
    try:
        compiled({**HOSTILE[name][0], "title": next(_TITLES)})
    except SchemaFault:
        return
    raise AssertionError(f"{name}: was not refused")


def _samples(call: Callable[[], object], rounds: int) -> list[float]:
    samples = []
    for _ in range(rounds):
        begin = time.thread_time()
        call()
        samples.append(1000 * (time.thread_time() - begin))
    return samples


if __name__ == "__main__":
    main()
