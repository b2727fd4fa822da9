"""A web application that queues completions and lets its clients poll for the answers.

`POST /completions` queues one and returns its id at once; `GET /completions/{id}` says whether it is pending, done or
failed. A client that repeats a POST with the same `Idempotency-Key` and the same body gets the same id, and the
completion runs once.

Celery's calls block, so they run in the thread pool, and the event loop stays free. No request waits for an answer: a
completion may take minutes, and it goes on if this process restarts.

Run it in this folder, with a Fallback worker on the same Redis:

    pip install 'celery[redis]' fastapi uvicorn
    REDIS_URL=redis://127.0.0.1:6379/0 uvicorn main:app
    curl -X POST 127.0.0.1:8000/completions --json '{"prompt": "Name three primes"}'
    curl 127.0.0.1:8000/completions/web-...

Add your own authentication: whoever knows an id can read its answer.
"""

import logging
import os
from typing import Annotated, Any, Literal
from uuid import uuid4

from celery import Celery
from celery.result import AsyncResult
from fastapi import FastAPI, Header, HTTPException, Path
from fastapi.concurrency import run_in_threadpool
from kombu.exceptions import OperationalError
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
log = logging.getLogger("uvicorn.error")

# Two Celery applications. One with a result backend subscribes, for each task that it queues, to the task's result, and
# stays subscribed until the same process calls get(). Here another process may do the polling, or nobody.
queueing = Celery("web", broker=REDIS_URL)
# Without Redis a quick 503 is better than a long wait: the client repeats the request under the same key.
queueing.conf.broker_transport_options = {"socket_connect_timeout": 2, "socket_timeout": 5, "max_retries": 1}
queueing.conf.task_publish_retry = False
results = Celery("web-results", backend=REDIS_URL)
results.conf.update(redis_socket_connect_timeout=2, redis_socket_timeout=5)

complete = queueing.signature("fallback.complete", queue="completions", priority=3)
app = FastAPI(title="Completions")


class Question(BaseModel):
    """What a client may ask. It is not the whole request: tools, tokens and options are decided here."""

    prompt: Annotated[str, Field(min_length=1, max_length=20_000)]
    chain: Literal["high-priority", "default", "low-cost", "local-first"] = "high-priority"


@app.post("/completions", status_code=202)
async def queue_completion(
    question: Question,
    idempotency_key: Annotated[str | None, Header(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = None,
) -> dict[str, str]:
    """Queues a completion and returns its id, and where to poll."""
    task_id = f"web-{idempotency_key or uuid4()}"
    request = {"messages": [{"role": "user", "content": question.prompt}], "max_tokens": 1000}
    try:
        await run_in_threadpool(complete.apply_async, (request,), {"chain": question.chain}, task_id=task_id)
    except OperationalError as exc:
        raise HTTPException(503, "nothing was queued; try again") from exc
    return {"id": task_id, "url": app.url_path_for("read_completion", task_id=task_id)}


@app.get("/completions/{task_id}")
async def read_completion(task_id: Annotated[str, Path(pattern=r"^web-[A-Za-z0-9_-]{1,64}$")]) -> dict[str, Any]:
    """Returns `status`: pending (also for an unknown id: Celery cannot tell), done with `text`, failed with `error`."""
    try:
        return {"id": task_id, **await run_in_threadpool(_status, task_id)}
    except RedisError as exc:
        raise HTTPException(503, "the results cannot be read now; try again") from exc


def _status(task_id: str) -> dict[str, Any]:
    result = AsyncResult(task_id, app=results)
    if not result.ready():
        return {"status": "pending"}
    outcome = result.result
    if isinstance(outcome, Exception):
        # The message names each provider and what it said: for the log, not for a client.
        log.warning("%s: %s: %s", task_id, type(outcome).__name__, outcome)
        return {"status": "failed", "error": type(outcome).__name__}
    report = outcome["fallback"]
    return {
        "status": "done",
        "text": outcome["choices"][0]["message"]["content"],
        "provider": report["provider"],
        "skipped": [attempt["provider"] for attempt in report["attempts"] if attempt["outcome"] == "skipped"],
    }
