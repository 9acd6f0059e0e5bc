"""The checker checked: every mutant of every exercise's solution is graded, and the table in README.md written anew.

    python tests/mutants/run.py                         all exercises; writes tests/mutants/README.md
    python tests/mutants/run.py rnn.step lstm.init      some of them; only prints
    python tests/mutants/run.py --jobs 2                two processes at once
    python tests/mutants/run.py text.sample --list equal      with every mutant that changes nothing
                                                        (or caught, unnamed, missed)
    python tests/mutants/run.py --keep FOLDER           goes on with a run that was interrupted: what was found is in
                                                        FOLDER.  After a change to cases or grading, begin an empty one

A mutant is *caught* if `Exercise.grade` does not call it right.  One that is called right is run on many more inputs
(mutant_inputs.py) beside the solution.  If the results agree on all of them, to 1e-9 of the largest entry of each
array (float32: 1e-4), and no argument is written into, it *changes nothing*, as far as we looked; else it is *missed*.
A function that draws may draw in another order: there the properties of what it draws and the distribution decide.

The numbers are the same each time and everywhere: nothing is drawn without a seed, and a clock decides about loops
without end only.  Mutants run in processes of their own, with 4 GB of memory where the system can limit it; one that
ends its process is caught.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # before NumPy loads its BLAS
    os.environ |= dict.fromkeys(["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"], "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from mutant_inputs import more_inputs
from mutation import KINDS, Mutant, built, mutants
from reasons import REASONS

from bptt_lessons.course import EXERCISES, grading
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.course.outcomes import Outcome, Returned, snapshot
from bptt_lessons.course.sandbox import copied, run

FOLDER = Path(__file__).resolve().parent
TABLE = FOLDER / "README.md"
TOLERANCE = {8: 1e-9, 4: 1e-4}  # by the bytes of the least precise number among the arguments
MEMORY = 4 << 30  # bytes
SILENCE = 180  # seconds without a word from a process, after which its mutant is taken to hang in compiled code
TIME_LIMIT = 5.0  # seconds for a loop without end; right answers take a fiftieth

SAID = {  # what a report says that names no catalogued mistake
    "raises": "the exception, with the line",
    "values": "which array is off, where, by how much",
    "wrong-shape": "which array has which shape",
    "wrong-type": "what is built otherwise",
    "no-return": "that nothing is returned",
    "mutates-input": "which argument is written into",
    "timeout": "that it does not come back",
    "does-not-raise": "that it goes on where it should stop with an error",
}
Verdict = dict[str, Any]  # kind, change, result ("caught", "equal", "missed"), said (a mistake's name, or of SAID)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercises", nargs="*", metavar="exercise", help="such as rnn.step; all if none is given")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (1)")
    parser.add_argument("--list", choices=["caught", "unnamed", "equal", "missed"], action="append", default=[])
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where verdicts are kept, and taken from")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.exercises) - set(EXERCISES)
    if unknown:
        parser.error(f"there is no exercise {', '.join(sorted(unknown))}")
    if options.worker is not None:
        work(EXERCISES[options.exercises[0]], options.worker)
        return
    chosen = options.exercises or list(EXERCISES)
    with ThreadPoolExecutor(options.jobs) as pool:
        found = dict(zip(chosen, pool.map(lambda name: kept_or_made(name, options.keep), chosen), strict=True))
    print(page(found) if not options.exercises else tables(found))
    for name, verdicts in found.items():
        for verdict in verdicts:
            unnamed = verdict["result"] == "caught" and not is_named(verdict)
            if verdict["result"] in options.list or (unnamed and "unnamed" in options.list):
                print(
                    name,
                    verdict["result"],
                    verdict["kind"],
                    verdict["change"],
                    verdict.get("where", verdict["said"]),
                    sep=" | ",
                )
    if not options.exercises:
        TABLE.write_text(page(found), encoding="utf-8")
    lost = [m for verdicts in found.values() for m in verdicts if m["result"] == "missed" or m.get("wrongly_named")]
    sys.exit(bool(lost))


# In the process that waits.


def kept_or_made(name: str, folder: Path | None) -> list[Verdict]:
    """Return the verdicts of an earlier run if they are about the same mutants, else make them; keep them."""
    if folder is None:
        return verdicts_of(name)
    file = folder / f"{name}.json"
    if file.exists():
        kept: list[Verdict] = json.loads(file.read_text(encoding="utf-8"))
        if [(v["kind"], v["change"]) for v in kept] == [job[:2] for job in jobs(EXERCISES[name])]:
            return kept
    made = verdicts_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return made


def verdicts_of(name: str) -> list[Verdict]:
    """Return the verdicts on all mutants and catalogued mistakes of an exercise, from processes of their own."""
    verdicts: list[Verdict] = []
    while not verdicts or verdicts[-1]["kind"] != "end":
        command = [sys.executable, str(FOLDER / "run.py"), name, f"--worker={len(verdicts)}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        assert process.stdout is not None
        before = len(verdicts)
        with process, Watch(process.kill) as watch:
            for line in process.stdout:
                watch.again()
                verdicts.append(json.loads(line))
        if not verdicts or verdicts[-1]["kind"] != "end":
            if process.returncode == 1:
                raise RuntimeError(f"the run of {name} failed; what went wrong stands above")
            kind, change = jobs(EXERCISES[name])[len(verdicts)][:2]
            verdicts.append({"kind": kind, "change": change, "result": "caught", "said": "timeout"})
            print(f"{name}: {change} ended its process", file=sys.stderr)
        assert len(verdicts) > before
    print(f"{name}: {len(verdicts) - 1} run", file=sys.stderr)
    return verdicts[:-1]


class Watch:
    """Calls something if `again` has not been called for a while."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action

    def __enter__(self) -> Watch:
        self.again()
        return self

    def again(self) -> None:
        """Start to wait anew."""
        self.__exit__()
        self.timer = threading.Timer(SILENCE, self.action)
        self.timer.daemon = True
        self.timer.start()

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "timer"):
            self.timer.cancel()


