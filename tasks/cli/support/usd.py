"""Amounts of money as an operator reads them."""


def usd(amount: float | None) -> str | None:
    """Returns an amount such as `0.0042 USD`, None for None."""
    return None if amount is None else f"{amount:.8f}".rstrip("0").rstrip(".") + " USD"


def perhaps(amount: float | None) -> str:
    """Returns what an attempt cost of which the provider may have charged more than is known."""
    return f"{usd(amount)} or more" if amount else "perhaps billed"
