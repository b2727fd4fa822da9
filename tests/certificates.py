"""Certificates made for a test, by an authority made for them."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificate:
    """Files as PEM: of a server its key and its certificate, and of whoever trusts it the authority's."""

    key: Path
    chain: Path
    authority: Path


def issued(folder: Path, name: str) -> Certificate:
    """Returns a certificate for a host name or an address."""
    authority = trustme.CA()
    leaf = authority.issue_cert(name)
    made = Certificate(folder / "key.pem", folder / "certificate.pem", folder / "authority.pem")
    leaf.private_key_pem.write_to_path(made.key)
    for number, part in enumerate(leaf.cert_chain_pems):
        part.write_to_path(made.chain, append=number > 0)
    authority.cert_pem.write_to_path(made.authority)
    return made