# In the process that runs mutants.


def jobs(exercise: Exercise) -> list[tuple[str, str, str]]:
    """Return kind, change and source of every mutant; then the same of every catalogued mistake, without source."""
    made: Sequence[Mutant] = mutants_of(exercise)
    return [*made, *(("catalogue", name, "") for name in exercise.misconceptions)]


def mutants_of(exercise: Exercise) -> list[Mutant]:
    """Return the mutants of an exercise's solution; the second case has sizes that differ."""
    return mutants(exercise.solution, exercise.make_cases()[1].arguments)


def work(exercise: Exercise, start: int) -> None:
    """Give a verdict on every mutant and mistake from `start` on, a line each."""
    limit_memory()
    exercise = remembering(exercise)
    reference = Reference(exercise)
    report = exercise.grade(exercise.solution)
    if report.status != "correct":
        raise SystemExit(f"{exercise.name}: the solution itself is called {report.status}\n{report}")
    for kind, change, source in jobs(exercise)[start:]:
        verdict: Verdict = {"kind": kind, "change": change}
        if kind == "catalogue":
            report = exercise.grade(exercise.misconceptions[change].function, time_limit=TIME_LIMIT)
            verdict["wrongly_named"] = report.misconception != change
        else:
            function = built(source, exercise.solution)
            report = exercise.grade(function, time_limit=TIME_LIMIT)
        caught = report.status != "correct"
        verdict["said"] = said = report.misconception or "values"
        assert said in SAID or said in exercise.misconceptions, said
        if not caught and kind != "catalogue":
            where = reference.first_difference(function)
            verdict |= {"result": "missed", "where": where} if where else {"result": "equal"}
        else:
            verdict["result"] = "caught" if caught else "missed"
        print(json.dumps(verdict), flush=True)
    if exercise.grade(exercise.solution).status != "correct":
        raise SystemExit(f"{exercise.name}: a mutant has left something behind that changes the solution's results")
    print(json.dumps({"kind": "end"}), flush=True)


