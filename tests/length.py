"""Which tests run at full length alone."""

import os

import pytest

at_length = pytest.mark.skipif(
    "AT_LENGTH" not in os.environ, reason="at full length alone, in `make full`: the gate has its time"
)
