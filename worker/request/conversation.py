"""Rules across the messages and fields of a request. They refuse requests that every vendor refuses."""

from collections.abc import Iterator, Sequence

from worker.request.messages import Assistant, Message, Text, ToolResult, User
from worker.request.tools import Choice, NamedToolChoice, Tool

CONTENT = "needs content or tool_calls"


def faults(messages: Sequence[Message]) -> Iterator[str]:
    """Yields the violations of rules between messages, each with its path.

    1. Each call has one result, in the tool messages that follow it directly.
    2. Each tool message answers such a call.
    """
    open_ids: dict[str, str] = {}
    for index, message in enumerate(messages):
        at = f"messages.{index}"
        if isinstance(message, ToolResult):
            if open_ids.pop(message.tool_call_id, None) is None:
                yield f"{at}.tool_call_id: answers no open call of the assistant message before"
            continue
        yield from _unanswered(open_ids)
        open_ids = {}
        if isinstance(message, Assistant):
            yield from _own_faults(message, at)
            open_ids = {call.id: f"{at}.tool_calls.{n}" for n, call in enumerate(message.tool_calls or ())}
    yield from _unanswered(open_ids)
    if not any(map(_is_not_blank, messages)):
        yield "messages: no message has any text but white space"


def _unanswered(open_ids: dict[str, str]) -> Iterator[str]:
    for at in open_ids.values():
        yield f"{at}: no tool message answers it before the next turn"


def _own_faults(message: Assistant, at: str) -> Iterator[str]:
    calls = message.tool_calls or ()
    if message.content is None and not calls:
        yield f"{at}.content: {CONTENT}"
    if len({call.id for call in calls}) < len(calls):
        yield f"{at}.tool_calls: two calls have one id"


def _is_not_blank(message: Message) -> bool:
    if isinstance(message, ToolResult):
        return True
    if isinstance(message.content, str):
        return not message.content.isspace() and message.content != ""
    if isinstance(message, Assistant) and message.tool_calls:
        return True
    return any(not isinstance(part, Text) or part.text.strip() for part in message.content or ())


def tool_faults(tools: Sequence[Tool], choice: Choice | None) -> Iterator[str]:
    """Yields the violations of rules between tools and choice, each with its path."""
    names = [tool.function.name for tool in tools]
    if len(set(names)) < len(names):
        yield "tools: two functions have one name"
    if choice is not None and not tools:
        yield "tool_choice: needs tools"
    elif isinstance(choice, NamedToolChoice) and choice.function.name not in names:
        yield "tool_choice.function.name: names no function of tools"


def part_types(messages: Sequence[Message]) -> set[str]:
    """Returns the types of the parts that users sent: `text`, `image_url`, `file`, `input_audio`."""
    users = (message for message in messages if isinstance(message, User))
    return {part.type for message in users if not isinstance(message.content, str) for part in message.content}
