"""Chains of three providers, and what their journals lead to."""

from config.chains import Chain, Retry
from config.providers import Model
from tests.worker.admission.clocked_breaker import provider
from worker.chain.policy import after_exhaustion, after_failure
from worker.chain.position import position
from worker.chain.route import Route
from worker.errors import AttemptFailed
from worker.task.journal import Entry

FOREVER = 1e9


def sized(name, dialect, context, host="", model="m"):
    models = {"default": Model(name=model, context=context)}
    return provider(name, dialect=dialect, base_url=f"https://{host or name}", models=models)


PROVIDERS = {
    "a": sized("a", "openai", 100),
    "b": sized("b", "anthropic", 200),
    "c": sized("c", "openai", 50),
    "unset": provider("unset", base_url=""),
}


def route(failover="after-retries", providers="abc", others=None, retry=None, **fields):
    """Returns a route along providers of one letter each; four tries, backoffs of 1, 2 and 4 s, unless given."""
    chain = Chain(
        name="chain",
        providers=tuple(providers),
        failover=failover,
        retry=retry or Retry(),
        **fields,
    )
    return Route(chain, PROVIDERS | (others or {}))


def failed(*outcomes, name="a", at=0.0, **fields):
    return [Entry(name, outcome, at, **fields) for outcome in outcomes]


def step_after(on, lines, retry_after=None, left=FOREVER):
    """Returns what follows from the last line, with the longest delays."""
    return after_failure(on, lines, AttemptFailed("status", retry_after=retry_after), left, lambda: 1.0)


def exhausted(on, lines, wait=None):
    """Returns the mark of the round that follows and its longest delay, if everybody admits in `wait` seconds."""
    found = new_round(on, lines, wait)
    return found and (found.start, found.delay)


def new_round(on, lines, wait=None, postponed=None):
    admissions = dict.fromkeys(position(on, lines).able(on), wait)
    return after_exhaustion(on, lines, admissions, postponed or {}, lambda: 1.0)


def remaining(on, lines):
    return position(on, lines).remaining(on)
