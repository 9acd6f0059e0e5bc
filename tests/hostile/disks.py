"""Disks on which nothing can be written: a small one that is soon full, and one that may only be read."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(*arguments: str) -> None:
    """Mount something; skip the test where that is not permitted."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"nothing can be mounted here: {result.stderr.strip()}")


def unmount(folder: Path) -> None:
    """Unmount a folder, even one that is in use."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Make a folder that is a disk of its own, of this size."""
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        unmount(folder)


def enlarge(folder: Path) -> None:
    """Give a small disk room for everything."""
    mount("-o", "remount,size=100m", str(folder))


def fill(folder: Path) -> Path:
    """Fill a disk to its last byte; return the file to remove."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        file.writelines([b"\0" * 4096] * 1_000_000)
    return path


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Let a folder only be read: by a mount for root, who may write everywhere else; by its rights for others."""
    if os.name != "posix":
        pytest.skip("a folder's rights do not forbid writing here")
    if os.path.ismount(folder):
        mount("-o", "remount,ro", str(folder))
        try:
            yield folder
        finally:
            mount("-o", "remount,rw", str(folder))
        return
    if os.geteuid() == 0:
        mount("--bind", str(folder), str(folder))
        try:
            mount("-o", "remount,bind,ro", str(folder))
            yield folder
        finally:
            unmount(folder)
        return
    inside = [path for path in [folder, *folder.rglob("*")] if not path.is_symlink()]
    rights = {path: path.stat().st_mode for path in inside}
    for path, mode in rights.items():
        path.chmod(mode & ~0o222)
    try:
        yield folder
    finally:
        for path, mode in rights.items():
            path.chmod(mode)
