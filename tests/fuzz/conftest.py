"""A worker that takes whatever comes, for the tests that look at what it says of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from tests.fuzz import strangers
from tests.fuzz.strangers import Bed

Tell = Callable[[str], None]


@pytest.fixture(scope="module")
def module_bed(tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]) -> Iterator[Bed]:
    """What a module's tests share; take `bed` instead."""
    with strangers.bed(tmp_path_factory.mktemp("strangers"), clean_environment) as running:
        yield running


@pytest.fixture
def bed(module_bed: Bed) -> Bed:
    """A worker for what strangers queue; it lives on."""
    return replace(module_bed, seen=len(module_bed.worker.output()))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Shows a line of what a test counted at the end of the run."""
    return partial(record_property, "counted")
