"""The mutants of the breaker's Lua, read from breaker_mutants.txt."""

from dataclasses import dataclass
from pathlib import Path

from worker.store.scripts import lua

DATA = Path(__file__).with_suffix(".txt")


@dataclass(frozen=True)
class Mutant:
    """One file's text with one change; `equivalent` is why nothing can notice, else empty."""

    file: str
    old: str
    new: str
    place: int = 1
    equivalent: str = ""

    def part(self, name: str) -> str:
        """Returns the text of a file of worker/lua, changed where this is the one."""
        text = lua(name)
        if name != self.file:
            return text
        pieces = text.split(self.old)
        assert len(pieces) - 1 >= self.place, f"{self.file}: {self.old!r} is not there"
        return self.old.join(pieces[: self.place]) + self.new + self.old.join(pieces[self.place :])

    def __str__(self) -> str:
        return f"{self.file}: {self.old} -> {self.new or 'nothing'}"


def mutants() -> list[Mutant]:
    """Returns all of them."""
    found: list[Mutant] = []
    file = ""
    for line in DATA.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("["):
            file = line[1:-1]
            continue
        old, _, rest = line.partition(" ->")
        new, _, equivalent = rest.strip().partition(" ## ")
        old, _, place = old.partition(" @ ")
        found.append(Mutant(file, old, new, int(place or 1), equivalent))
    return found
