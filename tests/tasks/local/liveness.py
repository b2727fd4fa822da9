"""Looking at processes from outside."""

import psutil


def is_gone(pid: int) -> bool:
    """Says whether the process has ended; a zombie has, it only waits to be counted."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
