"""A producer in a code base of its own, which knows the Fallback task by name only.

It queues a completion, waits for the answer and prints it. The task id is derived from the order number, so it is an
idempotency key: a second run with the same order and notes prints the same answer and calls no provider again.

A failure arrives as an exception. This code base cannot import Fallback's exception classes, so it decides by the
class name. The text of the exception says what each provider answered.

Run it in this folder, with a Fallback worker on the same Redis:

    pip install 'celery[redis]'
    REDIS_URL=redis://127.0.0.1:6379/0 python summarise.py 1017 'Two boxes arrived wet. Refund one.'

Exit status: 0 answered, 1 no answer this time, 2 the request itself must change.
"""

import sys

from celery.exceptions import TimeoutError as NoAnswerYet

from tasks import complete

SECONDS = 300
"""How long the summary is of use. Workers stop trying after it."""


def main() -> int:
    """Summarises the notes of one order and returns the exit status."""
    if len(sys.argv) != 3:
        print("usage: python summarise.py ORDER NOTES", file=sys.stderr)
        return 2
    order, notes = sys.argv[1:]
    request = {
        "messages": [
            {"role": "system", "content": "Summarise the notes of an order in one sentence."},
            {"role": "user", "content": notes},
        ],
        "max_tokens": 200,
    }
    task_id = f"shop-summary-{order}"
    result = complete.apply_async((request,), {"chain": "default"}, task_id=task_id, expires=SECONDS)
    try:
        answer = result.get(timeout=SECONDS + 10, propagate=False)
    except NoAnswerYet:
        print(f"{task_id}: no answer yet. Run this again: it waits for the same completion.", file=sys.stderr)
        return 1
    if isinstance(answer, Exception):
        return _failed(task_id, answer)
    print(answer["choices"][0]["message"]["content"])
    print(f"{task_id}: answered by {answer['fallback']['provider']}", file=sys.stderr)
    return 0


def _failed(task_id: str, failure: Exception) -> int:
    kind = type(failure).__name__
    print(f"{task_id}: {kind}: {failure}", file=sys.stderr)
    match kind:
        case "InvalidRequest" | "UnknownChain":
            advice, status = "correct the request or the chain's name; a retry would fail in the same way", 2
        case "ContentRefused":
            advice, status = "a provider refused the content; let a person look at it", 2
        case "ChainExhausted" | "DeadlineExceeded" | "TaskRevokedError":
            # This id now stands for this failure. A later attempt needs another id, or an operator's replay.
            advice, status = f"try later under another task id, or run `fallback replay {task_id}`", 1
        case _:  # PoisonRequest, and what a later version may add
            advice, status = f"do not retry; ask an operator to run `fallback explain {task_id}`", 1
    print(advice, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
