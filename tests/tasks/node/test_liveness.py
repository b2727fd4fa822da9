"""The file by which a container's healthcheck sees that its worker consumes."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from billiard.context import Process
from celery import signals

from tasks.node import liveness


def touched(monkeypatch: pytest.MonkeyPatch, folder: Path, beat: Process | None) -> bool:
    """Sends a heartbeat of a worker and says whether the file was touched."""
    monkeypatch.setenv("FALLBACK_ALIVE_FILE", str(folder / "alive"))
    worker = SimpleNamespace(beat=beat)
    step = liveness.Alive(worker)
    step.start(worker)
    signals.heartbeat_sent.send(sender=None)
    return (folder / "alive").exists()


def test_a_heartbeat_touches_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert touched(monkeypatch, tmp_path, None)


def test_a_worker_whose_embedded_beat_has_died_does_not_touch_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beat = Process(target=int)
    beat.start()
    beat.join()
    assert not touched(monkeypatch, tmp_path, beat)


def test_without_a_name_nothing_is_touched() -> None:
    assert not liveness.Alive(SimpleNamespace()).enabled
