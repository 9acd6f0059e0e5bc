"""The page of results: what a benchmark found, as a table, and on what machine.

Every benchmark is a script with a function ``measure(options) -> Result``, and hands it to `run`: alone it prints its
section of the page, and with ``--json FILE`` it writes the result down for ``python benchmarks``, which makes the
whole page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = dict.fromkeys(  # for a BLAS that is loaded from now on, here and in child processes
    ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"], "1"
)
LIBRARIES = ["numpy", "torch", "jax", "jupyterlab", "ipywidgets", "matplotlib"]


class Result(NamedTuple):
    """What one benchmark found: texts, as they stand on the page."""

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    asked: str = ""  # what is asked, as a sentence
    held: bool | None = None  # whether that was met; None if it could not be judged
    how: str = ""  # how it was measured, in a sentence or two
    notes: Sequence[str] = ()  # what a reader must know besides: what was left out, and why


class LeftOut(Exception):
    """Raised by a benchmark that cannot be run here; its text says what is missing."""


def parser(description: str) -> argparse.ArgumentParser:
    """Return what reads a benchmark's options, of which it has one already."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    return made


def at_least(least: int) -> Callable[[str], int]:
    """Return a type of option: a whole number from `least` on."""

    def number(text: str) -> int:
        if (value := int(text)) < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        return value

    return number


def run(measure: Callable[[Any], Result], options: argparse.ArgumentParser) -> int:
    """Measure as the command line says; print the section, or write it down.

    Returns
    -------
    int
        Exit code: 1 if what is asked was not met. Written down, that is no failure: the page says it.
    """
    arguments = options.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # child processes would compile every module at every start
    try:
        result = measure(arguments)
    except LeftOut as reason:
        result = Result(notes=[f"Left out: {reason}."])
    if arguments.json:
        arguments.json.write_text(json.dumps(result._asdict()), encoding="utf-8")
        return 0
    print(f"{machine()}\n\n{body(result)}")
    return int(result.held is False)


def yes(held: bool) -> str:
    """Say in a word whether what is asked was met."""
    return "yes" if held else "NO"


def body(result: Result) -> str:
    """Return a section in Markdown, without its heading."""
    verdict = "" if result.held is None else f" Met: **{yes(result.held)}**."
    asked = [f"Asked: {result.asked}.{verdict}"] if result.asked else []
    table = ["\n".join(map(line, [result.columns, ["---"] * len(result.columns), *result.rows]))] if result.rows else []
    return "\n\n".join([*asked, *table, *result.notes, *([result.how] if result.how else [])])


def line(cells: Sequence[str]) -> str:
    """Return one line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def whole(machine: str, sections: dict[str, str]) -> str:
    """Return the page: sections by their headings, in this order."""
    top = (
        "# Results\n\nWritten by `python benchmarks`; [README.md](README.md) says what is asked, and why.\n\n"
        f"{machine}\n"
    )
    return top + "".join(f"\n## {heading}\n\n{text.strip()}\n" for heading, text in sections.items())


def sections_of(page: str, machine: str) -> dict[str, str]:
    """Return the sections of an earlier page by their headings; none if it was measured on another machine."""
    top, *sections = re.split(r"^## ", page, flags=re.MULTILINE)
    parts = [section.partition("\n\n") for section in sections]
    return {heading: text for heading, _, text in parts} if machine in top else {}


def machine() -> str:
    """Name the processor, the memory, the system and the versions: what results can be compared within."""
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"no {name}")
    parts = [
        f"{processor()}, {os.cpu_count()} cores{memory()}",
        f"{platform.system()} {platform.release()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"{', '.join(versions)} (BLAS in NumPy: {blas()})",
    ]
    return "; ".join(parts) + "."


def processor() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()  # not Linux: the shorter name will do


def memory() -> str:
    """Say how much memory there is, where the system tells."""
    try:
        return f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, OSError, ValueError):
        return ""


def blas() -> str:
    """Name the library that multiplies NumPy's matrices."""
    import numpy as np

    found: Any = np.show_config(mode="dicts")
    library = found.get("Build Dependencies", {}).get("blas", {})
    return f"{library.get('name', 'unknown')} {library.get('version', '')}".strip()


def load() -> str:
    """Return the load of the last minute, where the system tells."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def commit() -> str:
    """Name the commit, and say if the package is not as it was committed."""
    try:
        name = git("rev-parse", "--short", "HEAD")
        return name + (" and changes" if git("status", "--porcelain", "--", "bptt_lessons", "notebooks") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def git(*arguments: str) -> str:
    """Return what git answers in this repository."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
