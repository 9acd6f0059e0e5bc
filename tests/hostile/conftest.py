"""Disks that are full, a learner at a notebook, and clones that are started for the first time."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from bptt_lessons.course.kernels import ThisPython

ROOT = Path(__file__).resolve().parents[2]


def mount(*arguments: str) -> None:
    """Mount something; skip the test where that is not permitted."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"nothing can be mounted here: {result.stderr.strip()}")


def unmount(folder: Path) -> None:
    """Unmount a folder, even one in use."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Disks:
    """Small disks."""

    @staticmethod
    @contextmanager
    def small(folder: Path, kilobytes: int) -> Iterator[Path]:
        """Make a folder that is a disk of this size."""
        folder.mkdir()
        mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder))
        try:
            yield folder
        finally:
            unmount(folder)

    @staticmethod
    def enlarge(folder: Path) -> None:
        """Give a small disk room for everything."""
        mount("-o", "remount,size=100m", str(folder))

    @staticmethod
    def fill(folder: Path) -> Path:
        """Fill a disk to its last byte; return the file to remove."""
        path = folder / "filling"
        with path.open("wb", buffering=0) as file, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            file.writelines([b"\0" * 4096] * 1_000_000)
        return path


@pytest.fixture
def disks() -> type[Disks]:
    return Disks


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[[Path], Any]:
    """Give a context manager: a kernel in a folder, and a function that runs a cell and returns what it shows."""

    @contextmanager
    def notebook(folder: Path) -> Iterator[Callable[[str], str]]:
        manager = KernelManager(kernel_spec_manager=ThisPython())
        kept = {name: value for name, value in os.environ.items() if name != "BPTT_LESSONS_HOME"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        manager.start_kernel(cwd=str(folder), env=kept | {"IPYTHONDIR": str(tmp_path / "ipython")}, **quiet)
        client = manager.client()

        def run(cell: str) -> str:
            shown: list[str] = []

            def collect(message: Any) -> None:
                content = message["content"]
                assert message["msg_type"] != "error", "\n".join(content["traceback"])
                shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

            client.execute_interactive(cell, timeout=60, output_hook=collect)
            return "".join(shown)

        try:
            client.start_channels()
            client.wait_for_ready(timeout=60)
            run("from bptt_lessons.course import EXERCISES, check")
            run("from bptt_lessons.course.progress import progress_report")
            yield run
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)

    return notebook


class Clone:
    """A folder with what start.py needs of a clone; its steps are those of `start_in_steps.py`."""

    STEPS = ("venv", "build tool", "course")
    EVERYTHING = (*(f"step: {step}" for step in STEPS), "handed over to: -m bptt_lessons doctor")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name in ("start.py", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[str]]:
        """Start it in a process group of its own, as in a terminal of its own."""
        driver = Path(__file__).with_name("start_in_steps.py")
        command = [sys.executable, "-IS", str(driver), str(self.folder), "doctor"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, text=True, start_new_session=True, cwd="/", **pipes) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    @staticmethod
    def steps_of(output: str) -> tuple[str, ...]:
        """Return the steps in an output."""
        return tuple(line for line in output.splitlines() if line.startswith(("step", "handed over")))

    def finishes(self) -> tuple[str, ...]:
        """Start once more; return the steps that were taken."""
        with self.started() as process:
            output, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")
        return self.steps_of(output)


@pytest.fixture
def make_clone() -> type[Clone]:
    return Clone
