"""Every answer of the corpus through the queue, asked for as a stream and plain: what it means, and what it costs."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from config.outcomes import Outcome
from tests.wild.bed import Came, Sent, all_sent, problems, results, table
from tests.wild.corpus import Answered, answers

ENTRIES = list(answers())
SENT = all_sent(ENTRIES)


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[dict[str, Came]]:
    with results(SENT, tmp_path_factory.mktemp("wild"), clean_environment) as found:
        yield found


@pytest.mark.parametrize("each", SENT, ids=lambda each: each.id)
def test_an_answer_of_the_wild_is_read_as_it_is_meant_or_not_at_all(came: dict[str, Came], each: Sent) -> None:
    outcome, entry = came[each.name].outcome, each.entry
    assert isinstance(entry, Answered)
    assert problems(each, came[each.name]) == []
    if entry.outcome == Outcome.SUCCESS:
        assert isinstance(outcome, dict)
        assert meaning(outcome) == expected(entry)
        ids = [call.id for call in entry.tool_calls]
        read = [call["id"] for call in outcome["choices"][0]["message"].get("tool_calls", ())]
        assert len(set(read)) == len(read)
        assert [id_ or its for id_, its in zip(ids, read, strict=True)] == read


def expected(entry: Answered) -> dict[str, Any]:
    """What the entry says that it means; no content and an empty one are the same."""
    usage = entry.usage
    return {
        "content": entry.content or None,
        "reasoning_content": entry.reasoning_content,
        "finish_reason": entry.finish_reason,
        "tool_calls": [(call.name, arguments(call.arguments)) for call in entry.tool_calls],
        "usage": usage and (usage.prompt, usage.completion, usage.cached, usage.reasoning),
    }


def meaning(result: dict[str, Any]) -> dict[str, Any]:
    choice, usage = result["choices"][0], result["usage"]
    message = choice["message"]
    return {
        "content": message["content"] or None,
        "reasoning_content": message.get("reasoning_content"),
        "finish_reason": choice["finish_reason"],
        "tool_calls": [
            (call["function"]["name"], arguments(call["function"]["arguments"]))
            for call in message.get("tool_calls", ())
        ],
        "usage": usage
        and (
            usage["prompt_tokens"],
            usage["completion_tokens"],
            usage["prompt_tokens_details"]["cached_tokens"],
            usage["completion_tokens_details"]["reasoning_tokens"],
        ),
    }


def arguments(text: str) -> Any:
    """The arguments of a call as a value; the text itself where the length cut it."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_the_corpus_is_printed_with_its_counts(
    came: dict[str, Came], record_property: Callable[[str, object], None]
) -> None:
    record_property("counted", table(SENT, came))
    assert len(ENTRIES) >= 80


def test_each_entry_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(entry.id for entry in ENTRIES).items() if times > 1] == []
