"""Records what clients send: each package holds a short conversation with a server that writes the bodies down.

By hand, in an environment that has the Python packages, none of which the tests need:

    python -m tests.wild.recording tests/wild/requests [PACKAGE ...]

Packages of npm, named `npm:openai` and so on, are installed in a folder that is removed afterwards: it wants npm and
Node 22, and records the newest versions. What they send is in recording.mjs.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.wild.writing import writing

PNG = "data:image/png;base64,iVBORw0KGgo="
TOOL = {
    "type": "function",
    "function": {
        "name": "clock",
        "description": "Returns the time in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


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
NPM: dict[str, tuple[str, ...]] = {
    "npm:openai": ("openai", "zod"),
    "npm:@ai-sdk/openai": ("@ai-sdk/openai", "ai", "zod"),
    "npm:@ai-sdk/openai-compatible": ("@ai-sdk/openai-compatible", "ai", "zod"),
    "npm:@openrouter/ai-sdk-provider": ("@openrouter/ai-sdk-provider", "ai", "zod"),
}
"""What each is installed with."""


def _converse(name: str, url: str) -> str:
    """Holds the conversation of a package, and returns its version."""
    if name in PACKAGES:
        PACKAGES[name](url)
        return version(name)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", *NPM[name]], cwd=folder, check=True)
        shutil.copy(Path(__file__).with_suffix(".mjs"), folder)
        subprocess.run(["node", "recording.mjs", NPM[name][0], url], cwd=folder, check=True)
        found = [Path(folder, "node_modules", each, "package.json") for each in NPM[name]]
        versions = [json.loads(path.read_text("utf-8"))["version"] for path in found]
    return ", ".join([versions[0], *map(" ".join, zip(NPM[name][1:], versions[1:], strict=True))])


def main(folder: Path, packages: list[str]) -> None:
    """Writes a file of bodies for each package."""
    for name in packages or (*PACKAGES, *NPM):
        with writing() as (url, bodies):
            found = _converse(name, url)
        recorded = {"package": name, "version": found, "bodies": bodies}
        file = name.replace("@", "").replace("/", "-").replace(":", "-") + ".json"
        (folder / file).write_text(json.dumps(recorded, indent=1) + "\n", "utf-8")
        print(f"{name} {found}: {len(bodies)} bodies")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
