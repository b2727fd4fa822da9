"""The tokens that vendors tell, each in its own way, in one shape."""

from typing import Any

import pytest

from tests.worker.providers.asking import (
    ANTHROPIC_START,
    anthropic_text,
    asked,
    data,
    failure,
    openai_chunk,
    provider,
)
from tests.worker.providers.bare_server import HEAD, chunk, responds, sends, serving, stalls, streams
from worker.providers.dialects import DIALECTS
from worker.result import Usage

OPENAI: list[tuple[str, dict[str, Any], Usage]] = [
    (
        "OpenAI: the parts are within the whole",
        {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        Usage(9, 5, 4, 2, 3),
    ),
    (
        "xAI: reasoning is in the total alone, and the bill is told in ticks",
        {
            "prompt_tokens": 291,
            "completion_tokens": 26,
            "total_tokens": 513,
            "prompt_tokens_details": {"cached_tokens": 290},
            "completion_tokens_details": {"reasoning_tokens": 196},
            "cost_in_usd_ticks": 1330500,
        },
        Usage(291, 222, 290, 196, charged_usd=0.00013305),
    ),
    (
        "Gemini: thinking is in the total alone, and not told apart",
        {"prompt_tokens": 310, "completion_tokens": 25, "total_tokens": 700},
        Usage(310, 390, 0, 365),
    ),
    (
        "DeepSeek's own field",
        {
            "prompt_tokens": 374,
            "completion_tokens": 61,
            "prompt_cache_hit_tokens": 256,
            "prompt_cache_miss_tokens": 118,
        },
        Usage(374, 61, 256),
    ),
    (
        "LiteLLM's names of Anthropic's caches",
        {
            "prompt_tokens": 100,
            "completion_tokens": 5,
            "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 20,
            "prompt_tokens_details": {
                "cached_tokens": 60,
                "cache_creation_tokens": 20,
                "cache_creation_token_details": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 15},
            },
        },
        Usage(100, 5, 60, 0, 20, 15),
    ),
    (
        "Databricks' name of one",
        {"prompt_tokens": 100, "completion_tokens": 5, "cache_read_input_tokens": 60},
        Usage(100, 5, 60),
    ),
    (
        "Anthropic's counting, where the caches are beside",
        {
            "input_tokens": 20,
            "output_tokens": 5,
            "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 20,
            "cache_creation": {"ephemeral_1h_input_tokens": 20},
        },
        Usage(100, 5, 60, 0, 20, 20),
    ),
    (
        "the names of OpenAI's newer interface",
        {
            "input_tokens": 100,
            "output_tokens": 5,
            "total_tokens": 105,
            "input_tokens_details": {"cached_tokens": 60},
            "output_tokens_details": {"reasoning_tokens": 4},
        },
        Usage(100, 5, 60, 4),
    ),
    ("Moonshot's own field", {"prompt_tokens": 9, "completion_tokens": 5, "cached_tokens": 8}, Usage(9, 5, 8)),
    (
        "OpenRouter's bill",
        {"prompt_tokens": 9, "completion_tokens": 5, "cost": 0.25, "cost_details": {"upstream_inference_cost": 0.25}},
        Usage(9, 5, charged_usd=0.25),
    ),
    (
        "OpenRouter's bill where the vendor sends one of its own",
        {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "cost": 0.01,
            "is_byok": True,
            "cost_details": {"upstream_inference_cost": 0.25},
        },
        Usage(9, 5, charged_usd=0.26),
    ),
    (
        "nothing that is no number",
        {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "total_tokens": "many",
            "cached_tokens": -1,
            "prompt_cache_hit_tokens": 10**400,
            "cost": {"total": 1},
            "prompt_tokens_details": [],
        },
        Usage(9, 5),
    ),
]


