"""The one error of a configuration."""


class ConfigurationError(ValueError):
    """The configuration is invalid. The text has one line per error, and no value that may be a secret."""

    def __init__(self, *lines: str) -> None:
        # A name may hold a character that breaks the line.
        super().__init__("\n".join(line if line.isprintable() else ascii(line)[1:-1] for line in lines))
