"""Loopback addresses."""

from ipaddress import ip_address


def is_loopback(address: str) -> bool:
    """Returns whether only this machine reaches an address to listen on; of names, only `localhost`."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
