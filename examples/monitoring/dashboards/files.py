"""The dashboards as Grafana reads them."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from examples.monitoring.dashboards import chain, cost, fleet, provider

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"


def files() -> dict[str, str]:
    """Returns the JSON of each dashboard by the name of its file."""
    boards = {each.__name__.rpartition(".")[2]: each.dashboard() for each in (fleet, provider, chain, cost)}
    return {f"{name}.json": _text(board.build()) for name, board in boards.items()}


def _text(board: Dashboard) -> str:
    for number, panel in enumerate(board.panels or (), 1):
        panel.id_val = number  # in the order of the screen: a link to a panel survives that Grafana loads it anew
    return json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"
