"""Why a schema is refused."""


class SchemaFault(Exception):
    """A schema cannot be used. The reason quotes no value of it.

    Attributes:
        path: the steps to the place in the schema.
        reason: what is wrong there.
    """

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
