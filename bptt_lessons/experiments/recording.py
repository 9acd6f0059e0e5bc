"""Experiments and their records: a live run of one seed, a record of many, and published numbers.

An experiment is one function of a seed and a setting.  ``python -m bptt_lessons.experiments`` runs
its *full* setting over all seeds and records the results in a small file that ships with the
package; its *lesson* setting runs live.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import check_size

Value = bool | int | float | list[float] | None  # None for "never", as in "solved at update"
Values = dict[str, Value]

DIGITS = 6  # significant ones, in a record
FOLDER = Path(__file__).parent / "recorded"
# What a result depends on: uncommitted changes here are noted in the record.
SOURCES = ("arguments.py", "nested.py", "cells", "gradients", "training", "tasks", "experiments")


class Experiment(NamedTuple):
    """A question, the function that answers it for one seed, and what it is run with."""

    name: str
    question: str
    run: Callable[..., Values]  # run(seed, **setting)
    seeds: tuple[int, ...]
    full: Mapping[str, Any]
    lesson: Mapping[str, Any]
    published: Mapping[str, str]  # quantity -> what its source says
    note: str = ""  # what a reader of the numbers needs to know


class Recorded(NamedTuple):
    """The results of a full run."""

    name: str
    setting: dict[str, Any]
    seeds: list[int]
    values: dict[str, list[Any]]  # quantity -> one value for every seed
    seconds: list[float]  # for every seed
    note: str
    made_with: dict[str, str]  # commit, python, numpy, platform


class Row(NamedTuple):
    """One quantity: published, recorded, and measured live."""

    quantity: str
    published: str  # empty if nothing was
    recorded: str
    here: Value
    is_here: bool  # False if the live run does not measure it


def live(experiment: Experiment, seed: int | None = None) -> Values:
    """Run one seed in the lesson's setting; the experiment's first seed if none is given."""
    return experiment.run(experiment.seeds[0] if seed is None else seed, **experiment.lesson)


def record(experiment: Experiment, folder: Path = FOLDER) -> Recorded:
    """Run all seeds in the full setting and write ``NAME.json`` into an existing folder, whole.

    Raises
    ------
    ValueError
        If the folder cannot be written, seeds give different quantities, or a value is not a finite number.
    """
    if not os.access(folder, os.W_OK):  # found out before minutes are spent
        raise ValueError(f"folder {folder} does not exist or cannot be written to")
    made_with = versions()  # before the run: later edits are not what ran
    runs, seconds = [], []
    for seed in experiment.seeds:
        start = time.perf_counter()
        runs.append(experiment.run(seed, **experiment.full))
        seconds.append(time.perf_counter() - start)
    for values in runs:
        if list(values) != list(runs[0]):
            raise ValueError(f"{experiment.name} gave {list(values)} for one seed and {list(runs[0])} for another")
    result = Recorded(
        name=experiment.name,
        setting=plain(experiment.full),
        seeds=list(experiment.seeds),
        values={quantity: [rounded(values[quantity]) for values in runs] for quantity in runs[0]},
        seconds=[round(s, 2) for s in seconds],
        note=experiment.note,
        made_with=made_with,
    )
    write(result, folder)
    return result


def write(result: Recorded, folder: Path) -> None:
    """Replace a record's file in one step."""
    lines = [f"  {json.dumps(key)}: {field_text(value)}" for key, value in result._asdict().items()]
    target = folder / f"{result.name}.json"
    partial = target.with_suffix(f".{os.getpid()}.partial")
    partial.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    partial.replace(target)


def recorded(name: str) -> Recorded:
    """Return the record of an experiment that ships with the package.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    file = files("bptt_lessons.experiments") / "recorded" / f"{name}.json"
    if not isinstance(name, str) or not file.is_file():
        raise ValueError(f"there is no record of an experiment {name!r}")
    return Recorded(**json.loads(file.read_text(encoding="utf-8")))


def rows(experiment: Experiment, values: Mapping[str, Value]) -> list[Row]:
    """Return one row for every recorded quantity that is no curve, with `values` from a live run."""
    found = recorded(experiment.name)
    return [
        Row(quantity, experiment.published.get(quantity, ""), summary(each), values.get(quantity), quantity in values)
        for quantity, each in found.values.items()
        if not isinstance(each[0], list)
    ]


def summary(values: list[Any]) -> str:
    """Summarise one quantity over seeds: ``7 of 8`` for outcomes, median and range for numbers.

    Raises
    ------
    ValueError
        If there are no values.
    """
    check_size("number of values", len(values))
    if all(isinstance(value, bool) for value in values):
        return f"{sum(values)} of {len(values)}"
    numbers = [value for value in values if value is not None]
    if not numbers:
        return "never"
    text = short(median(numbers))
    if min(numbers) != max(numbers):
        text += f" ({short(min(numbers))} ... {short(max(numbers))})"
    missing = len(values) - len(numbers)
    return text + (f", never in {missing} of {len(values)}" if missing else "")


def short(value: float) -> str:
    """Return a number as text with the digits that matter."""
    return format(value, format_of(value))


def format_of(value: float) -> str:
    """Return the format for a number: three significant digits, or all digits before the point below a million."""
    return ",.0f" if isinstance(value, int) or 1000 <= abs(value) < 1e6 else ".3g"


def rounded(value: Any) -> Any:
    """Return a value as a record stores it: numbers with six significant digits.

    Raises
    ------
    ValueError
        If it is or holds anything but finite real numbers, True, False or None.
    """
    if isinstance(value, (list, tuple, np.ndarray)):
        return [rounded(item) for item in value]
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if not isinstance(value, (float, np.floating)) or not np.isfinite(value):
        raise ValueError(f"a record holds finite numbers, True, False or None, got {value!r}")
    return float(f"{value:.{DIGITS}g}")


def plain(setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return a setting as JSON reads it back, to compare it with a record's."""
    same: dict[str, Any] = json.loads(json.dumps(dict(setting)))
    return same


def field_text(value: Any) -> str:
    """Return one field of a record as JSON, one quantity to a line."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    lines = [f"    {json.dumps(key)}: {json.dumps(item, allow_nan=False)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n  }"


def versions() -> dict[str, str]:
    """Return what the results depend on beyond the seed: the commit and the versions."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "as many as NumPy takes"),
    }


def commit() -> str:
    """Return the commit, and whether the mathematics has changed since; "unknown" outside a clone."""
    package = Path(__file__).parents[1]

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=package, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != package.parent:
            return "unknown"  # an installed copy inside some other repository
        changed = git("status", "--porcelain", "--", *(s for s in SOURCES), ":!experiments/recorded")
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
