"""A secret that stands in a file, so that a new one can be read without a restart."""

from pydantic import SecretStr


class SecretFile(SecretStr):
    """The secret that a file held when the settings were read. `path` is the file's; what is in it now may differ."""

    def __init__(self, secret: str, path: str) -> None:
        super().__init__(secret)
        self.path = path

    def __eq__(self, other: object) -> bool:
        """Returns whether another secret is the same, wherever it stands."""
        return isinstance(other, SecretStr) and self.get_secret_value() == other.get_secret_value()

    def __hash__(self) -> int:
        """Returns the hash of the secret."""
        return hash(self.get_secret_value())