def limit_memory() -> None:
    """Let this process have no more than its share, where the system can see to that."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, ValueError, OSError):
        return


def remembering(exercise: Exercise) -> Exercise:
    """Return the exercise with a memory: what belongs to a catalogued mistake is computed once only."""
    numbers: dict[int, int] = {}  # of cases, by the identity of their arguments
    outcomes: dict[tuple[int, int], Outcome] = {}  # by mistake and case
    taken_apart: dict[int, Any] = {}  # leaves of values, and properties of outcomes, by the identity of these
    known: set[int] = set()
    catalogued = {id(misconception.function) for misconception in exercise.misconceptions.values()}
    leaves, properties = grading.leaves, grading.properties

    def make_cases() -> tuple[Case, ...]:
        cases = exercise.make_cases()
        numbers.update((id(case.arguments), number) for number, case in enumerate(cases))
        return cases

    def run_once(function: Callable[..., Any], arguments: Mapping[str, Any], seconds: float, **how: Any) -> Outcome:
        if id(function) not in catalogued:
            return run(function, arguments, seconds, **how)
        key = (id(function), numbers[id(arguments)])
        if key not in outcomes:
            outcomes[key] = outcome = run(function, arguments, seconds, **how)
            known.update({id(outcome), id(outcome.value)} if isinstance(outcome, Returned) else ())
        return outcomes[key]

    def leaves_once(value: Any, expected: Any, names: tuple[str, ...]) -> list[grading.Leaf]:
        if id(value) not in known or value is None:
            return leaves(value, expected, names)
        if id(value) not in taken_apart:
            try:
                taken_apart[id(value)] = leaves(value, expected, names)
            except grading.StructureError as error:
                taken_apart[id(value)] = error
        if isinstance(taken_apart[id(value)], grading.StructureError):
            raise taken_apart[id(value)]
        found: list[grading.Leaf] = taken_apart[id(value)]
        return found

    def properties_once(exercise: Exercise, arguments: Mapping[str, Any], outcome: Returned, right: Any) -> Any:
        if id(outcome) not in known:
            return properties(exercise, arguments, outcome, right)
        if id(outcome) not in taken_apart:
            taken_apart[id(outcome)] = properties(exercise, arguments, outcome, right)
        return taken_apart[id(outcome)]

    grading.run, grading.leaves, grading.properties = run_once, leaves_once, properties_once
    return dataclasses.replace(exercise, make_cases=make_cases)


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
        """Say on which input a function returns something else than the solution; nothing if on none."""
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
        try:
            mine, theirs = (grading.leaves(v, right, self.exercise.returns) for v in (outcome.value, right))
        except grading.StructureError:
            return float("inf")
        pairs = [(p.value, q.value) for p, q in zip(mine, theirs, strict=True)]
        if any(a.shape != b.shape or (a.dtype.kind == "c") != (b.dtype.kind == "c") for a, b in pairs):
            return float("inf")
        gap = max((grading.error(a, b) for a, b in pairs), default=0.0)
        if gap and self.exercise.properties is not None:
            wanted = grading.properties(self.exercise, arguments, Returned(right, (), 0.0), right)
            found = grading.properties(self.exercise, arguments, outcome, right)
            alike = found is not None and wanted is not None and same_properties(found, wanted)
            return 0.0 if alike and same_distribution(*zip(*pairs, strict=True)) else float("inf")
        return gap


def same_properties(found: Sequence[grading.Leaf], wanted: Sequence[grading.Leaf]) -> bool:
    """Whether all properties agree."""
    return all(
        p.value.shape == q.value.shape and grading.error(p.value, q.value) <= TOLERANCE[8]
        for p, q in zip(found, wanted, strict=True)
    )


def same_distribution(mine: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Whether two batches (T, N, ...) have means and mean products that chance alone can explain, at nine sigma."""
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


# The page.


