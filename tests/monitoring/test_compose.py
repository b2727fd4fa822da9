"""The profile `monitoring` of docker-compose.yml: the files of examples/monitoring at the services' own addresses."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.composed import SECRETS, compose
from tests.monitoring.stack import FOLDER, read

WATCHERS = {"prometheus", "alertmanager", "grafana", "otel-collector"}
PASSWORD = "grafana-secret-4416"

Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def text(clean_environment: dict[str, str]) -> str:
    environment = {**clean_environment, **SECRETS, "GRAFANA_ADMIN_PASSWORD": PASSWORD}
    return compose(environment, "--profile", "monitoring", "config", "--format", "json")


@pytest.fixture(scope="module")
def services(text: str) -> Services:
    found: Services = json.loads(text)["services"]
    return found


def test_the_watchers_are_in_a_profile_of_their_own(services: Services) -> None:
    assert {name for name, service in services.items() if service.get("profiles") == ["monitoring"]} == WATCHERS


def test_the_watchers_are_pinned_closed_and_on_this_machine_alone(services: Services) -> None:
    for service in (services[name] for name in WATCHERS):
        assert service["image"].rpartition(":")[2].strip("v").count(".") == 2
        assert service["cap_drop"] == ["ALL"]
        assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}


def test_each_watcher_with_a_shell_has_a_healthcheck_at_its_own_port(services: Services) -> None:
    for name in WATCHERS - {"otel-collector"}:
        asked = urlsplit(services[name]["healthcheck"]["test"][1].split()[-1])
        assert asked.port in {port["target"] for port in services[name]["ports"]}


def test_no_password_stands_in_what_compose_makes_of_the_file(text: str) -> None:
    assert PASSWORD not in text


def test_what_is_mounted_is_there_and_cannot_be_written(services: Services) -> None:
    mounts = [each for name in WATCHERS for each in services[name]["volumes"] if each["type"] == "bind"]
    assert len(mounts) == 7
    assert all(each["read_only"] and Path(each["source"]).exists() for each in mounts)


def test_prometheus_finds_each_file_that_it_reads_where_it_is_mounted(services: Services) -> None:
    places = {each["target"] for each in services["prometheus"]["volumes"]}
    read_there = {f"/etc/prometheus/{name}" for name in ("prometheus.yml", "rules", "targets")}
    assert read_there <= places


@pytest.mark.parametrize("name", ["fallback", "alertmanager", "otel-collector"])
def test_the_same_targets_stand_at_the_services_names(services: Services, name: str) -> None:
    [[here], [there]] = (
        [each["targets"] for each in read(FOLDER / of / f"{name}.yml")] for of in ("targets", "targets-compose")
    )
    assert [address.rpartition(":")[2] for address in here] == [address.rpartition(":")[2] for address in there]
    assert {address.partition(":")[0] for address in there} <= set(services)


def test_grafana_finds_its_data_source_and_dashboards(services: Services) -> None:
    environment = services["grafana"]["environment"]
    assert urlsplit(environment["PROMETHEUS_URL"]).hostname in services
    folder = environment["FALLBACK_DASHBOARDS"]
    assert folder in {each["target"] for each in services["grafana"]["volumes"]}
    assert environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{folder}/fleet.json"
    provisioning = FOLDER / "grafana" / "provisioning"
    assert read(provisioning / "datasources" / "prometheus.yml")["datasources"][0]["url"] == "$PROMETHEUS_URL"
    assert (
        read(provisioning / "dashboards" / "fallback.yml")["providers"][0]["options"]["path"] == "$FALLBACK_DASHBOARDS"
    )
