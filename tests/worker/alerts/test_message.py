"""What a receiver gets."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.worker.alerts.receiving import SECRET
from worker.alerts.message import of_event
from worker.alerts.signature import headers

EVENT = {
    "type": "circuit-breaker-open", "provider": "claude", "at_ms": "1700000000250", "cause": "quota-exhausted",
    "failures": "5", "open_until_ms": "1700000600000", "opens": "1",
}  # fmt: skip


def test_the_message_of_an_event():
    message = of_event("fallback", "1700000000250-0", EVENT)
    assert message.id == "fallback-1700000000250-0"
    assert json.loads(message.standard()) == {
        "type": "circuit-breaker-open",
        "timestamp": "2023-11-14T22:13:20.250Z",
        "data": {
            "fleet": "fallback",
            "status": "alert",
            "subject": "claude",
            "cause": "quota-exhausted",
            "cure": "add credit, then: fallback breaker reset claude",
            "text": "claude: circuit-breaker-open (quota-exhausted); add credit, then: fallback breaker reset claude",
            "ends": [],
            "details": {"failures": "5", "open_until_ms": "1700000600000", "opens": "1"},
        },
    }


def test_the_message_of_a_recovery_names_what_it_ends():
    event = {"type": "circuit-breaker-closed", "provider": "claude", "at_ms": "1700000000250"}
    data = json.loads(of_event("fallback", "1-0", event, ["fallback-0-1"]).standard())["data"]
    assert (data["status"], data["ends"], data["text"]) == (
        *("recovered", ["fallback-0-1"], "claude: circuit-breaker-closed"),
    )


def test_slack_gets_one_line_with_its_escapes():
    text = json.loads(of_event("fallback", "1-0", {**EVENT, "cause": "<a> & b"}).slack())["text"]
    assert text.startswith(":rotating_light: claude: circuit-breaker-open (&lt;a&gt; &amp; b); ")


def test_the_package_of_standard_webhooks_accepts_the_signature():
    body, now = of_event("fallback", "1-0", EVENT).standard(), datetime.now(UTC).timestamp()
    signed = headers("fallback-1-0", body, SECRET, now)
    assert Webhook(SECRET).verify(body, signed) == json.loads(body)
    assert (
        Webhook(SECRET).sign("fallback-1-0", datetime.fromtimestamp(int(now), UTC), body.decode())
        == (signed["webhook-signature"])
    )
    for changed in ({"webhook-id": "other"}, {"webhook-timestamp": str(int(now) - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, signed | changed)


def test_without_a_secret_nothing_is_signed():
    assert set(headers("id", b"{}", "", 0)) == {"webhook-id", "webhook-timestamp"}
