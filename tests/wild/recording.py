"""Records what clients send: each package holds a short conversation with a server that writes the bodies down.

By hand, in an environment that has the packages, none of which the tests need:

    python -m tests.wild.recording tests/wild/requests [PACKAGE ...]
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

CALL = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": '{"city":"Oslo"}'}}
PERSON = json.dumps({"name": "Ann", "age": 3})
PNG = "data:image/png;base64,iVBORw0KGgo="
TOOL = {
    "type": "function",
    "function": {
        "name": "clock",
        "description": "Returns the time in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class _Writer(BaseHTTPRequestHandler):
    """Writes each body down, and answers it: a call where there are tools and no result yet, else a text."""

    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append(body)
        data = json.dumps(_answer(body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing is logged."""


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    has_result = any(message["role"] == "tool" for message in body["messages"])
    message: dict[str, Any] = {"role": "assistant", "content": "Noon.", "refusal": None, "annotations": []}
    finish = "stop"
    if body.get("tools") and not has_result:
        name = body["tools"][0]["function"]["name"]
        arguments = CALL["function"]["arguments"] if name == "clock" else PERSON  # type: ignore[index]
        call = CALL | {"function": {"name": name, "arguments": arguments}}
        message, finish = message | {"content": None, "tool_calls": [call]}, "tool_calls"
    elif "json" in json.dumps(body.get("response_format", "")):
        message["content"] = PERSON
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
    }


@contextmanager
def _writing() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    bodies: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Writer", (_Writer,), {"bodies": bodies}))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", bodies
    server.shutdown()


def _openai(url: str) -> None:
    import openai
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    client = openai.OpenAI(base_url=url, api_key="x")
    messages: list[Any] = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Time in Oslo?"}]
    message = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TOOL]).choices[0].message
    messages += [message, {"role": "tool", "tool_call_id": "call_1", "content": "noon"}]
    message = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TOOL], seed=1).choices[0].message
    messages += [message.model_dump(), {"role": "user", "content": [{"type": "text", "text": "Thanks."}]}]
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=messages,
        n=1,
        stop=["END"],
        logprobs=True,
        top_logprobs=2,
        frequency_penalty=0.1,
        presence_penalty=0,
        logit_bias={"50256": -100},
        service_tier="auto",
        store=False,
        metadata={"job": "a"},
        user="u1",
        safety_identifier="s1",
        prompt_cache_key="k",
        verbosity="low",
        reasoning_effort="low",
        max_completion_tokens=50,
        prediction={"type": "content", "content": "Noon."},
        modalities=["text"],
    )
    asked: list[Any] = [{"role": "user", "content": "Ann, 3"}]
    parsed = client.chat.completions.parse(model="gpt-4o", messages=asked, response_format=Person).choices[0].message
    client.chat.completions.create(model="gpt-4o", messages=[*asked, parsed, *asked])  # type: ignore[list-item]
    image = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
    client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": [{"type": "text", "text": "What?"}, image]}],  # type: ignore[list-item]
        functions=[TOOL["function"]],
        function_call="auto",
    )


def _langchain_openai(url: str) -> None:
    from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
    from langchain_openai import ChatOpenAI
    from pydantic import BaseModel

    class Person(BaseModel):
        """A person."""

        name: str
        age: int

    model = ChatOpenAI(base_url=url, api_key="x", model="gpt-4o", temperature=0, max_tokens=50)
    messages: list[Any] = [SystemMessage("Be brief."), HumanMessage("Time in Oslo?")]
    answer = model.bind_tools([TOOL]).invoke(messages)
    messages += [answer, ToolMessage("noon", tool_call_id="call_1", name="clock")]
    messages.append(model.bind_tools([TOOL], tool_choice="auto", parallel_tool_calls=False).invoke(messages))
    image = {"type": "image_url", "image_url": {"url": PNG}}
    messages.append(HumanMessage([{"type": "text", "text": "What is it?"}, image]))
    model.invoke(messages)
    model.with_structured_output(Person).invoke("Ann, 3")
    model.with_structured_output(Person, method="function_calling").invoke("Ann, 3")
    model.with_structured_output(Person, method="json_mode").invoke("Ann, 3, as JSON")


def _litellm(url: str) -> None:
    import litellm

    def ask(messages: list[Any], **fields: Any) -> Any:
        answer = litellm.completion(model="openai/gpt-4o", api_base=url, api_key="x", messages=messages, **fields)
        return answer.choices[0].message

    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Time in Oslo?"}]
    message = ask(messages, tools=[TOOL], tool_choice="auto")
    messages += [message, {"role": "tool", "tool_call_id": "call_1", "name": "clock", "content": "noon"}]
    messages += [ask(messages, tools=[TOOL], temperature=0.2, max_tokens=50).model_dump()]
    ask([*messages, {"role": "user", "content": "Thanks."}], top_p=0.9, stop="END", user="u1", n=1)


def _pydantic_ai(url: str) -> None:
    from pydantic import BaseModel
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    class Person(BaseModel):
        name: str
        age: int

    model = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(base_url=url, api_key="x"))
    agent = Agent(model, instructions="Be brief.")

    @agent.tool_plain
    def clock(city: str) -> str:
        """Returns the time in a city."""
        return "noon"

    first = agent.run_sync("Time in Oslo?")
    agent.run_sync("Thanks.", message_history=first.all_messages(), model_settings={"temperature": 0, "max_tokens": 9})
    Agent(model, output_type=Person).run_sync("Ann, 3")


def _instructor(url: str) -> None:
    import instructor
    import openai
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    for mode in (
        instructor.Mode.TOOLS,
        instructor.Mode.TOOLS_STRICT,
        instructor.Mode.JSON,
        instructor.Mode.JSON_SCHEMA,
    ):
        client = instructor.from_openai(openai.OpenAI(base_url=url, api_key="x"), mode=mode)
        client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Ann, 3"}], response_model=Person, max_retries=1
        )


PACKAGES: dict[str, Callable[[str], None]] = {
    "openai": _openai,
    "langchain-openai": _langchain_openai,
    "litellm": _litellm,
    "pydantic-ai-slim": _pydantic_ai,
    "instructor": _instructor,
}


def main(folder: Path, packages: list[str]) -> None:
    """Writes a file of bodies for each package."""
    for name in packages or PACKAGES:
        with _writing() as (url, bodies):
            PACKAGES[name](url)
        recorded = {"package": name, "version": version(name), "bodies": bodies}
        (folder / f"{name}.json").write_text(json.dumps(recorded, indent=1) + "\n", "utf-8")
        print(f"{name} {version(name)}: {len(bodies)} bodies")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
