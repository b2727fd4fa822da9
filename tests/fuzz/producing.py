"""Our own producer in a process of its own: what it says of calls, each of which it queues or refuses.

`python -m tests.fuzz.producing CALLS` reads them pickled, and prints a JSON list: an id for each that was queued, and
`[class, message]` for each that was refused. Any exception but ours ends it.
"""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

from tasks import complete
from worker.errors import TaskFailed


def _produced(args: list[Any], kwargs: dict[str, Any]) -> str | list[str]:
    try:
        return str(complete.apply_async(args, kwargs).id)
    except TaskFailed as refused:
        return [type(refused).__name__, str(refused)]


if __name__ == "__main__":
    print(json.dumps([_produced(*call) for call in pickle.loads(Path(sys.argv[1]).read_bytes())]))
