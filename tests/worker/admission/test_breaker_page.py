"""The breaker's page and the tests of its hazards name each other."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parents[2] / "docs" / "explanation" / "breaker.md").read_text("utf-8")
HAZARDS = ("test_breaker_hazards.py", "test_hazards_of_loss.py", "test_hazards_of_silence.py")


def written_in(*files):
    return {name for file in files for name in re.findall(r"^def (test_\w+)", (TESTS / file).read_text("utf-8"), re.M)}


def test_the_page_names_every_test_of_a_hazard_and_none_that_is_not_there():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert written_in(*HAZARDS) <= named <= written_in(*HAZARDS, "../store/test_store.py")
