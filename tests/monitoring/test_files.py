"""The files of examples/monitoring: complete, linked to the documentation, and as the code makes them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from examples.monitoring.dashboards import files
from tests.monitoring.stack import DASHBOARDS, FOLDER, alerts, anchors, dashboards, panels, read

PANELS = dict(panels())
TITLES = ("Fallback: chain", "Fallback: cost", "Fallback: fleet", "Fallback: provider")


def test_the_dashboards_are_what_the_code_makes() -> None:
    """`python -m examples.monitoring.dashboards` writes them."""
    assert {path.name: path.read_text("utf-8") for path in DASHBOARDS} == files.files()


def test_there_is_a_dashboard_of_the_fleet_of_a_provider_of_a_chain_and_of_cost() -> None:
    assert sorted(dashboards()) == list(TITLES)
    variables = {title: names_of_variables(board) for title, board in dashboards().items()}
    narrowed = {title: set(names) - {"source", "docs"} for title, names in variables.items()}
    assert narrowed == dict(zip(TITLES, ({"chain"}, {"chain", "provider"}, set(), {"provider"}), strict=True))


def names_of_variables(board: dict[str, Any]) -> list[str]:
    return [each["name"] for each in board["templating"]["list"]]


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_names_its_unit_and_its_lines(name: str) -> None:
    panel = PANELS[name]
    if panel["type"] in ("stat", "timeseries"):
        assert panel["fieldConfig"]["defaults"]["unit"]
    if panel["type"] in ("state-timeline", "timeseries"):
        assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize("title", TITLES)
def test_panels_stand_side_by_side_and_have_numbers(title: str) -> None:
    taken = [cell for panel in dashboards()[title]["panels"] for cell in cells(panel["gridPos"])]
    assert len(taken) == len(set(taken))
    assert max(column for column, _ in taken) < 24
    assert len({panel["id"] for panel in dashboards()[title]["panels"]}) == len(dashboards()[title]["panels"])


def cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return ((column, row) for column in columns for row in rows)


@pytest.mark.parametrize("name", alerts())
def test_an_alert_has_a_severity_a_summary_a_cure_and_a_section_of_the_how_to(name: str) -> None:
    rule = alerts()[name]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "cure", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert page == "{{ $externalLabels.docs }}/how-to/respond-to-an-alert.html"
    assert anchor in anchors()


def test_each_link_of_a_dashboard_leads_to_a_section() -> None:
    linked = [link["url"] for panel in PANELS.values() for link in panel.get("links", ())]
    assert len(linked) > 20
    assert {url.partition("#")[2] for url in linked} <= anchors()


def test_alertmanager_silences_alerts_that_there_are() -> None:
    matchers = [
        matcher
        for rule in read(FOLDER / "alertmanager.yml")["inhibit_rules"]
        for matcher in rule["source_matchers"] + rule["target_matchers"]
    ]
    named = set(re.findall(r"Fallback\w+", " ".join(matchers)))
    assert named <= set(alerts())


def test_the_collector_s_pipelines_use_what_the_file_defines() -> None:
    collector = read(FOLDER / "otel-collector.yaml")
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])
    assert {"metrics", "traces"} == set(collector["service"]["pipelines"])


def test_the_collector_s_metrics_have_names_of_their_own() -> None:
    """The fleet's sums come from Flower: a sum over both would count twice."""
    assert read(FOLDER / "otel-collector.yaml")["exporters"]["prometheus"]["namespace"] == "otlp"
