"""How durations are written for people: in problems, by the command line and on pages."""

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


def span(seconds: float) -> str:
    """Returns a duration in its largest whole unit, such as `9m`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def seconds(value: float) -> str:
    """Returns seconds with two digits that count: `0.30`, `1.1`, `12`."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"
