"""The bodies that recording.py wrote down, and what the models that they name stand for."""

import json
from pathlib import Path
from typing import Any

from worker.request.model_names import ModelNames

NAMES = ModelNames(
    ("default", "fast"),
    {"gpt-4o": "default", "gpt-4o-mini": "fast", "o4-mini": "fast", "deepseek-reasoner": "default"},
)
_RECORDED = [
    json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parent / "requests").glob("*.json"))
]
_SENT: dict[str, dict[str, Any]] = {
    f"{each['package']} {each['version']}, {number}": body
    for each in _RECORDED
    for number, body in enumerate(each["bodies"])
}
STREAMED = {name: body for name, body in _SENT.items() if body.get("stream")}
"""Those that ask for a stream."""

BODIES = _SENT | {name: body | {"stream": False} for name, body in STREAMED.items()}
"""All, asking for an answer in one piece."""