def page(found: Mapping[str, Sequence[Verdict]]) -> str:
    """Return README.md."""
    return f"""# The checker checked

Written by `python tests/mutants/run.py`; do not edit by hand. (`--jobs 2` for two processes; 10 minutes or so.)

A learner's function is right or wrong, and `Exercise.grade` has to tell. Here it is put to the test by *mutants*: the
package's own solution of every exercise with one small thing changed, such as an operator, an index, an axis, a sign,
a name, a term or a line left out. `mutation.py` makes all that its rules know, every one once.

- **mutants**: programs that differ from the solution and from one another. What only examines arguments
  (`check_...`, but for `check_finite`, which looks at a loss) is left as it is. No solution is a mere wrapper, so no
  helper is changed.
- **change nothing**: graded as right, and right: on the cases, the lesson's case and many more inputs
  (`mutant_inputs.py`) they return what the solution returns, to 1e-9 of the largest entry of each array (1e-4 where
  the arguments are float32). Most frequent are statements that may stand in either order. What a function holds on to
  meanwhile is no result: a `checkpointing.backward` that never lets go of a checkpoint is in this column.
- **caught**: graded as not right.
- **missed**: graded as right, though on some input they return something else. Each is listed below.
- **named**: share of the caught ones of which the report says which catalogued mistake they are, with the sentence
  that helps. What it says of the others stands in the last table: most are told where their values are off, or which
  line raised.
- **mistakes**, **named as themselves**: the catalogue of the exercise, graded in the same way.

Nothing here depends on a clock (but that a loop without end is stopped) nor on chance, so the numbers are the same
every time.

{tables(found)}
## Missed

{missed(found)}"""


def tables(found: Mapping[str, Sequence[Verdict]]) -> str:
    """Return the numbers by exercise, and by kind of change."""
    lines = [
        "| exercise | mutants | change nothing | caught | missed | caught of those that change something | named "
        "| mistakes | caught | named as themselves |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    everything = [verdict for verdicts in found.values() for verdict in verdicts]
    for name, verdicts in [*found.items(), ("**all**", everything)]:
        mistakes = [v for v in verdicts if v["kind"] == "catalogue"]
        caught = sum(v["result"] == "caught" for v in mistakes)
        as_themselves = sum(not v.get("wrongly_named") for v in mistakes)
        label = f"`{name}`" if name in EXERCISES else name
        lines.append(f"| {label} | {row(verdicts)} | {len(mistakes)} | {caught} | {as_themselves} |")
    lines += ["", "| kind of change | mutants | change nothing | caught | missed | caught of those | named |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        lines.append(f"| {kind} | {row([v for v in everything if v['kind'] == kind])} |")
    return "\n".join(lines) + "\n\n" + what_was_said(everything)


def row(verdicts: Sequence[Verdict]) -> str:
    """Return the numbers of some mutants as cells."""
    mine = [v for v in verdicts if v["kind"] != "catalogue"]
    count = collections.Counter(v["result"] for v in mine)
    named = sum(is_named(v) for v in mine)
    shares = share(count["caught"], count["caught"] + count["missed"]), share(named, count["caught"])
    return " | ".join(map(str, (len(mine), count["equal"], count["caught"], count["missed"], *shares)))


def is_named(verdict: Verdict) -> bool:
    """Whether the report says which catalogued mistake it is."""
    return verdict["result"] == "caught" and verdict["said"] not in SAID


def what_was_said(everything: Sequence[Verdict]) -> str:
    """Return a table of what the reports say of the mutants that were caught."""
    said = collections.Counter(
        "" if is_named(v) else v["said"] for v in everything if v["result"] == "caught" and v["kind"] != "catalogue"
    )
    total = sum(said.values())
    lines = [f"| which catalogued mistake it is | {said['']} | {share(said[''], total)} |"]
    lines += [f"| {text} | {said[kind]} | {share(said[kind], total)} |" for kind, text in SAID.items()]
    return "\n".join(["| the report says | mutants | share |", "|---|---:|---:|", *lines]) + "\n"


def share(part: int, whole: int) -> str:
    """Return a percentage, rounded down so that only all of them are 100 %."""
    return f"{1000 * part // whole / 10:.1f} %" if whole else "-"


def missed(found: Mapping[str, Sequence[Verdict]]) -> str:
    """Return a list of the mutants that were missed, with the reason where one is known."""

    def lines() -> Iterator[str]:
        for name, verdicts in found.items():
            for verdict in verdicts:
                if verdict["result"] == "missed":
                    reason = REASONS.get((name, verdict["change"]), "Not yet looked into.")
                    yield f"- `{name}`, {verdict['kind']}, line {verdict['change']}. {reason}"

    return "\n".join(lines()) + "\n" if any(lines()) else "None.\n"


if __name__ == "__main__":
    main()
