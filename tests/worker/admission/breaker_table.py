"""What every event does in every state, as data.

A row holds states, events, the state that follows, `+` where the generation is raised, the counters that change
(words of `WORDS` in test_breaker_table), the reply, and the events. `=` and `-` are no change and nothing.
An event `outcome@permit` is a record: under the current generation with a `live` half-open permit, with one that
`lapsed`, with `none`, or under an `old` generation; `@now` is the first three, `@*` all four.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.worker.admission.breaker_states import STATES

OUTCOMES = ("success", "failure", "rate-limited", "quota", "authentication", "ignored")
PERMITS = ("live", "lapsed", "none", "old")
CONTROLS = ("open", "closed", "reset", "authenticated")
EVENTS = ("acquire", *(f"{o}@{p}" for o in OUTCOMES for p in PERMITS), *CONTROLS)

GROUPS = {
    "HALF": ("half-open", "half-open-permit", "half-open-lapsed", "half-open-one-short"),
    "FORCED": ("forced-open", "forced-closed", "forced-closed-while-open", "forced-closed-while-half-open"),
    "REST": ("closed", "one-short", "one-request", "open", "open-due", "rate-limited", "auth_locked", "quota"),
    "ANY": tuple(STATES),
}

TABLE = """
# asking
missing                                      | acquire            | closed    | + | -                    | admitted                      | -
closed one-short one-request                 | acquire            | =         | = | -                    | admitted                      | -
open quota                                   | acquire            | =         | = | -                    | open at open_until            | -
open-due                                     | acquire            | half-open | + | -                    | permit                        | circuit-breaker-half-open
half-open half-open-lapsed                   | acquire            | =         | = | -                    | permit                        | -
half-open-one-short                          | acquire            | =         | = | -                    | permit                        | -
half-open-permit                             | acquire            | =         | = | -                    | half-open at again            | -
rate-limited                                 | acquire            | =         | = | -                    | rate-limited at limited_until | -
auth_locked                                  | acquire            | =         | = | -                    | authentication at never       | -
forced-open                                  | acquire            | =         | = | -                    | forced-open at never          | -
FORCED -forced-open                          | acquire            | =         | = | -                    | admitted                      | -
forced-and-passed                            | acquire            | =         | = | -                    | admitted                      | -
# a success
missing                                      | success@*          | =         | = | -                    | dropped                       | -
REST FORCED                                  | success@now        | =         | = | success              | counted                       | -
forced-and-passed                            | success@now        | =         | = | success lapsed       | counted                       | -
half-open half-open-permit                   | success@live       | =         | = | success passed       | counted                       | -
half-open-lapsed                             | success@live       | =         | = | success passed       | counted                       | -
half-open-one-short                          | success@live       | closed    | + | success healed       | counted                       | circuit-breaker-closed
HALF                                         | success@lapsed     | =         | = | -                    | dropped                       | -
HALF                                         | success@none       | =         | = | -                    | dropped                       | -
ANY -missing                                 | success@old        | =         | = | -                    | dropped                       | -
# a failure
missing                                      | failure@*          | =         | = | -                    | dropped                       | -
REST -one-short FORCED                       | failure@now        | =         | = | failure              | counted                       | -
forced-and-passed                            | failure@now        | =         | = | failure lapsed       | counted                       | -
one-short                                    | failure@now        | open      | + | failure opened       | counted                       | circuit-breaker-open
HALF                                         | failure@live       | open      | + | failure opened       | counted                       | circuit-breaker-open
HALF                                         | failure@lapsed     | open      | + | failure opened       | counted                       | circuit-breaker-open
HALF                                         | failure@none       | =         | = | failure              | counted                       | -
ANY -missing                                 | failure@old        | =         | = | -                    | dropped                       | -
# a rate limit, with a Retry-After that counts under any generation
missing                                      | rate-limited@*     | closed    | + | limited              | dropped                       | -
REST HALF FORCED                             | rate-limited@now   | =         | = | limited              | counted                       | -
forced-and-passed                            | rate-limited@now   | =         | = | limited lapsed       | counted                       | -
REST HALF FORCED                             | rate-limited@old   | =         | = | limited              | dropped                       | -
forced-and-passed                            | rate-limited@old   | =         | = | limited lapsed       | dropped                       | -
# an exhausted quota
missing                                      | quota@*            | =         | = | -                    | dropped                       | -
REST HALF                                    | quota@now          | open      | + | quota opened         | counted                       | circuit-breaker-open
FORCED                                       | quota@now          | =         | = | -                    | counted                       | -
forced-and-passed                            | quota@now          | open      | + | quota opened lapsed  | counted                       | circuit-breaker-open
ANY -missing                                 | quota@old          | =         | = | -                    | dropped                       | -
# a refused key
missing                                      | authentication@*   | =         | = | -                    | dropped                       | -
REST -auth_locked HALF FORCED                | authentication@now | =         | = | auth_locked          | counted                       | provider-auth-locked
forced-and-passed                            | authentication@now | =         | = | auth_locked lapsed   | counted                       | provider-auth-locked
auth_locked                                  | authentication@now | =         | = | -                    | counted                       | -
ANY -missing                                 | authentication@old | =         | = | -                    | dropped                       | -
# an outcome that says nothing about the provider
missing                                      | ignored@*          | =         | = | -                    | dropped                       | -
REST HALF FORCED                             | ignored@now        | =         | = | -                    | counted                       | -
forced-and-passed                            | ignored@now        | =         | = | lapsed               | counted                       | -
ANY -missing                                 | ignored@old        | =         | = | -                    | dropped                       | -
# an operator
missing                                      | open               | closed    | + | forced-open          | done                          | circuit-breaker-forced-open
ANY -missing                                 | open               | =         | = | forced-open          | done                          | circuit-breaker-forced-open
missing                                      | closed             | closed    | + | forced-closed        | done                          | circuit-breaker-forced-closed
ANY -missing                                 | closed             | =         | = | forced-closed        | done                          | circuit-breaker-forced-closed
ANY                                          | reset              | closed    | + | forgotten            | done                          | circuit-breaker-reset
# a probe that took the key
missing                                      | authenticated      | closed    | + | -                    | done                          | -
ANY -missing -auth_locked -forced-and-passed | authenticated      | =         | = | -                    | done                          | -
forced-and-passed                            | authenticated      | =         | = | lapsed               | done                          | -
auth_locked                                  | authenticated      | =         | = | auth_unlocked        | done                          | provider-auth-unlocked
"""  # noqa: E501 - a table reads in columns


@dataclass(frozen=True, slots=True)
class Row:
    """What one event does in one state; `None` is no change."""

    state: str
    event: str
    becomes: str | None
    raised: bool
    words: tuple[str, ...]
    reply: str
    events: tuple[str, ...]


def rows() -> Iterator[Row]:
    """Yields the table, a row per pair of a state and an event."""
    for line in TABLE.splitlines():
        if line and not line.startswith("#"):
            states, event, becomes, raised, words, reply, events = (cell.strip() for cell in line.split("|"))
            yield from (
                Row(state, one, _cell(becomes), raised == "+", _words(words), reply, _words(events))
                for state in _states(states)
                for one in _events(event)
            )


def _states(cell: str) -> list[str]:
    names: list[str] = []
    for word in cell.split():
        if word.startswith("-"):
            names.remove(word[1:])
        else:
            names += GROUPS.get(word, (word,))
    return names


def _events(cell: str) -> list[str]:
    outcome, _, permit = cell.partition("@")
    permits = {"now": PERMITS[:3], "*": PERMITS}.get(permit, (permit,))
    return [f"{outcome}@{one}" for one in permits] if permit else [outcome]


def _cell(cell: str) -> str | None:
    return None if cell == "=" else cell


def _words(cell: str) -> tuple[str, ...]:
    return () if cell == "-" else tuple(cell.split())
