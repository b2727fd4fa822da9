"""Workers of the commit before beside new ones, on one Redis, under load."""

import io
import os
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from tasks.local.celery_nodes import ROOT
from tasks.local.fleet import Fleet
from tests.chaos.bed import Bed
from tests.chaos.census import take
from tests.chaos.conftest import Figures
from tests.chaos.producer import Producer
from tests.chaos.witness import Witness
from tests.length import at_length
from tests.waiting import wait_until

RATE = 20.0
BEFORE = os.environ.get("UPGRADE_FROM", "HEAD^")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The code of the commit before."""
    archive = ["git", "archive", BEFORE, "config", "worker", "tasks"]
    packed = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"no commit {BEFORE} here: {packed.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as code:
        code.extractall(tmp_path / "before", filter="data")
    return tmp_path / "before"


@pytest.fixture
def bed(fleet: Fleet, before: Path) -> Bed:
    bed = Bed.start(fleet, delay=1.0)
    bed.start_workers(("old-1", "old-2"), code=before)
    bed.start_workers(("new-1", "new-2"))
    return bed


def test_the_workers_run_the_code_of_the_commit_before(before: Path) -> None:
    program = "import config, tasks, worker; print(config.__file__, tasks.__file__, worker.__file__)"
    said = subprocess.run([sys.executable, "-c", program], cwd=before, capture_output=True, text=True, check=True)
    assert all(Path(file).is_relative_to(before) for file in said.stdout.split())


@at_length
def test_nothing_is_lost_though_one_of_each_is_killed(bed: Bed, completions: int, figures: Figures) -> None:
    old, _, new, _ = bed.workers
    with Witness(bed.server.url) as witness, Producer(bed.server.url, completions, rate=RATE) as producer:
        wait_until(lambda: len(producer.accepted) > completions / 4, completions / RATE)
        crashes = [bed.kill(old), bed.kill(new)]
        bed.revive(new)
        wait_until(lambda: producer.done, completions / RATE + 30)
        for worker in bed.workers[:2]:
            worker.stop(30.0)
        census = take(bed, witness, producer.accepted, within=60)
    in_flight = Counter(completion for crash in crashes for completion in crash.in_flight)
    figures(f"{census}, {in_flight.total()} were in flight at two kills; from {BEFORE}")
    assert census.kept, census
    assert not census.repeated - in_flight
