"""Counts round trips to Redis by what the server reads: a client sends a request in one piece, then waits."""

from contextlib import closing

from redis import Redis

from bench.parts.breaker.cells import Cell
from bench.parts.breaker.guarded import Operation, provider
from config.chains import Chain, Retry
from config.providers import Provider
from tasks.local.ports import free_port
from worker.chain.delivery import Completion, Delivery
from worker.chain.route import Route
from worker.chain.walk import complete
from worker.request import CompletionRequest
from worker.store.store import Store

TRIED = 9
MOST_ATTEMPTS = 3


def of_cell(admin: Redis, cell: Cell) -> list[int]:
    """Returns the round trips of an operation, one number for each time it was tried."""
    tried = []
    cell.once()  # settles what another operation left
    for _ in range(TRIED):
        cell.before()
        tried.append(_of(admin, cell.once))
    return tried


def of_completions(admin: Redis, url: str, upstream: str) -> dict[int, int]:
    """Returns by the number of attempts the round trips of a whole completion, with lease, journal and answer.

    The chain's last provider is the upstream at this address, where those before it are nobody listens. Nobody else
    may use the server meanwhile.
    """
    last = provider("last", base_url=f"{upstream}/v1")
    refusing = [provider(f"refusing{i}", base_url=f"http://127.0.0.1:{free_port()}") for i in range(1, MOST_ATTEMPTS)]
    providers = {each.name: each for each in (*refusing, last)}
    store = Store(url, "trips", providers)
    with closing(store):
        _complete(store, providers, MOST_ATTEMPTS, "warm-up")  # connects, and loads the scripts
        attempts = range(1, MOST_ATTEMPTS + 1)
        return {n: _of(admin, lambda n=n: _complete(store, providers, n, f"{n} attempts")) for n in attempts}


def _complete(store: Store, providers: dict[str, Provider], attempts: int, task: str) -> None:
    chain = Chain(name="chain", providers=tuple(providers)[-attempts:], retry=Retry(max_retries=0))
    request = CompletionRequest.model_validate({"messages": [{"role": "user", "content": "What happened last night?"}]})
    done = complete(store, Delivery(task, request, Route(chain, providers), lambda: None))
    assert isinstance(done, Completion)
    assert len(done.result["fallback"]["attempts"]) == attempts


def _of(admin: Redis, operation: Operation) -> int:
    before = _reads(admin)
    operation()
    return _reads(admin) - before - 1  # the question itself


def _reads(admin: Redis) -> int:
    return int(admin.info("stats")["total_reads_processed"])
