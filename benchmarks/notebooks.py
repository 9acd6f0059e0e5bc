"""How long the lessons run from top to bottom, each in a fresh kernel.

As committed, that is with nothing solved; with ``--solved`` also with every exercise solved as the package solves it.
Time on the wall, from starting the kernel to its end, is what is asked; the kernel's processor time beside it hardly
depends on what else the machine does.

    python benchmarks/notebooks.py
    python benchmarks/notebooks.py 03 09 --repeats 3 --solved
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import page

os.environ |= page.ONE_THREAD  # as when the course is opened
sys.path.insert(0, str(page.ROOT))
sys.path.insert(0, str(page.ROOT / "tests" / "lessons"))

import lesson_files

LIMIT = 60  # seconds
LIMITS = {"09_language_model": 90}
STATES = {"as committed": "not attempted yet", "all solved": "The lesson goes on with your function."}


class Seconds(NamedTuple):
    """What one run took."""

    wall: float
    processor: float


def main() -> int:
    """Run the lessons; return 1 if one takes longer than is asked."""
    parser = page.parser(__doc__)
    parser.add_argument("lessons", nargs="*", metavar="NN", help="those whose names begin so; all if none is named")
    parser.add_argument("--repeats", type=page.at_least(1), default=1, help="runs in each state (1)")
    parser.add_argument("--solved", action="store_true", help="with all exercises solved as well")
    return page.run(measure, parser)


def measure(options: argparse.Namespace) -> page.Result:
    """Time every lesson."""
    states = list(STATES) if options.solved else list(STATES)[:1]
    rows, held = [], True
    for path in lesson_files.NOTEBOOKS:
        if not path.name.startswith(tuple(options.lessons) or ""):
            continue
        limit = LIMITS.get(path.stem, LIMIT)
        found = [medians(path, state, options.repeats) for state in states]
        shown = [f"{number:.1f}" for taken in found for number in taken]
        met = all(taken.wall <= limit for taken in found)
        held &= met
        rows.append([path.stem, *shown, str(limit), page.yes(met)])
    if not rows:
        raise ValueError(f"lessons: no name begins with one of {options.lessons}")
    runs = "one run" if options.repeats == 1 else f"medians of {options.repeats} runs"
    return page.Result(
        ["lesson", *(f"{state}, {clock}" for state in states for clock in ("s", "processor s")), "asked, s", "met"],
        rows,
        asked=f"at most {LIMIT} s from top to bottom, {LIMITS['09_language_model']} s for lesson 09",
        held=held,
        how="Time on the wall from starting a fresh kernel to its end, imports included, and the kernel's processor "
        f"time; one BLAS thread, as when the course is opened; {runs} of each.",
    )


def medians(path: Path, state: str, repeats: int) -> Seconds:
    """Return the median of each clock over some runs."""
    taken = [one_run(path, state) for _ in range(repeats)]
    return Seconds(*(statistics.median(clock) for clock in zip(*taken, strict=True)))


def one_run(path: Path, state: str) -> Seconds:
    """Run a lesson once; the reports of its checks must be those of this state."""
    names = [name for name, _, _ in lesson_files.exercises_in(lesson_files.read(path))] if state == "all solved" else []
    answers = {name: lesson_files.solved(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="bptt-notebooks-") as home:
        os.environ["BPTT_LESSONS_HOME"] = home
        os.environ.pop("MPLBACKEND", None)
        before, start = os.times(), time.perf_counter()
        checks, _ = lesson_files.run(path, answers, Path(home))
        wall, after = time.perf_counter() - start, os.times()
    if wrong := [name for name, text in checks.items() if STATES[state] not in text]:
        raise RuntimeError(f"{path.stem}, {state}: the reports of {', '.join(wrong)} say otherwise")
    children = [now.children_user + now.children_system for now in (before, after)]  # 0 on Windows
    return Seconds(wall, children[1] - children[0])


if __name__ == "__main__":
    raise SystemExit(main())
