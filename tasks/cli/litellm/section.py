"""Tables of the file that remember what was read of them: what nobody reads is told, with the reason."""

from typing import Any

from tasks.cli.litellm.remarks import VARIABLE, Remarks
from tasks.cli.litellm.source import SourceError, Steps


class Section:
    """One table. A key is taken once it has been read; `finish` notes the others."""

    def __init__(self, value: Any, path: Steps, remarks: Remarks) -> None:
        """Takes a value of the file, or None for a table that is not there.

        Raises:
            SourceError: it is no table.
        """
        if not isinstance(value, dict | None):
            raise SourceError(f"{remarks.source.place(path)}: {'.'.join(map(str, path))}: must be a table")
        self.path = path
        self.remarks = remarks
        self._values: dict[str, Any] = {str(key): each for key, each in (value or {}).items()}
        self._taken: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def take(self, key: str) -> Any:
        """Returns a value, None if it is not there."""
        self._taken.add(key)
        return self._values.get(key)

    def below(self, key: str) -> "Section":
        """Returns a table below this one, empty if it is not there."""
        return Section(self.take(key), (*self.path, key), self.remarks)

    def tables(self) -> "dict[str, Section]":
        """Returns every value of this table, each a table itself."""
        return {key: self.below(key) for key in self._values}

    def items(self) -> list[tuple[str, Any]]:
        """Returns every key and value, all of them taken."""
        return [(key, self.take(key)) for key in self._values]

    def number(self, key: str, low: float, high: float) -> float | None:
        """Returns a number from `low` to `high`; another value is noted and counts as absent."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, str) and value.startswith(VARIABLE):
            self.leave(key, "is read from a variable; write the number")
            return None
        found = _number(value)
        if found is None or not low <= found <= high:
            self.leave(key, f"is no number from {low:g} to {high:g}")
            return None
        return found

    def leave(self, key: str, why: str = "") -> None:
        """Notes a value of this table that has no counterpart."""
        self._taken.add(key)
        self.remarks.leave((*self.path, key), self._values.get(key), why)

    def differ(self, key: str, why: str) -> None:
        """Notes a value of this table that was converted and has another meaning."""
        self.remarks.differ((*self.path, key), self._values.get(key), why)

    def finish(self) -> None:
        """Notes all that was not taken."""
        for key in self._values:
            if key not in self._taken:
                self.leave(key)


def winner(key: str, router: Section, library: Section) -> Section:
    """Returns which of router_settings and litellm_settings has the word about a setting that may be in both."""
    if key in router and key in library:
        library.leave(key, f"router_settings.{key} wins")
    return router if key in router else library


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