@pytest.mark.parametrize(("usage", "expected"), [case[1:] for case in OPENAI], ids=[case[0] for case in OPENAI])
def test_tokens_in_openais_format(usage: dict[str, Any], expected: Usage) -> None:
    assembly = DIALECTS["openai"].assembly()
    assembly.add({"id": "1", "model": "m", "choices": [], "usage": usage})
    assert assembly.usage == expected


def test_the_speed_that_was_bought_may_stand_in_an_earlier_chunk() -> None:
    assembly = DIALECTS["openai"].assembly()
    assembly.add({"id": "1", "model": "m", "choices": [], "service_tier": "priority"})
    assembly.add({"id": "1", "model": "m", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}})
    assert assembly.usage == Usage(9, 5, tier="priority")


def test_tokens_in_anthropics_format_are_told_twice_and_apart_from_the_caches() -> None:
    assembly = DIALECTS["anthropic"].assembly()
    start = {
        "input_tokens": 3,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 2,
        "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 1},
        "output_tokens": 1,
        "service_tier": "standard",
    }
    assembly.add({"type": "message_start", "message": {"id": "1", "model": "m", "usage": start}})
    assert assembly.usage == Usage(9, 1, 4, 0, 2, 1, "standard")
    ended = {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 2}, "speed": "fast"}
    assembly.add({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": ended})
    assert assembly.usage == Usage(9, 5, 4, 2, 2, 1, "fast")


def test_a_number_that_was_told_is_not_taken_back() -> None:
    assembly = DIALECTS["anthropic"].assembly()
    assembly.add({"type": "message_start", "message": {"id": "1", "model": "m", "usage": {"input_tokens": 30}}})
    assembly.add({"type": "message_delta", "delta": {}, "usage": {"input_tokens": 0, "output_tokens": 5}})
    assert assembly.usage == Usage(30, 5)


USAGE = {"prompt_tokens": 9, "completion_tokens": 5}
TOLD = data({"id": "chatcmpl-1", "model": "served", "choices": [], "usage": USAGE})


def bill(dialect: Any, *talks: Any, **limits: float) -> tuple[Usage | None, bool]:
    """Returns what a failed attempt says of its bill: the tokens, and whether it may be higher."""
    with serving(*talks) as bare:
        failed = failure(provider(dialect, bare.url, **limits))
    return failed.usage, failed.is_bill_open


def test_a_stream_that_was_cut_after_its_usage_tells_it() -> None:
    cut = sends(HEAD + chunk(openai_chunk("Hello", "stop") + TOLD) + chunk(openai_chunk("x")), keep=False)
    assert bill("openai", cut) == (Usage(9, 5), False)


def test_a_stream_that_was_cut_in_the_middle_tells_what_was_told_so_far_and_that_there_may_be_more() -> None:
    assert bill("anthropic", sends(HEAD + chunk(ANTHROPIC_START + anthropic_text("Hello")), keep=False)) == (
        Usage(9, 0, 4, cache_write=2),
        True,
    )
    assert bill("openai", sends(HEAD + chunk(openai_chunk("Hello")), keep=False)) == (None, True)


def test_an_answer_that_is_none_tells_its_usage() -> None:
    refused = streams(openai_chunk(None, "content_filter"), TOLD, b"data: [DONE]\n\n")
    assert bill("openai", refused) == (Usage(9, 5), False)


def test_a_provider_that_was_asked_and_is_silent_may_have_charged() -> None:
    assert bill("openai", stalls(), first_token_timeout=0.2) == (None, True)


def test_an_error_response_and_a_refused_connection_are_for_free() -> None:
    assert bill("openai", responds(b"500 Error", b"{}")) == (None, False)
    with serving(streams()) as bare:
        gone = bare.url
    assert failure(provider("openai", gone)).is_bill_open is False


def test_the_tokens_of_a_whole_answer_are_in_the_answer() -> None:
    with serving(streams(openai_chunk("Hello", "stop"), TOLD, b"data: [DONE]\n\n")) as bare:
        assert asked(provider("openai", bare.url)).usage == Usage(9, 5)
