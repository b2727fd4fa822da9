"""Generated schemas and answers: our verdict is that of another validator, and nothing takes long or is quoted."""

import json
from collections import Counter
from typing import Any

import jsonschema
from hypothesis import strategies as st

from tests.fuzz.conftest import Tell
from tests.fuzz.drawing import CASES, drawn
from tests.fuzz.schemas import answers, schemas
from worker.schema import SchemaFault, compiled, violation

PAIRS = schemas().flatmap(lambda schema: st.tuples(st.just(schema), st.lists(answers(schema), min_size=3, max_size=3)))
COUNT = max(CASES, 1_000)


def theirs(schema: dict[str, Any], answer: Any) -> bool:
    """Returns what `jsonschema` says."""
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    kind.check_schema(schema)
    verdict: bool = kind(schema).is_valid(answer)
    return verdict


def test_the_verdict_is_that_of_another_validator(tell: Tell) -> None:
    counted: Counter[str] = Counter()
    for schema, values in drawn(PAIRS, COUNT):
        try:
            found = compiled(schema)
        except SchemaFault as fault:
            counted[f"refused: {fault.reason}"] += 1
            continue
        for value in values:
            text = json.dumps(value)
            broken = violation(found, json.loads(text), len(text))
            assert (broken is None) is theirs(schema, value), (schema, value, broken)
            counted["valid" if broken is None else "invalid"] += 1
    tell(f"{COUNT:,} schemas with three answers each: {dict(counted.most_common())}")
    assert min(counted["valid"], counted["invalid"]) > COUNT / 2
