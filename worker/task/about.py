"""What a task's hash keeps of its message, for operators: its chain and its times. No decision depends on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """What a message says of its completion.

    Attributes:
        chain: its name, empty if it is not known.
        queued_at: epoch in seconds, 0 if the message was sent by name.
        deadline_at: epoch in seconds, 0 if the time-out counts from the first delivery.
        timeout: seconds.
    """

    chain: str = ""
    queued_at: float = 0.0
    deadline_at: float = 0.0
    timeout: float = 0.0

    def __str__(self) -> str:
        """Returns the three times in ms and the chain, separated by blanks; empty without a chain."""
        times = (self.queued_at, self.deadline_at, self.timeout)
        return " ".join([*(f"{1000 * each:.0f}" for each in times), self.chain]) if self.chain else ""

    def deadline(self, first: float) -> float:
        """Returns the deadline, an epoch in seconds; 0 if it is not known. `first` is that of the first delivery."""
        return self.deadline_at or (first + self.timeout if first and self.timeout else 0.0)


NOTHING = About()


def parse(text: str) -> About:
    """Returns what `str` wrote."""
    if not text:
        return NOTHING
    *times, chain = text.split(" ", 3)
    queued_at, deadline_at, timeout = (int(each) / 1000 for each in times)
    return About(chain, queued_at, deadline_at, timeout)
