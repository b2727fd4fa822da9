"""Every command of `fallback`, from click."""

from collections.abc import Iterator

import click

from docs.generators.tables import Table
from tasks.cli import main

PROGRAM = "fallback"


def contexts(command: click.Command = main, parent: click.Context | None = None) -> Iterator[click.Context]:
    """Yields the context of a command and of each command below it, in the order of `--help`."""
    context = click.Context(command, parent, info_name=command.name if parent else PROGRAM)
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                yield from contexts(below, context)


def commands() -> str:
    """Returns a section for each command."""
    return "\n".join(map(_section, contexts()))


def _section(context: click.Context) -> str:
    usage = " ".join((context.command_path, *context.command.collect_usage_pieces(context)))
    help_text = context.command.help or ""
    return f"## {context.command_path}\n\n{help_text}\n\n```\n{usage}\n```\n\n{_options(context)}"


def _options(context: click.Context) -> str:
    records = (parameter.get_help_record(context) for parameter in context.command.get_params(context))
    rows = [[f"`{names}`", text] for names, text in filter(None, records) if "--help" not in names]
    return str(Table(["option", "meaning"], [[_escaped(cell) for cell in row] for row in rows])) if rows else ""


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
