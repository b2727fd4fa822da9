"""docker-compose.yml as Compose reads it, and its services as processes of this machine."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tasks.local.process import Process

BIN = Path(sys.executable).parent
SECRETS = {
    "REDIS_PASSWORD": "redis-secret-4411",
    "FLOWER_BASIC_AUTH": "ann:flower-secret-4412",
    "ANTHROPIC_API_KEY": "anthropic-secret-4413",
    "OPENAI_API_KEY": "openai-secret-4414",
    "LLAMA_CPP_API_KEY": "llama-secret-4415",
}


def compose(environment: Mapping[str, str], *arguments: str, within: float = 60.0) -> str:
    """Runs the real Compose in the repository's root, without a .env, and returns what it prints."""
    ran = subprocess.run(
        [str(BIN / "docker-compose"), "--env-file", "/dev/null", *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@dataclass(frozen=True)
class Machine:
    """This machine in the place of the containers: their secrets, ports and folders lie here."""

    fleet: Fleet
    places: dict[str, str]
    """What stands in the file -> what it is here."""

    def here(self, text: str) -> str:
        for there, place in self.places.items():
            text = text.replace(there, place)
        return text.replace("$$", "$")  # Compose's own escape

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        return {key: self.here(value) for key, value in service.get("environment", {}).items()}

    def alive(self, name: str) -> str:
        return str(self.fleet.folder / f"{name}.alive")

    def start(self, name: str, service: Mapping[str, Any], ready: Callable[[Process], bool]) -> Process:
        """Starts a service's command with its environment, and with this virtual environment's programs first."""
        environment = self.environment(service) | {"FALLBACK_ALIVE_FILE": self.alive(name)}
        command = [self.here(word) for word in service["command"]]
        return self.fleet.start(name, command, ready=ready, environment=environment, cwd=ROOT)

    def healthy(self, name: str, service: Mapping[str, Any]) -> bool:
        """Runs a service's healthcheck, the image's where it has none of its own."""
        test = service["healthcheck"]["test"] if "healthcheck" in service else image_s_healthcheck()
        command = ["sh", "-c", test[1]] if test[0] == "CMD-SHELL" else test
        environment = self.fleet.environment | {"FALLBACK_ALIVE_FILE": self.alive(name)}
        words = [self.here(word) for word in command]
        return subprocess.run(words, env=environment, capture_output=True, timeout=30, check=False).returncode == 0


def image_s_healthcheck() -> list[str]:
    [command] = re.findall(r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    words: list[str] = json.loads(command)
    return words
