"""Grade every mutant of every exercise's solution, and write the table in README.md.

    python tests/mutants/run.py --jobs 2                all exercises; writes tests/mutants/README.md
    python tests/mutants/run.py rnn.step lstm.init      some of them; only prints
    python tests/mutants/run.py rnn.step --named        also counts those whose report names a catalogued mistake

A mutant is *caught* if `Exercise.grade` does not call it right.  One that is called right is run on many more inputs
(mutant_inputs.py) beside the solution.  If all results agree, to 1e-9 of the largest entry of each array (float32:
1e-4), and no argument is written into, it *changes nothing*; else it is *missed*.  A function that draws may draw in
another order: there the properties of what it draws and the distribution decide.

The mutants of an exercise run in a process of their own, with 4 GB of memory where the system can limit it.  A mutant
that ends its process is caught.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # before NumPy loads its BLAS
    os.environ |= dict.fromkeys(["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"], "1")

import numpy as np
from mutant_inputs import more_inputs
from mutation import KINDS, Mutant, built, mutants

from bptt_lessons.course import EXERCISES, grading, results
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.course.outcomes import Outcome, Returned, snapshot
from bptt_lessons.course.results import is_right
from bptt_lessons.course.sandbox import copied, run

TABLE = Path(__file__).resolve().parent / "README.md"
TOLERANCE = {8: 1e-9, 4: 1e-4}  # by the bytes of the least precise number among the arguments
TIME_LIMIT = 20.0  # seconds for a loop without end; right answers take 0.1, on a busy machine more

Verdict = dict[str, Any]  # kind, change, result ("caught", "equal", "missed"), named, where


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercises", nargs="*", metavar="exercise", help="such as rnn.step; all if none is given")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (1)")
    parser.add_argument("--named", action="store_true", help="look for names of mistakes too, which takes longer")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        work(EXERCISES[options.exercises[0]], options.worker, options.named)
        return
    chosen = options.exercises or list(EXERCISES)
    with ThreadPoolExecutor(options.jobs) as pool:
        found = dict(zip(chosen, pool.map(lambda name: verdicts_of(name, options.named), chosen), strict=True))
    text = tables(found)
    print(text)
    if options.named:
        caught = [v for verdicts in found.values() for v in verdicts if v["result"] == "caught"]
        print(f"{sum(v['named'] for v in caught)} of {len(caught)} that are caught are named")
    if not options.exercises:
        before = TABLE.read_text(encoding="utf-8").partition("| exercise |")[0]
        TABLE.write_text(before + text, encoding="utf-8")
    sys.exit(any(v["result"] == "missed" for verdicts in found.values() for v in verdicts))


def verdicts_of(name: str, named: bool) -> list[Verdict]:
    """Return the verdicts on all mutants of an exercise, from a process of their own."""
    verdicts: list[Verdict] = []
    made = mutants_of(EXERCISES[name])
    while len(verdicts) < len(made):
        command = [sys.executable, __file__, name, f"--worker={len(verdicts)}", *(["--named"] if named else [])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
            assert process.stdout is not None
            verdicts += map(json.loads, process.stdout)
        if process.returncode == 1:
            raise RuntimeError(f"the run of {name} failed: see above")
        if process.returncode:  # the mutant has ended the process
            kind, change, _ = made[len(verdicts)]
            verdicts.append({"kind": kind, "change": change, "result": "caught", "named": False})
    return verdicts


def mutants_of(exercise: Exercise) -> list[Mutant]:
    """Return the mutants of an exercise's solution; the second case has sizes that differ."""
    return mutants(exercise.solution, exercise.make_cases()[1].arguments)


def work(exercise: Exercise, start: int, named: bool) -> None:
    """Print a verdict on every mutant from `start` on, a line each."""
    limit_memory()
    reference = Reference(exercise)
    for mutant in mutants_of(exercise)[start:]:
        print(json.dumps(verdict(exercise, reference, mutant, named)), flush=True)
    if exercise.grade(exercise.solution).status != "correct":
        raise SystemExit(f"{exercise.name}: the solution is not called correct, or not any more after its mutants")


def verdict(exercise: Exercise, reference: Reference, mutant: Mutant, named: bool = False) -> Verdict:
    """Return what becomes of a mutant."""
    function = built(mutant.source, exercise.solution)
    right = is_called_right(exercise, function)
    where = reference.first_difference(function) if right else ""
    result = "caught" if not right else "missed" if where else "equal"
    is_named = named and not right and bool(exercise.grade(function, time_limit=TIME_LIMIT).mistakes)
    return {"kind": mutant.kind, "change": mutant.change, "result": result, "named": is_named, "where": where}


def is_called_right(exercise: Exercise, function: Callable[..., Any]) -> bool:
    """Say whether grading calls a function right, without looking for a name for what is wrong."""

    def outcome_of(case: Case) -> Outcome:
        return run(function, case.arguments, TIME_LIMIT)

    with np.errstate(all="ignore"):
        trial = grading.tried(exercise, outcome_of)
        if len(trial.mine) < len(trial.right) or not all(map(is_right, trial.mine, trial.right)):
            return False
        written = any(map(grading.written_arrays, trial.mine))
        return not written and not grading.depends_on_earlier_calls(exercise, trial, outcome_of)


