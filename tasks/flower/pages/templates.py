"""Templates: Flower's own, with links to our pages in two of them, and ours below `fallback/`."""

from pathlib import Path

import flower
from tornado.template import Loader, Template

OURS = "fallback/"
_FOLDER = Path(__file__).parent / "templates"

INSERTED = {
    "navbar.html": ("</ul>", "navigation.html", "before"),
    "task.html": ('<div class="detail-actions">', "task_link.html", "after"),
}
"""Flower's templates that get a link: at the first place with this text, a file of ours before or after it."""


class Templates(Loader):
    """Loads Flower's templates and ours."""

    def __init__(self) -> None:
        super().__init__(str(Path(flower.__file__).parent / "templates"))

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Returns a name as it is: each is relative to its root."""
        return name

    def _create_template(self, name: str) -> Template:
        return Template(self._text(name), name=name, loader=self)

    def _text(self, name: str) -> str:
        if name.startswith(OURS):
            return (_FOLDER / name.removeprefix(OURS)).read_text(encoding="utf-8")
        text = (Path(self.root) / name).read_text(encoding="utf-8")
        if name in INSERTED:
            place, file, side = INSERTED[name]
            include = f'{{% include "{OURS}{file}" %}}'
            text = text.replace(place, include + place if side == "before" else place + include, 1)
        return text
