"""Load a JupyterHub with learners: ``python deploy/load_test``.

    python deploy/load_test                       30 learners, about 20 minutes, into RESULTS.md and results.json
    python deploy/load_test --quick               4 learners, a few minutes, printed only
    python deploy/load_test --learners 40         so many; 10, 20, 30 ... of them at a time for the rule of thumb
    python deploy/load_test --whole 6 --minutes 45    everybody runs every lesson from top to bottom

The first time it makes an environment of its own, ``.venv-load`` in the clone (from PyPI and npm; git ignores it).
The hub listens on 127.0.0.1 alone.  Exit code: 1 if there was an error or something was lost.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def at_least(least: float, kind: type) -> object:
    """Return a type of option: a number from `least` on."""

    def number(text: str) -> float:
        value: float = kind(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least:g}, got {text}")
        return value

    return number


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(
        prog="python deploy/load_test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--learners", type=at_least(1, int), help="how many (30; with --quick 4)")
    made.add_argument("--minutes", type=at_least(1, float), help="how long about (20; with --quick 5)")
    made.add_argument("--whole", type=at_least(0, int), default=None,
                      help="lessons of the six that each learner runs from top to bottom (2; with --quick 1); "
                      "of the others they run what exercises and figures need")  # fmt: skip
    made.add_argument("--seed", type=int, default=1, help="of everything that is drawn at random (1)")
    made.add_argument("--quick", action="store_true", help="few learners and short phases; nothing is written")
    made.add_argument("--no-accidents", action="store_true", help="leave out the learners who hurt the others")
    made.add_argument("--no-groups", action="store_true", help="do without control groups, even where they can be had")
    made.add_argument("--print", action="store_true", help="print the page instead of writing the two files")
    return made


def main() -> None:
    """Make the environment, then hand over to it."""
    parser().parse_args()
    environment.make()
    command = [str(environment.PYTHON), str(environment.HERE / "run.py"), *sys.argv[1:]]
    os.execve(command[0], command, {n: v for n, v in os.environ.items() if n not in environment.UNWANTED})


if __name__ == "__main__":
    main()
