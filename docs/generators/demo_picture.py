"""Writes docs/demo.svg from a real run of `fallback demo`.

Run it in the root of a checkout as `python docs/generators/demo_picture.py`; it takes about a minute.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "demo.svg"
COLORS = {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "0"}
"""What makes rich write colors into a pipe, without the frames of a spinner."""

_WIDTH = 112
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts that would be fetched from elsewhere; without them the picture has the reader's own."""


def main() -> int:
    """Returns the status of the demo; the picture is written only if it went well."""
    command = [sys.executable, "-c", "from tasks.cli import main; main()", "demo"]
    ran = subprocess.run(  # noqa: S603 - a command of ours
        command, cwd=ROOT, env=os.environ | COLORS, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        print(ran.stderr, file=sys.stderr)
        return ran.returncode
    said = ran.stdout.replace(f"{ROOT}/", "").rstrip()  # where the checkout is says nothing
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=_WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(f"$ make demo\n{said}"))
        picture = console.export_svg(title="make demo")
    # Blanks at the ends of lines would stand in every diff.
    text = "\n".join(line.rstrip() for line in _FONTS.sub("", picture).splitlines())
    PICTURE.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
