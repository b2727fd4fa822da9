"""Tables that stand in the docstring of a module."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

from docs.generators.tables import Table, parsed

_TABLE = re.compile(r"^(?:\|.*\n)+", re.MULTILINE)


def source(module: str) -> str:
    """Returns the text of a module.

    Raises:
        ValueError: there is no such module.
    """
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise ValueError(f"no module {module}; docs/generators/sources.py names it")
    return Path(spec.origin).read_text("utf-8")


def body(module: str) -> str:
    """Returns a module's docstring without its first line."""
    return (ast.get_docstring(ast.parse(source(module))) or "").partition("\n")[2].strip() + "\n"


def table(module: str) -> Table:
    """Returns the table in a module's docstring.

    Raises:
        ValueError: there is none.
    """
    found = _TABLE.search(body(module))
    if found is None:
        raise ValueError(f"no table in the docstring of {module}")
    return parsed(found[0])
