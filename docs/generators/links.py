"""Links to files of the repository that are no page of the site."""

import re
from pathlib import Path

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)[^)#\s]*)(?:#[^)\s]*)?\)")


def to_files(markdown: str, page: Path, docs: Path) -> tuple[str, list[str]]:
    """Returns a page whose links out of the folder of pages are their words alone, and the links that lead nowhere.

    The repository shows such a link as a file; the site has no copy of it.

    Args:
        markdown: the text of the page.
        page: its file.
        docs: the folder of all pages.
    """
    dead: list[str] = []

    def replaced(found: re.Match[str]) -> str:
        target = (page.parent / found[2]).resolve()
        if target.is_relative_to(docs.resolve()) and target.suffix != ".py":
            return found[0]
        if not target.exists():
            dead.append(found[2])
        return found[1]

    return _LINK.sub(replaced, markdown), dead
