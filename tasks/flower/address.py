"""Which addresses only this machine reaches."""

from ipaddress import ip_address


def is_loopback(address: str) -> bool:
    """Says whether an address to listen on is this machine's own; of names, only `localhost` is."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