def limit_memory() -> None:
    """Let this process have 4 GB, where the system can see to that."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, ValueError, OSError):
        return


class Reference:
    """What the solution returns on many inputs, or on every so many of them, computed when it is first asked for."""

    def __init__(self, exercise: Exercise, every: int = 1) -> None:
        self.exercise, self.every = exercise, every
        self.made: list[tuple[Mapping[str, Any], Any]] = []

    def inputs(self) -> list[tuple[Mapping[str, Any], Any]]:
        """Return all inputs with the right results."""
        if not self.made:
            with np.errstate(all="ignore"):
                self.made = [
                    (arguments, snapshot(self.exercise.solution(*map(copied, arguments.values()))))
                    for arguments in more_inputs(self.exercise)[:: self.every]
                ]
        return self.made

    def first_difference(self, function: Callable[..., Any]) -> str:
        """Say on which input a function does not return what the solution returns; an empty text if there is none."""
        for number, (arguments, right) in enumerate(self.inputs()):
            outcome = run(function, arguments, 4 * TIME_LIMIT)
            if not isinstance(outcome, Returned):
                return f"input {number}: {outcome}"[:300]
            if outcome.written:
                return f"input {number}: writes into {', '.join(outcome.written)}"
            gap = self.gap(arguments, outcome, right)
            if gap > TOLERANCE[bytes_of(list(arguments.values()))]:
                return f"input {number}: off by {gap:.2g}"
        return ""

    def gap(self, arguments: Mapping[str, Any], outcome: Returned, right: Any) -> float:
        """Return by how much the worst array is off, relative to its largest entry."""
        mine, wanted = (results.answer(o, right, self.exercise.returns) for o in (outcome, Returned(right, (), 0.0)))
        if mine.problem is not None or mine.arrays is None or wanted.arrays is None:
            return float("inf")
        pairs = [(mine.arrays[name], array) for name, array in wanted.arrays.items()]
        gap = max((results.error(a, b) for a, b in pairs), default=0.0)
        if gap and self.exercise.properties is not None:
            case = Case("", arguments)
            found, expected = (
                grading.answer(self.exercise, case, o, right) for o in (outcome, Returned(right, (), 0.0))
            )
            alike = is_right(found, expected)
            return 0.0 if alike and same_distribution(*zip(*pairs, strict=True)) else float("inf")
        return gap


def same_distribution(mine: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Whether the means and mean products of two batches (T, N, ...) agree within nine standard deviations."""
    a, b = (np.concatenate([features(array) for array in arrays], axis=1) for arrays in (mine, theirs))
    N = len(a)
    if N < 1000:
        return True  # too few to tell
    first = np.abs(a.mean(axis=0) - b.mean(axis=0)) <= 9 * np.sqrt((a.var(axis=0) + b.var(axis=0)) / N) + 1e-12
    products, squares = (a.T @ a / N, b.T @ b / N), ((a**2).T @ a**2 / N, (b**2).T @ b**2 / N)
    variances = sum(s - p**2 for p, s in zip(products, squares, strict=True))
    second = np.abs(products[0] - products[1]) <= 9 * np.sqrt(np.maximum(variances, 0) / N) + 1e-9
    return bool(first.all() and second.all())


def features(array: Any) -> Any:
    """Return an array (T, N, ...) as one row of numbers for every sequence."""
    return np.moveaxis(np.asarray(array, float), 1, 0).reshape(array.shape[1], -1)


def bytes_of(value: Any) -> int:
    """Return 4 if there is a float32 array in a value, else 8."""
    if isinstance(value, np.ndarray):
        return 4 if value.dtype == np.float32 else 8
    return min(map(bytes_of, value), default=8) if isinstance(value, (list, tuple)) else 8


def tables(found: Mapping[str, Sequence[Verdict]]) -> str:
    """Return the numbers by exercise and by kind of change, and the mutants that were missed."""
    everything = [verdict for verdicts in found.values() for verdict in verdicts]
    lines = ["| exercise | mutants | change nothing | caught | missed |", "|---|---:|---:|---:|---:|"]
    lines += [f"| `{name}` | {row(verdicts)} |" for name, verdicts in found.items()]
    lines += [f"| **all** | {row(everything)} |", ""]
    lines += ["| kind of change | mutants | change nothing | caught | missed |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {kind} | {row([v for v in everything if v['kind'] == kind])} |" for kind in KINDS]
    missed = [
        f"- `{name}`, {v['kind']}, line {v['change']} ({v['where']})"
        for name, verdicts in found.items()
        for v in verdicts
        if v["result"] == "missed"
    ]
    return "\n".join([*lines, "", "## Missed", "", *(missed or ["None."]), ""])


def row(verdicts: Sequence[Verdict]) -> str:
    """Return the numbers of some mutants as cells."""
    count = collections.Counter(v["result"] for v in verdicts)
    return " | ".join(map(str, (len(verdicts), count["equal"], count["caught"], count["missed"])))


if __name__ == "__main__":
    main()
