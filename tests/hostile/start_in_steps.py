"""Run a clone's start.py for real, with steps that take no network and end when they are told to.

    python start_in_steps.py CLONE [COMMAND ...]

Each step (venv, the build tool, the course) is a process of its own, run by start.py's own `run`
under its own lock.  It says its name and, if CLONE/hold names it, goes on once that file is gone.
What start.py would hand over to is printed.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path
from typing import Any

STEP = """
import pathlib, sys, time
name, hold, python = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
print("step:", name, flush=True)
while hold.exists() and hold.read_text() == name:
    time.sleep(0.01)
if name == "venv":
    python.parent.mkdir()
    python.touch()
(python.parent.parent / (name + " done")).write_bytes(b"0" * 5000)
"""


def name_of(command: tuple[object, ...]) -> str:
    """Name a step by what it runs."""
    return "venv" if "venv" in command else "build tool" if "hatchling" in command else "course"


def main() -> None:
    """Do what ``python start.py COMMAND ...`` does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests in the background ignores it
    clone, *sys.argv[1:] = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("start", Path(clone, "start.py"))
    assert spec is not None
    assert spec.loader is not None
    start: Any = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(start)
    run, hold = start.run, Path(clone, "hold")

    def step(lock: Any, *command: object) -> None:
        run(lock, sys.executable, "-IS", "-c", STEP, name_of(command), hold, start.PYTHON)

    start.run = step
    start.hand_over = lambda *command: print("handed over to:", *command[1:], flush=True)
    start.main()


if __name__ == "__main__":
    main()
