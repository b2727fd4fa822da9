"""No name that was retired is in the shipped packages or in the reference."""

import re
from pathlib import Path

import pytest

from tests.docs.retired import LIST, ROOT, Retired, files, found, retired

FILE = re.compile(
    r"(?<![\w/.])(?:(?:config|worker|tasks|tests|bench|docs)/[\w/-]+\.(?:py|toml|md|svg)|(?:\w+/)*lua/[\w/]+\.lua)"
)
ENTRIES = retired(LIST.read_text("utf-8"))


def test_no_retired_name_is_in_use():
    report([hit for path in files() for hit in found(path, path.read_text("utf-8"), ENTRIES)])


def test_no_file_is_named_that_is_not_there():
    lines = [(path, number, line) for path in files() for number, line in enumerate(path.open(encoding="utf-8"), 1)]
    named = [(path, number, name) for path, number, line in lines for name in FILE.findall(line)]
    report(
        f"{path.relative_to(ROOT)}:{number}: {name} is not there"
        for path, number, name in named
        if not any((ROOT / folder / name).is_file() for folder in ("", "worker", "tasks"))
    )


def report(hits):
    if lines := list(hits):
        pytest.fail("\n".join(lines), pytrace=False)


def test_the_list_is_well_formed_and_names_nothing_twice():
    assert {each.kind for each in ENTRIES} == {"word", "identifier", "field", "regex"}
    assert len({each.name for each in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.py", "rest = 1  # the rest\n", [1]),
        ("a.py", '"""The rest."""\nx["rest"] = call.rest\n', [2]),
        ("a.py", 'f("one of the rest")\n', []),
        ("a.lua", "-- the rest\nlocal rest = 1\n", [2]),
        ("a.lua", "h('rest', 1) -- rest\nlocal arrest = 2\n", [1]),
        ("a.md", "The rest of it.\nThe field `rest`, and `chain.rest = 1`.\n", [2]),
        ("a.toml", "# the rest\nrest = 1\n", [2]),
    ],
)
def test_an_identifier_is_found_where_it_is_one(name, text, lines):
    hits = found(ROOT / name, text, [Retired("identifier", "rest", "remaining")])
    assert [hit.split(": ")[0] for hit in hits] == [f"{name}:{line}" for line in lines]


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.py", "_, rest = pair  # call.rest\n", [1]),
        ("a.py", "_, rest = pair\nrest += 1\nf(rest)\n", []),
        ("a.py", "class A:\n    rest: int\nf(rest=1)\nx.rest\nx['rest']\n", [2, 3, 4, 5]),
        ("a.toml", "# the rest\nmodel = { rest = 1 }\n", [2]),
        ("a.md", "the rest\n`rest`\n", [2]),
    ],
)
def test_a_field_is_found_where_it_is_no_local_variable(name, text, lines):
    hits = found(ROOT / name, text, [Retired("field", "rest", "remaining")])
    assert [hit.split(": ")[0] for hit in hits] == [f"{name}:{line}" for line in lines]


def test_a_word_is_found_everywhere_but_within_another():
    entry = Retired("word", "store-away", "redis-unavailable")
    text = "# store-away\nlog('store-away error=%s')\nx = 'store-away-now'\n"
    assert list(found(ROOT / Path("a.py"), text, [entry])) == [
        "a.py:1: store-away -> redis-unavailable",
        "a.py:2: store-away -> redis-unavailable",
    ]
