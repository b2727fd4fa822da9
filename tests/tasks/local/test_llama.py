import signal

import httpx
import pytest

from tasks.local import llama as llama_cpp
from tasks.local.errors import FleetError
from tasks.local.fleet import Fleet
from tasks.local.llama import Llama

QUESTION = {"messages": [{"role": "user", "content": "Name a zebrafish."}], "max_tokens": 8}


def ask(llama: Llama, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{llama.url}/v1/chat/completions", json=QUESTION, headers=headers, timeout=60)


def test_it_answers_a_completion(llama: Llama) -> None:
    answer = ask(llama, llama.key).raise_for_status().json()
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] <= 8


def test_it_refuses_another_key(llama: Llama) -> None:
    assert ask(llama, "other").status_code == 401


@pytest.mark.parametrize("path", ["/props", "/slots", "/metrics", "/v1/models"])
def test_it_tells_about_itself(llama: Llama, path: str) -> None:
    headers = {"Authorization": f"Bearer {llama.key}"}
    assert httpx.get(llama.url + path, headers=headers).status_code == 200


def test_its_log_holds_neither_prompt_nor_key(llama: Llama) -> None:
    ask(llama, llama.key)
    assert "zebrafish" not in llama.process.output()
    assert llama.key not in " ".join(llama.process.command)


def test_sigterm_ends_it(fleet: Fleet) -> None:
    server = llama_cpp.start(fleet)
    server.process.signal(signal.SIGTERM)
    assert server.process.wait(10) == 0


def test_a_file_that_is_no_model_is_an_error(fleet: Fleet) -> None:
    (fleet.folder / "bad.gguf").write_bytes(b"not a model")
    with pytest.raises(FleetError, match=r"llama ended with status"):
        llama_cpp.start(fleet, model=fleet.folder / "bad.gguf")
