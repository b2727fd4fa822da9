"""The presets, from their file."""

from config.presets import PRESETS, SOURCES
from docs.generators.tables import Table

_HEADER = ["preset", "base URL", "key's variable", "default model", "source"]


def presets() -> Table:
    """Returns a row for each preset."""
    return Table(_HEADER, [_row(name) for name in PRESETS])


def _row(name: str) -> list[str]:
    preset = PRESETS[name]
    base_url = f"`{preset['base_url']}`" if "base_url" in preset else f"yours, or in `{preset['base_url_env']}`"
    key = f"`{preset['api_key_env']}`" + (", if it asks for one" if preset.get("api_key_optional") else "")
    model = preset["models"]["default"]["name"]
    return [f"`{name}`", base_url, key, f"`{model}`" if model else "yours", ", ".join(map(_link, SOURCES[name]))]


def _link(source: str) -> str:
    if source.startswith("https://"):
        return f"[{source.split('/')[2]}]({source})"
    repository, _, number = source.partition("#")
    return f"[{source}](https://github.com/{repository}/issues/{number})"
