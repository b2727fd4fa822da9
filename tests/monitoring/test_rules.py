"""Prometheus and Alertmanager take the files; each alert fires for what it names, and for nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.sickness import HEALTHY, SICKNESSES, Sickness
from tests.monitoring.stack import FOLDER, RULES, alerts, said_by, tool

DOCS = "https://docs.example"

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def promtool() -> str:
    return tool("promtool", "prometheus")


def checked(promtool: str, folder: Path, *groups: dict[str, Any]) -> str:
    """Returns what `promtool test rules` has against the groups of tests."""
    (folder / "test.yml").write_text(
        yaml.safe_dump({"rule_files": [str(path) for path in RULES], "evaluation_interval": "15s", "tests": groups})
    )
    status, said = said_by(promtool, "test", "rules", "test.yml", cwd=folder)
    return said if status else ""


def group(series: dict[str, str], *tests: dict[str, Any]) -> dict[str, Any]:
    return {
        "interval": "1m",
        "external_labels": {"docs": DOCS},
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": list(tests),
    }


def silent(name: str, at: str) -> dict[str, Any]:
    return {"alertname": name, "eval_time": at, "exp_alerts": []}


def fires(name: str, sickness: Sickness, at: str) -> dict[str, Any]:
    rule = alerts()[name]
    said = {key: text.replace("{{ $externalLabels.docs }}", DOCS) for key, text in rule["annotations"].items()}
    said["summary"] = sickness.summary
    said["cure"] = said["cure"].replace("{{ $labels.provider }}", sickness.labels.get("provider", ""))
    labels = {**sickness.labels, **rule["labels"]}
    return {"alertname": name, "eval_time": at, "exp_alerts": [{"exp_labels": labels, "exp_annotations": said}]}


def test_prometheus_takes_its_configuration_and_the_rules(promtool: str) -> None:
    status, said = said_by(promtool, "check", "config", "prometheus.yml")
    assert (status, said.count("SUCCESS")) == (0, 4), said


def test_promtool_finds_no_fault_with_the_style_of_the_rules(promtool: str) -> None:
    status, said = said_by(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES)
    assert status == 0, said


@pytest.mark.parametrize("comment", ["    # ", "nothing is uncommented"])
def test_alertmanager_takes_its_configuration_and_the_examples_in_it(tmp_path: Path, comment: str) -> None:
    text = (FOLDER / "alertmanager.yml").read_text("utf-8").replace(comment, "    ")
    (tmp_path / "alertmanager.yml").write_text(text, "utf-8")
    status, said = said_by(tool("amtool", "prometheus-alertmanager"), "check-config", "alertmanager.yml", cwd=tmp_path)
    assert (status, "2 receivers" in said, "5 inhibit rules" in said) == (0, True, True), said


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "page"), ("warning", "team")])
def test_what_is_critical_goes_to_another_receiver(severity: str, receiver: str) -> None:
    amtool = tool("amtool", "prometheus-alertmanager")
    status, said = said_by(amtool, "config", "routes", "test", "--config.file=alertmanager.yml", f"severity={severity}")
    assert (status, said.split()[0]) == (0, receiver)


def test_every_alert_is_tested() -> None:
    assert set(SICKNESSES) == set(alerts())


def test_nothing_fires_while_the_fleet_is_healthy(promtool: str, tmp_path: Path) -> None:
    tests = [silent(name, at) for name in alerts() for at in ("1m", "10m", "30m")]
    assert checked(promtool, tmp_path, group(HEALTHY, *tests)) == ""


@pytest.mark.parametrize("name", SICKNESSES)
def test_an_alert_fires_for_what_it_names_in_its_time(promtool: str, tmp_path: Path, name: str) -> None:
    sickness = SICKNESSES[name]
    late = f"{sickness.minutes}m"
    tests = [fires(name, sickness, late), *(silent(other, late) for other in alerts() if other != name)]
    if sickness.not_yet:
        tests.append(silent(name, f"{30 * sickness.minutes - 30}s" if sickness.minutes > 1 else "0s"))
    assert checked(promtool, tmp_path, group({**HEALTHY, **sickness.series}, *tests)) == ""


def test_dead_letters_that_were_there_before_prometheus_are_no_rise(promtool: str, tmp_path: Path) -> None:
    tests = (silent("FallbackDeadLettersRising", at) for at in ("0m", "5m", "14m", "20m"))
    assert checked(promtool, tmp_path, group(HEALTHY, *tests)) == ""


def test_the_first_dead_letter_of_a_kind_is_a_rise(promtool: str, tmp_path: Path) -> None:
    name = "FallbackDeadLettersRising"
    first = {'fallback_dead_letters{chain="default",error="PoisonRequest"}': "_x20 1x60"}
    sickness = Sickness(
        first,
        "Chain default: 1 more dead letters of PoisonRequest in 15 minutes",
        labels={"chain": "default", "error": "PoisonRequest"},
    )
    tests = (silent(name, "19m"), fires(name, sickness, "25m"), silent(name, "39m"))
    assert checked(promtool, tmp_path, group({**HEALTHY, **first}, *tests)) == ""


def test_an_outage_of_redis_names_redis_alone(promtool: str, tmp_path: Path) -> None:
    seen = {name: values.replace("x80", "x5") for name, values in HEALTHY.items() if name.startswith("fallback_")}
    series = {**HEALTHY, **seen, "fallback_redis_up": "1x5 0x70"}
    others = [name for name in alerts() if name != "FallbackRedisDown"]
    assert checked(promtool, tmp_path, group(series, *(silent(name, "20m") for name in others))) == ""
