"""What MkDocs calls while it builds the site."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.pages import Page

from docs.generators.links import to_files
from docs.generators.pages import fill

_log = get_plugin_logger("docs")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Returns a page with its generated tables, and without links to files that the site does not have."""
    source = Path(config.docs_dir, page.file.src_uri)
    try:
        text, dead = to_files(fill(markdown), source, Path(config.docs_dir))
    except ValueError as exc:
        raise PluginError(f"{page.file.src_uri}: {exc}") from None
    for target in dead:
        _log.warning("%s: no file %s", page.file.src_uri, target)
    return text
