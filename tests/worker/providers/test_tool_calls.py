"""Calls put together from pieces that servers count, name and split as they like."""

import pytest

from worker.errors import AttemptFailed
from worker.providers.tool_calls import ToolCalls

# Each piece: index, id, name, arguments.
JOINED = [
    ([(0, "a", "f", '{"x":'), (0, None, None, "1}")], [("a", "f", '{"x":1}')]),
    ([(0, "a", "f", '{"x":'), (0, "b", None, "1}")], [("a", "f", '{"x":1}')]),
    ([(0, "a", "f", '{"x":'), (0, "b", "f", "1}")], [("a", "f", '{"x":1}')]),
    ([(0, "a", "f", '{"x":'), (0, None, "f", "1}"), (0, None, "f", "")], [("a", "f", '{"x":1}')]),
    ([(0, "a", "f", '{"x":1}'), (0, "b", "f", '{"x":2}')], [("a", "f", '{"x":1}'), ("b", "f", '{"x":2}')]),
    ([(0, None, "f", '{"x":1}'), (0, None, "g", "{}")], [(None, "f", '{"x":1}'), (None, "g", "{}")]),
    ([(0, "a", "f", ""), (1, "b", "g", ""), (0, None, None, "{}"), (1, None, None, "{}")],
     [("a", "f", "{}"), ("b", "g", "{}")]),
    ([(None, "a", "f", "{}"), (None, "b", "g", "{}")], [("a", "f", "{}"), ("b", "g", "{}")]),
    ([(0, "a", "get_", ""), (0, None, "weather", ""), (0, None, None, "{}")], [("a", "get_weather", "{}")]),
    ([(0, "a", "f", {"x": 1})], [("a", "f", '{"x": 1}')]),
    ([(0, "a", "f", {"x": 1}), (0, None, None, '{"x"'), (0, None, None, ":1}")], [("a", "f", '{"x":1}')]),
    ([(0, "a", None, '{"x":1}'), (0, None, "f", "")], [("a", "f", '{"x":1}')]),
    ([(0, "a", "f", "")], [("a", "f", "{}")]),
    ([(0, "a", "f", "{}"), (1, "a", "f", "{}")], [("a", "f", "{}"), (None, "f", "{}")]),
]  # fmt: skip


def put_together(pieces, *, is_cut=False):
    calls = ToolCalls()
    for piece in pieces:
        calls.add(*piece)
    whole = calls.whole("answer", is_cut=is_cut)
    return [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in whole]


@pytest.mark.parametrize(("pieces", "expected"), JOINED)
def test_pieces_are_the_calls_that_they_can_only_mean(pieces, expected):
    found = put_together(pieces)
    assert [(name, arguments) for _, name, arguments in found] == [(name, arguments) for _, name, arguments in expected]
    assert all(expected_id in (None, id_) for (id_, *_), (expected_id, *_) in zip(found, expected, strict=True))
    assert len({id_ for id_, *_ in found}) == len(found)


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([(0, "a", "f", '{"x":1}'), (0, None, None, '{"x":2}')], "broken_call"),
        ([(0, "a", "f", '{"x":')], "broken_call"),
        ([(0, "a", "f", "[1]")], "broken_call"),
        ([(0, "a", None, "{}")], "broken_call"),
        ([(0, "a", "f", {"x": 1}), (0, None, None, '{"x":2}')], "broken_call"),
    ],
)
def test_what_can_mean_anything_is_no_call(pieces, reason):
    with pytest.raises(AttemptFailed) as failed:
        put_together(pieces)
    assert failed.value.reason == reason


def test_a_call_that_the_length_cut_is_returned_as_it_is():
    assert put_together([(0, "a", "f", '{"x":')], is_cut=True) == [("a", "f", '{"x":')]
