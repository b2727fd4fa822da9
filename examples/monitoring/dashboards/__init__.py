"""The Grafana dashboards as code: `python -m examples.monitoring.dashboards` writes their JSON files."""
