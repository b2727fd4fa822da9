"""`[alerts]`: what may stand there, and what of it is kept out."""

import re

import pytest

from config.alerts import ENDS, EVENTS, IMPORTANT, Receiver
from config.provenance import effective
from config.settings import ConfigurationError, load
from docs.generators import sources
from docs.generators.docstrings import table

URL, SECRET = "https://hooks.example.org/T0/secret-path?key=1", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OPS = {"FALLBACK_ALERTS__OPS__URL_ENV": "OPS_URL", "FALLBACK_ALERTS__OPS__SECRET_ENV": "OPS_SECRET"}


def error(**variables):
    with pytest.raises(ConfigurationError) as caught:
        load(OPS | variables)
    return str(caught.value)


def test_there_is_no_receiver_by_default():
    assert load({}).alerts == {}


def test_address_and_secret_come_from_the_variables_that_are_named():
    ops = load({**OPS, "OPS_URL": URL, "OPS_SECRET": SECRET}).alerts["ops"]
    assert ops.url.get_secret_value() == URL
    assert ops.secret.get_secret_value() == SECRET
    assert (ops.missing, ops.format, ops.events, ops.timeout) == (None, "standard", IMPORTANT, 5.0)


def test_address_and_secret_come_from_files(tmp_path):
    (tmp_path / "url").write_text(f"{URL}\n")
    (tmp_path / "secret").write_text(SECRET)
    files = {"OPS_URL_FILE": str(tmp_path / "url"), "OPS_SECRET_FILE": str(tmp_path / "secret")}
    assert load(OPS | files).alerts["ops"].url.get_secret_value() == URL


@pytest.mark.parametrize(("given", "missing"), [({}, "OPS_URL"), ({"OPS_URL": URL}, "OPS_SECRET")])
def test_a_variable_that_is_not_set_is_named(given, missing):
    assert load(OPS | given).alerts["ops"].missing == missing


def test_neither_address_nor_secret_shows():
    shown = [*effective({**OPS, "OPS_URL": URL, "OPS_SECRET": SECRET}), load({**OPS, "OPS_URL": URL})]
    assert URL not in repr(shown)
    assert SECRET not in repr(shown)
    assert {each.path: (each.value, each.origin) for each in shown[:-1]}["alerts.ops.url"] == ("set", "OPS_URL")


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"FALLBACK_ALERTS__OPS__URL": URL}, "alerts.ops.url: put its variable's name in url_env, never the value"),
        ({"FALLBACK_ALERTS__OPS__SECRET": SECRET}, "alerts.ops.secret: put its variable's name in secret_env"),
        ({"FALLBACK_ALERTS__OPS__SECRET_ENV": ""}, "alerts.ops: secret_env: missing; a webhook is signed"),
        ({"OPS_URL": "hooks.example.org/x"}, "alerts.ops.url: the address must be http:// or https:// with a host"),
        ({"OPS_URL": "http://hooks.example.org/x"}, "alerts.ops.url: the address is http:// to a public host"),
        ({"OPS_SECRET": "plain"}, "alerts.ops.secret: the secret must be whsec_ and the base64 of 24 to 64 bytes"),
        ({"OPS_SECRET": "whsec_c2hvcnQ="}, "alerts.ops.secret: the secret must be whsec_ and the base64"),
        ({"FALLBACK_ALERTS__OPS__EVENTS": '["slow-begin"]'}, "alerts.ops.events.0: no event 'slow-begin'; there are "),
        ({"FALLBACK_ALERTS__OPS__PROBLEMS": '["x"]'}, "alerts.ops.problems.0: no problem 'x'; there are chain-down"),
        ({"FALLBACK_ALERTS__OPS__FORMAT": "xml"}, "alerts.ops.format: Input should be 'standard' or 'slack'"),
        ({"FALLBACK_ALERTS__OPS__TIMEOUT": "31"}, "alerts.ops.timeout: Input should be less than or equal to 30"),
        ({"FALLBACK_ALERTS__OPS__METHOD": "PUT"}, "alerts.ops.method: unknown key"),
    ],
)
def test_a_mistake_is_one_line_without_the_value(variables, line):
    said = error(**variables)
    assert said.startswith(line)
    assert "\n" not in said
    assert not {URL, SECRET, "plain"} & set(re.split(r"[ ;]", said))


def test_a_message_to_slack_needs_no_signature(tmp_path):
    (tmp_path / "a.toml").write_text('[alerts.ops]\nurl_env = "OPS_URL"\nformat = "slack"\n')
    assert load({"FALLBACK_CONFIG": str(tmp_path / "a.toml"), "OPS_URL": URL}).alerts["ops"].missing is None


def test_the_events_are_those_of_the_reference():
    types = [name for row in table(sources.EVENTS).rows for name in re.findall(r"`([^`]+)`", row[0])]
    assert set(types) == set(EVENTS)
    assert set(ENDS) | {kind for kinds in ENDS.values() for kind in kinds} <= set(EVENTS)


def test_what_ends_a_chosen_event_is_kept_too():
    receiver = Receiver(url_env="U", secret_env="S", events=("slow-began", "provider-auth-locked"))
    assert receiver.kept == (
        *("slow-began", "provider-auth-locked", "circuit-breaker-reset", "provider-auth-unlocked", "slow-ended"),
    )
