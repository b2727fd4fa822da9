"""Whatever is sent as a request or a chain is refused with field and reason, or served; no worker minds."""

import json
import pickle
import time
from pathlib import Path
from typing import Any

from redis import Redis

from tests.fuzz.conftest import Tell
from tests.fuzz.drawing import CASES, drawn
from tests.fuzz.outcomes import SERVED, Outcome, counted, left
from tests.fuzz.shapes import CALLS
from tests.fuzz.strangers import Bed

REFUSALS = ("InvalidRequest", "UnknownChain", "DeadlineExceeded")


def said_here(bed: Bed, folder: Path, calls: list[Any]) -> tuple[list[str | list[str]], int]:
    """Returns what our own producer says of the calls, and how many it queued, where nobody works on them."""
    elsewhere = bed.server.url.removesuffix("/0") + "/1"
    (folder / "calls").write_bytes(pickle.dumps(calls))
    said = json.loads(bed.run("-m", "tests.fuzz.producing", str(folder / "calls"), redis_url=elsewhere))
    with Redis.from_url(elsewhere, decode_responses=True) as redis:
        return said, sum(left(redis).values())


def assert_told(call: Any, here: str | list[str], there: Outcome) -> None:
    """Both producers get the same; who is refused gets the field and the reason in one short line."""
    if isinstance(here, str):
        # The provider answers in prose, whatever form is asked for.
        is_of_another_form = there.kind == "ChainExhausted" and "nonconforming, the answer is not JSON" in there.text
        assert is_of_another_form or there.kind in (SERVED, *REFUSALS), (call, there)
    else:
        assert here == [there.kind, there.text], call
        assert there.kind in REFUSALS, (call, there)
    if there.kind != SERVED:
        assert ": " in there.text or there.text.endswith("takes request and chain"), (call, there)
        assert there.text.isprintable(), (call, there)
        assert len(there.text) < 5_000, (call, there)


def test_each_call_is_refused_with_field_and_reason_or_served(bed: Bed, tmp_path: Path, tell: Tell) -> None:
    started, calls = time.monotonic(), drawn(CALLS, CASES)
    (said, queued), outcomes = said_here(bed, tmp_path, calls), bed.send(calls)
    for call, here, there in zip(calls, said, outcomes, strict=True):
        assert_told(call, here, there)
    assert queued == sum(isinstance(here, str) for here in said)
    bed.assert_unharmed()
    assert "Traceback" not in bed.log()
    took = time.monotonic() - started
    tell(
        f"{len(calls):,} calls both ways in {took:.0f} s: {counted(outcomes)}; {queued:,} queued by our producer",
    )
