"""A list that is empty says so on standard error; standard output stays empty for programs."""

from pathlib import Path

import pytest

from tests.end_to_end.command_line import error_line, run


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("failed",), "no dead letters"),
        (("failed", "--json", "--since", "2h"), "no dead letters in that time"),
        (("replay", "--since", "2h"), "no dead letters in that time; there is nothing to replay"),
        (("replay", "--json", "--since", "2h"), "no dead letters in that time; there is nothing to replay"),
        (("events",), "no event yet"),
        (("events", "--json"), "no event yet"),
    ],
)
def test_an_empty_list_is_a_sentence(
    tmp_path: Path, environment: dict[str, str], command: tuple[str, ...], words: str
) -> None:
    ran = run(tmp_path, environment, *command)
    assert (ran.returncode, ran.stdout, error_line(ran)) == (0, "", words)
