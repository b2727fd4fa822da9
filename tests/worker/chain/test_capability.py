"""Who cannot take a request, and why."""

import pytest

from config.chains import Chain
from config.providers import Model
from tests.worker.admission.clocked_breaker import provider
from tests.worker.providers.asking import request
from worker.chain.capability import IMAGE, Requirements, incapable, lacking, tokens
from worker.chain.delivery import Delivery, with_compatibility
from worker.chain.route import Route

PICTURE = [{"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}]
FUNCTION = {"name": "look_up", "description": "Looks a word up.", "parameters": {"type": "object", "properties": {}}}
TOOLS = {"tools": [{"type": "function", "function": FUNCTION}]}
SCHEMA = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"word": {"type": "string"}}}},
    }
}
JSON = {"response_format": {"type": "json_object"}}
TEXT = "The quick brown fox jumps over the lazy dog. "
LONG = 200 * TEXT


def reason(asked, dialect="openai", **model):
    return lacking(Requirements(asked), provider("p", dialect=dialect), Model(name="m", **model))


NEEDS = [
    (request(), [], "openai", None),
    (request(("user", PICTURE)), ["images"], "openai", "takes no images"),
    (request(("user", PICTURE)), ["tools", "schema", "json"], "openai", None),
    (request(**TOOLS), ["tools"], "openai", "takes no tools"),
    (request(**TOOLS), ["images"], "openai", None),
    (request(**SCHEMA), ["schema"], "openai", "takes no schema for its answer"),
    (request(**SCHEMA), ["json"], "openai", None),
    (request(**JSON), ["json"], "openai", "has no JSON mode"),
    (request(**JSON), [], "anthropic", None),
    (request(**SCHEMA), [], "anthropic", None),
    (request(("user", PICTURE), **TOOLS), ["images", "tools"], "llama_cpp", "takes no tools"),
]


@pytest.mark.parametrize(("asked", "unsupported", "dialect", "expected"), NEEDS)
def test_a_request_needs_what_neither_dialect_nor_model_may_lack(asked, unsupported, dialect, expected):
    assert reason(asked, dialect, unsupported=unsupported) == expected


def prompt_of(n):
    """Returns a request that is estimated at about `n` tokens."""
    return request(("user", TEXT * round(n / tokens(TEXT))))


@pytest.mark.parametrize(("times", "skipped"), [(0.9, False), (1.3, False), (1.5, True), (10, True)])
def test_only_a_prompt_clearly_above_the_window_is_skipped(times, skipped):
    assert (reason(prompt_of(times * 1_000), context=1_000) is not None) is skipped


def test_the_reason_names_the_tokens_and_the_window():
    asked = request(("user", LONG), max_tokens=4_096)
    about = Requirements(asked).about
    assert reason(asked, context=5_000) == f"about {about:,} tokens and 4,096 of answer, window 5,000"
    assert reason(request(("user", LONG)), context=1_000) == f"about {about:,} tokens, window 1,000"


def test_an_unknown_window_takes_everything():
    assert reason(prompt_of(100_000)) is None


def test_the_answer_needs_room_as_long_as_the_model_can_write():
    asked = request(max_tokens=8_192)
    assert reason(asked, context=4_096) == f"about {Requirements(asked).about} tokens and 8,192 of answer, window 4,096"
    assert reason(asked, context=4_096, max_output=1_024) is None


@pytest.mark.parametrize(
    ("asked", "max_output", "sent"), [(None, None, None), (None, 5, None), (9, None, 9), (9, 5, 5), (3, 5, 3)]
)
def test_no_more_is_asked_of_a_model_than_it_gives(asked, max_output, sent):
    assert Model(name="m", max_output=max_output).limit(asked) == sent


def test_a_window_is_the_one_of_the_tier_that_the_request_names():
    models = {"default": Model(name="m", context=100_000), "fast": Model(name="f", context=100)}
    both = {"a": provider("a", models=models), "b": provider("b")}
    assert incapable(request(("user", LONG)), both) == {}
    assert list(incapable(request(("user", LONG), model="fast"), both)) == ["a"]


CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": LONG}}
PARTS = [
    request(("user", LONG)),
    request(("system", LONG), ("user", "Go on.")),
    request(("user", [{"type": "text", "text": LONG}, *PICTURE])),
    request(tools=[{"type": "function", "function": {**FUNCTION, "description": LONG}}]),
    request(
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"description": LONG}}},
    ),
    request(
        messages=[
            {"role": "user", "content": "Go on."},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "It is."},
        ]
    ),
    request(
        messages=[
            {"role": "user", "content": "Go on."},
            {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "look_up", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": LONG},
        ]
    ),
]


@pytest.mark.parametrize("asked", PARTS)
def test_whatever_the_model_reads_counts(asked):
    assert tokens(LONG) <= Requirements(asked).about <= 1.1 * tokens(LONG) + IMAGE
    assert Requirements(asked).most >= len(LONG)


def test_an_image_counts_by_itself_and_not_by_its_bytes():
    url = {"url": "data:image/png;base64," + 40_000 * "iVBORw0K"}
    asked = request(("user", [{"type": "image_url", "image_url": url}]))
    assert IMAGE <= Requirements(asked).about <= Requirements(asked).most < 2 * IMAGE


@pytest.mark.parametrize("text", ["", "a", "é", "日本語", "👩🏽‍🚀", TEXT, 1_000 * "Z9"])
def test_an_estimate_stays_below_the_bound_that_skips_it(text):
    demand = Requirements(request(("user", text or " ")))
    assert demand.about <= demand.most


def test_a_call_goes_along_those_that_can_take_it_and_says_why_not_the_others():
    providers = {
        "small": provider("small", models={"default": Model(name="m", context=100)}),
        "unset": provider("unset", base_url=""),
        "large": provider("large"),
        "elsewhere": provider("elsewhere", models={"default": Model(name="m", context=100)}),
    }
    route = Route(Chain(name="chain", providers=tuple(providers)[:3]), providers)
    found = with_compatibility(Delivery("id", request(("user", LONG), model="fast"), route, lambda: None)).route
    about = Requirements(request(("user", LONG))).about
    assert (found.candidates(), found.tier) == (["large"], "fast")
    assert found.unfit() == [
        ("small", f"incapable: about {about:,} tokens, window 100"),
        ("unset", "not configured: no base URL"),
    ]
