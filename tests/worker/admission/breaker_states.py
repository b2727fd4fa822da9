"""Every state that a breaker can be in, each reached by the scripts themselves."""

from collections.abc import Callable

from tests.worker.admission.clocked_breaker import MINUTE, PERMIT_MS, SECOND, ClockedBreaker


def missing(_: ClockedBreaker) -> None:
    """Never asked."""


def closed(b: ClockedBreaker) -> None:
    b.permit()


def one_short(b: ClockedBreaker) -> None:
    b.fail(4)


def one_request(b: ClockedBreaker) -> None:
    b.fail(4, tasks=("task",))


def open_(b: ClockedBreaker) -> None:
    b.trip()


def open_due(b: ClockedBreaker) -> None:
    b.trip()
    b.at(b.fields()["open_until"])


def half_open(b: ClockedBreaker) -> None:
    open_due(b)
    b.call("ignored")


def half_open_permit(b: ClockedBreaker) -> None:
    open_due(b)
    assert b.permit().half_open_id


def half_open_lapsed(b: ClockedBreaker) -> None:
    half_open_permit(b)
    b.after(PERMIT_MS)


def half_open_one_short(b: ClockedBreaker) -> None:
    open_due(b)
    b.call("success")


def rate_limited(b: ClockedBreaker) -> None:
    b.call("rate-limited", retry_after=MINUTE)


def auth_locked(b: ClockedBreaker) -> None:
    b.call("authentication")


def quota(b: ClockedBreaker) -> None:
    b.call("quota")


def forced_open(b: ClockedBreaker) -> None:
    b.control("open")


def forced_closed(b: ClockedBreaker) -> None:
    b.fail(4)
    b.control("closed")


def forced_closed_while_open(b: ClockedBreaker) -> None:
    b.trip()
    b.control("closed")


def forced_closed_while_half_open(b: ClockedBreaker) -> None:
    half_open(b)
    b.control("closed")


def forced_and_passed(b: ClockedBreaker) -> None:
    b.control("open", seconds=30)
    b.after(30 * SECOND)


STATES: dict[str, Callable[[ClockedBreaker], None]] = {
    "missing": missing,
    "closed": closed,
    "one-short": one_short,
    "one-request": one_request,
    "open": open_,
    "open-due": open_due,
    "half-open": half_open,
    "half-open-permit": half_open_permit,
    "half-open-lapsed": half_open_lapsed,
    "half-open-one-short": half_open_one_short,
    "rate-limited": rate_limited,
    "auth_locked": auth_locked,
    "quota": quota,
    "forced-open": forced_open,
    "forced-closed": forced_closed,
    "forced-closed-while-open": forced_closed_while_open,
    "forced-closed-while-half-open": forced_closed_while_half_open,
    "forced-and-passed": forced_and_passed,
}
