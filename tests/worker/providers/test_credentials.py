"""A key that stands in a file: what is in the file now is what providers get."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.providers import Provider
from config.secret_file import SecretFile
from tests.worker.providers.asking import OPENAI, asked, failure, provider
from tests.worker.providers.bare_server import Bare, responds, serving, streams
from worker.health.probe import probe
from worker.providers import credentials

OLD, NEW = "sk-the-old-key-0123456789", "sk-the-new-key-9876543210"
UNAUTHORIZED = responds(b"401 Unauthorized", b'{"error": {"message": "bad key"}}')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{OLD}\n")
    return path


@pytest.fixture
def each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "EVERY", 0.0)


def with_key(url: str, file: Path) -> Provider:
    """Returns a provider whose settings were read when the old key was in the file."""
    return provider("openai", url).model_copy(update={"api_key": SecretFile(OLD, str(file))})


def keyed(key: str | None) -> Provider:
    return provider("openai", "http://x").model_copy(update={"api_key": SecretStr(key) if key else None})


def keys(bare: Bare) -> list[str]:
    lines = [line for request in bare.requests for line in request.decode("latin-1").split("\r\n")]
    return [line.removeprefix("Authorization: Bearer ") for line in lines if line.startswith("Authorization: ")]


@contextmanager
def rotating(file: Path, *, status: bytes = b"401 Unauthorized") -> Iterator[Bare]:
    """Gives a server that refuses the first request, and has put a new key into the file by then."""

    def refuses(bare: Bare, sock: object) -> bool:
        file.write_text(f"{NEW}\n")
        return responds(status, b'{"error": {"message": "bad key"}}')(bare, sock)  # type: ignore[arg-type]

    with serving(refuses, streams(*OPENAI)) as bare:
        yield bare


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"403 Forbidden", b"400 Bad Request"])
def test_a_key_that_has_changed_when_the_old_one_is_refused_answers_the_same_attempt(file: Path, status: bytes) -> None:
    with rotating(file, status=status) as bare:
        assert asked(with_key(bare.url, file)).finish_reason == "stop"
        assert keys(bare) == [OLD, NEW]


def test_a_probe_that_is_refused_tries_the_new_key_too(file: Path) -> None:
    with rotating(file) as bare:
        assert probe(with_key(bare.url, file)).authenticated
        assert keys(bare) == [OLD, NEW]


def test_a_refused_key_that_has_not_changed_is_sent_once(file: Path) -> None:
    with serving(UNAUTHORIZED) as bare:
        assert failure(with_key(bare.url, file)).status == 401
        assert keys(bare) == [OLD]


def test_other_failures_send_nothing_twice(file: Path) -> None:
    with rotating(file, status=b"500 Oops") as bare:
        assert failure(with_key(bare.url, file)).status == 500
        assert keys(bare) == [OLD]


def test_the_first_request_reads_the_file_and_the_next_ones_do_not(file: Path) -> None:
    file.write_text(NEW)
    with serving(streams(*OPENAI)) as bare:
        asked(with_key(bare.url, file))
        file.write_text("another")
        asked(with_key(bare.url, file))
        assert keys(bare) == [NEW, NEW]


@pytest.mark.usefixtures("each_time")
def test_the_file_is_read_again_when_its_time_has_come(file: Path) -> None:
    with serving(streams(*OPENAI)) as bare:
        asked(with_key(bare.url, file))
        file.write_text(NEW)
        asked(with_key(bare.url, file))
        assert keys(bare) == [OLD, NEW]


@pytest.mark.usefixtures("each_time")
@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe", b"two\r\nlines"])
def test_a_file_without_a_key_keeps_the_old_one_and_says_so_once(
    file: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(streams(*OPENAI)) as bare:
        asked(with_key(bare.url, file))
        file.unlink() if content is None else file.write_bytes(content)
        for _ in range(3):
            asked(with_key(bare.url, file))
        assert keys(bare) == [OLD] * 4
        assert [record.message.split()[0] for record in caplog.records] == ["key-file-unreadable"]
        file.write_text(NEW)
        asked(with_key(bare.url, file))
        assert keys(bare)[-1] == NEW
    assert OLD not in caplog.text
    assert NEW not in caplog.text


def test_an_error_that_quotes_the_key_before_the_new_one_is_scrubbed(file: Path) -> None:
    quoting = responds(b"400 Bad Request", f'{{"error": {{"message": "keys {OLD} and {NEW}"}}}}'.encode())
    file.write_text(NEW)
    with serving(quoting) as bare:
        assert failure(with_key(bare.url, file)).detail == "keys [...] and [...]"


def test_a_fingerprint_tells_keys_apart_and_has_nothing_of_them() -> None:
    one, same, another = (keyed(key) for key in ("sk-one", "sk-one", "sk-two"))
    found = credentials.fingerprint(one, "fallback")
    assert found == credentials.fingerprint(same, "fallback") != credentials.fingerprint(another, "fallback")
    assert found != credentials.fingerprint(one, "another-fleet")
    assert len(found) == 6


def test_without_a_key_there_is_no_fingerprint() -> None:
    assert credentials.fingerprint(keyed(None), "fallback") == ""
