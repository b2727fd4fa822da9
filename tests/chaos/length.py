"""Which of these tests run at full length alone."""

import os

import pytest

at_length = pytest.mark.skipif(
    "CHAOS_COMPLETIONS" not in os.environ, reason="at full length alone, in `make chaos`: the gate has its time"
)
