"""Die at every call that changes a disk: before it, and with half of what it writes written.

    python tests/hostile/every_call.py FOLDER [STEP]

makes FOLDER/record/1, FOLDER/record/2, ..., does an action in each, in a forked process that kills
itself at its first, second, ... call (at every STEP-th), and stops once the action runs through; so
for each action.  `test_kills.py` then looks into every folder.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bptt_lessons.course import learner_folder, progress

CALLS = ("open", "close", "write", "fsync", "mkdir", "link", "rename", "replace", "unlink")
LESSONS = ("00_start_here.ipynb", "01_unrolling.ipynb", "02_bptt.ipynb")
RESULTS = [("rnn.step", "wrong", "no-bias"), ("rnn.step", "correct", None), ("losses.mse", "correct", None)]
WORK = "the learner's work"
MINE = "mine"  # the learner's folder within each


class Deaths:
    """Count the calls of a process, and end it at the n-th."""

    def __init__(self, number: int) -> None:
        self.number, self.count = number, 0

    def here(self) -> bool:
        """Return whether to die now; each question is one occasion."""
        self.count += 1
        return self.count == self.number

    def die(self) -> None:
        """End this process as kill -9 does, with nothing flushed and nothing cleaned up."""
        os.kill(os.getpid(), signal.SIGKILL)

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call, with a death before it when it is time."""

        def dying(*arguments: Any, **named: Any) -> Any:
            if self.here():
                self.die()
            return call(*arguments, **named)

        return dying

    def within(self, write: Callable[..., int]) -> Callable[..., int]:
        """Return a write that death may cut short."""

        def dying(descriptor: int, data: Any) -> int:
            if self.here():
                write(descriptor, bytes(data)[: len(data) // 2])
                self.die()
            return write(descriptor, data)

        return dying

    def lie_in_wait(self) -> None:
        """Wrap every call of `os` that changes a disk, and Python's own files."""
        for name in CALLS:
            setattr(os, name, self.before(getattr(os, name)))
        os.write = self.within(os.write)
        opened = io.open

        def dying_open(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if not ("b" in mode and set(mode) & set("wxa")):
                return opened(file, mode, *arguments, **named)
            if self.here():
                self.die()
            return DyingFile(opened(file, mode, buffering=0), self)

        io.open = dying_open


class DyingFile:
    """A file whose writes death may cut short."""

    def __init__(self, file: Any, deaths: Deaths) -> None:
        self.file, self.deaths = file, deaths

    def write(self, data: bytes) -> int:
        """Write everything, or half of it and die."""
        if self.deaths.here():
            self.file.write(bytes(data)[: len(data) // 2])
            self.deaths.die()
        return int(self.file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> DyingFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


def ship(folder: Path, words: str) -> Path:
    """Make a folder of lessons to be copied, in which they say some words."""
    shipped = folder / words
    shipped.mkdir(parents=True)
    for name in LESSONS:
        (shipped / name).write_text(f"{name}, {words}. " * 2000)
    return shipped


def record(results: list[tuple[str, str, str | None]]) -> Callable[[Path], None]:
    """Return what records some results."""

    def recorded(folder: Path) -> None:
        for result in results:
            progress.record("01_unrolling", *result, folder=folder / MINE)

    return recorded


def set_aside(folder: Path) -> None:
    """Begin again."""
    progress.set_aside(folder / MINE)


def copy(folder: Path) -> None:
    """Copy the lessons."""
    learner_folder.prepare(folder / MINE, shipped=folder / "as shipped", version="1")


def copy_and_work(folder: Path) -> None:
    """Copy the lessons and change one."""
    ship(folder, "as shipped")
    ship(folder, "better")
    copy(folder)
    (folder / MINE / LESSONS[1]).write_text(WORK)


def upgrade(folder: Path) -> None:
    """Bring the folder up to a new version."""
    learner_folder.prepare(folder / MINE, shipped=folder / "better", version="2")


class Action(NamedTuple):
    """An action, and what comes before it."""

    before: Callable[[Path], Any]
    act: Callable[[Path], None]


ACTIONS = {
    "record": Action(record(RESULTS[:2]), record(RESULTS[2:])),
    "record for the first time": Action(lambda folder: None, record(RESULTS)),
    "reset": Action(record(RESULTS), set_aside),
    "upgrade": Action(copy_and_work, upgrade),
}


def killed(action: Action, folder: Path, number: int) -> bool:
    """Do an action in a process that dies at its n-th call; return whether it died."""
    folder.mkdir(parents=True)
    action.before(folder)
    child = os.fork()
    if child == 0:
        try:
            Deaths(number).lie_in_wait()
            action.act(folder)
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the action failed instead of dying at call {number}")
    return code != 0


def main() -> None:
    """Let every action die at its calls."""
    step = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for name, action in ACTIONS.items():
        number = 1
        while killed(action, Path(sys.argv[1], name, str(number)), number):
            number += step


if __name__ == "__main__":
    main()
