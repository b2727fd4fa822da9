"""What a process does alone while the shared store is away."""

from tests.waiting import wait_until
from worker import away
from worker.breaker import Permit


def test_the_chain_s_order_holds():
    decision = away.decide(["first", "second"])
    assert (decision.kind, decision.permit, decision.passed_over) == ("next", Permit("first", 0), ())


def test_who_just_failed_here_is_passed_over_for_the_next():
    away.failed("fails")
    decision = away.decide(["fails", "works"])
    assert decision.permit == Permit("works", 0)
    assert [(over.provider, over.reason) for over in decision.passed_over] == [
        ("fails", "failed while the store is away")
    ]


def test_where_all_just_failed_none_is_asked_for_a_while():
    away.failed("one")
    away.failed("other")
    decision = away.decide(["one", "other"])
    assert (decision.kind, decision.permit, decision.wait) == ("none", None, away.MEMORY)
    wait_until(lambda: away.decide(["one", "other"]).permit)


def test_it_is_said_in_the_log(caplog):
    away.decide(["first", "second"])
    assert caplog.messages == ["store-away providers=first,second"]
