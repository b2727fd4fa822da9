"""What `fallback up` prints for another terminal to export."""

from pathlib import Path

from tasks.cli.up import exported


def test_what_this_shell_has_set_stays_unsaid() -> None:
    here = {"REDIS_URL": "redis://:hidden@127.0.0.1:1/0", "OPENAI_API_KEY": "sk-hidden"}
    brought = {"LLAMA_CPP_BASE_URL": "http://127.0.0.1:2"}
    assert exported(here | brought, here) == "LLAMA_CPP_BASE_URL=http://127.0.0.1:2"


def test_an_empty_variable_counts_as_unset() -> None:
    assert exported({"OPENAI_API_KEY": "simulated"}, {"OPENAI_API_KEY": ""}) == "OPENAI_API_KEY=simulated"


def test_the_configuration_file_is_named_by_its_whole_path_and_quoted() -> None:
    here = {"FALLBACK_CONFIG": "my file.toml"}
    assert exported(here, here) == f"FALLBACK_CONFIG='{Path.cwd() / 'my file.toml'}'"


def test_nothing_to_say_is_nothing() -> None:
    assert exported({"HOME": "/"}, {"HOME": "/"}) == ""
