"""Locks: one process at a time writes into a learner's folder.

The operating system releases a lock when its process ends, so a kill leaves no stale one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 10.0


def try_lock(descriptor: int) -> bool:
    """Take the lock on an open file; return False if another process holds it.

    Where the file system or Python has no locks, return True: continuing without is the better choice.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except (OSError, ImportError, AttributeError):  # a browser's fcntl is empty
        return True
    return True


@contextmanager
def locked(path: Path, seconds: float = SECONDS) -> Iterator[None]:
    """Hold the lock on a file; the file itself stays empty.

    Parameters
    ----------
    path : Path
        Made if it is missing; its folder must exist.
    seconds : float
        How long to wait for another process.

    Raises
    ------
    TimeoutError
        If another process held the lock all the time.
    OSError
        If the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        end = time.monotonic() + seconds
        while not try_lock(descriptor):
            if time.monotonic() > end:
                raise TimeoutError(
                    f"another program has held {path} for {seconds:g} seconds. Nothing was lost: "
                    "close whatever else uses that folder, then try again"
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)  # releases the lock
