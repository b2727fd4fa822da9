"""The exceptions: the tree of the module's docstring, and what to show of each class."""

import ast

from docs.generators import sources
from docs.generators.docstrings import body, source


def names() -> list[str]:
    """Returns the names of the exceptions in the order of the module."""
    return [node.name for node in ast.parse(source(sources.ERRORS)).body if isinstance(node, ast.ClassDef)]


def errors() -> str:
    """Returns the tree, and for each class the line that mkdocstrings reads."""
    classes = "\n\n".join(f"::: {sources.ERRORS}.{name}" for name in names())
    return f"```text\n{body(sources.ERRORS)}```\n\n{classes}\n"
