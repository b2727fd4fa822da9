"""Figures of docs/benchmarks: an SVG, the same for the same figures, that follows a dark theme."""

import re
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

INK, PAPER = "#24292f", "#ffffff"
DARK = {INK: "#e6edf3", PAPER: "#0d1117"}
COLOURS = ("#2f81f7", "#d9730d", "#8a8f98")
"""They stand out from either paper."""

_DOCUMENT = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), PAPER),
}


def document(name: str) -> AbstractContextManager[None]:
    """Returns the context in which the figure of this name is drawn."""
    return mpl.rc_context({**_DOCUMENT, "svg.hashsalt": name})


def save(figure: Figure, path: Path) -> None:
    """Writes an SVG; where the path ends with .png, a picture to look at."""
    if path.suffix == ".png":
        figure.savefig(path, dpi=110)
        return
    written = StringIO()
    figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    rules = " ".join(
        f'[style*="{name}: {light}"] {{ {name}: {dark} !important }}'
        for name in ("fill", "stroke")
        for light, dark in DARK.items()
    )
    style = f"<style>@media (prefers-color-scheme: dark) {{ {rules} }}</style>"
    head, tag, body = re.sub(r"(\.\d\d)\d+", r"\1", written.getvalue()).partition("<defs>")  # a hundredth of a point
    path.write_text(f"{head}{style}\n{tag}{body}", encoding="utf-8")
