"""Writes the dashboards into grafana/dashboards."""

from examples.monitoring.dashboards.files import FOLDER, files

for name, text in files().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
