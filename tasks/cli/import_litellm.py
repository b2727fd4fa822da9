"""`fallback import-litellm`: a configuration of LiteLLM's proxy becomes one of ours."""

from pathlib import Path

import click

from tasks.cli.litellm.conversion import convert
from tasks.cli.litellm.document import report, toml
from tasks.cli.litellm.source import SourceError, read


class _Invalid(click.ClickException):
    exit_code = 2


@click.command("import-litellm")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; else standard output."
)
def import_litellm(config: Path, output: Path | None) -> None:
    """Writes the file that corresponds to CONFIG, the YAML of a LiteLLM proxy, and tells what has no counterpart.

    Model groups become chains, deployments providers. Keys are never copied: the file names the variables to set.
    """
    try:
        conversion = convert(read(config))
    except SourceError as exc:
        raise _Invalid(str(exc)) from None
    for line in report(conversion):
        click.echo(line, err=True)
    if not conversion.providers:
        raise click.ClickException(f"{config}: none of its {conversion.deployments} deployments can be converted")
    text = toml(conversion, config)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as exc:
        raise click.ClickException(f"{output}: {exc.strerror}") from exc
