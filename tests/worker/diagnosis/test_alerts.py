"""Whether a receiver of alerts gets any."""

from config.alerts import Receiver
from tests.worker.diagnosis.fleet_facts import NOW, SETTINGS, facts, worker
from worker.diagnosis.problems import Problem, diagnose

ALERTED = SETTINGS.model_copy(update={"alerts": {"ops": Receiver(url_env="OPS_URL", format="slack")}})
LACKING, SENDING = {"ops": "OPS_URL"}, {"ops": ""}


def found(*receivers: dict[str, str], settings=ALERTED) -> list[Problem]:
    """Returns what is wrong where each worker reports of the receivers as given."""
    workers = tuple(worker(f"w{number}@host", receivers=each) for number, each in enumerate(receivers))
    return diagnose(facts(settings=settings, workers=workers))


def test_a_variable_that_no_sender_has_is_named_with_the_workers():
    [problem] = found(LACKING, LACKING, {})
    assert (problem.kind, problem.severity) == ("alerts-not-sent", "warning")
    assert problem.line(NOW) == (
        "receiver of alerts ops: no alert is sent: OPS_URL is not set on the workers that take probes; "
        "set OPS_URL there and restart them (w0@host, w1@host)"
    )


def test_a_receiver_without_a_sender_says_what_to_start():
    [problem] = found({})
    assert problem.line(NOW).endswith("start one with this configuration: celery -A tasks worker -Q probes")


def test_a_receiver_that_only_the_workers_know_is_told_too():
    assert [each.subject for each in found(LACKING, settings=SETTINGS)] == ["ops"]


def test_one_worker_that_can_send_is_enough():
    assert found(LACKING, SENDING) == []
