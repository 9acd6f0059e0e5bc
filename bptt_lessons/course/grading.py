"""Grading: is a function right, and if not, what is the first thing to say about it?

A function is run on every case of its exercise, and each result is taken apart once (`results`).  What needs no
comparison comes first: an exception, a missing return, a wrong shape, arguments written into, an answer that depends
on earlier calls.  Then the known mistakes and slips are compared with the results (`diagnosis`), and where none of
them explains every case, the report says where the numbers depart (`wording`).
"""

from __future__ import annotations

import functools
import inspect
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.course import results, wording
from bptt_lessons.course.diagnosis import Bench, Suspect, diagnosed
from bptt_lessons.course.exercise_data import Case, ExerciseData
from bptt_lessons.course.outcomes import Outcome, Raised, Returned, TimedOut, snapshot
from bptt_lessons.course.report import Report
from bptt_lessons.course.results import Answer, Refusal, is_right, listed
from bptt_lessons.course.sandbox import called, code_of, copied, run
from bptt_lessons.course.stubs import is_stub
from bptt_lessons.course.suspects import line_up

PLAIN: dict[str, Any] = {
    "precision": 8, "threshold": 1000, "edgeitems": 3, "linewidth": 75, "suppress": False, "nanstr": "nan",
    "infstr": "inf", "sign": "-", "floatmode": "maxprec", "formatter": None,
}  # fmt: skip

GENERAL = {
    "no-return": "Your function returns None. Is a `return` missing at its end?",
    "mutates-input": "Make a new array, or work on a copy: whoever called you still needs what they passed in.",
    "timeout": "Your function did not return in time. Is there a loop that never ends?",
    "does-not-raise": "Your function goes on where it should stop with an error.",
    "remembers": "Your function answers differently when it is called again: something from an earlier call is left "
    "over. All that it needs must come in through its arguments.",
    "not-finite": "Your result holds inf or nan here, and the right one does not.",
}

LIKE_SINGLE_PRECISION = (
    "The numbers nearly agree. Single precision (float32) somewhere on the way would look like this: "
    "stay in the dtype of the arguments, float64."
)


class Trial(NamedTuple):
    """A learner's function on all cases of an exercise."""

    cases: Sequence[Case]
    mine: Sequence[Answer]  # up to the first that ran out of time
    right: Sequence[Answer]


def grade(exercise: ExerciseData, function: Any, *, time_limit: float = 5.0) -> Report:
    """Check a learner's function against an exercise.

    Parameters
    ----------
    exercise : ExerciseData
    function : object
        What the learner wrote; None if there is nothing.
    time_limit : float
        Seconds for all calls together.

    Returns
    -------
    Report
    """
    try:
        if function is None or (callable(function) and is_stub(function)):
            return not_attempted(exercise)
        if not callable(function):
            kind = type(function).__name__
            return wrong(exercise, "not-a-function", [f"`{exercise.learner_name}` is of type {kind}, not a function."])
        if (code := code_of(function)) and code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            text = f"`{exercise.learner_name}` is written with `async def`, so calling it computes nothing yet."
            return wrong(exercise, "async", [text, "Leave `async` away."])
        with np.errstate(all="ignore"), np.printoptions(**PLAIN):  # whatever the learner has set
            return judged(exercise, function, time_limit if 0 < time_limit < float("inf") else 5.0)
    except Exception as error:  # our own bugs must not stop a lesson
        text = f"The check itself failed ({type(error).__name__}: {error})."
        return wrong(exercise, "check-failed", [text, "That is our fault, not yours; please report it."])


def judged(exercise: ExerciseData, function: Callable[..., Any], time_limit: float) -> Report:
    """Run all cases and report."""
    deadline = time.monotonic() + time_limit

    def outcome_of(case: Case) -> Outcome:
        return run(function, case.arguments, max(deadline - time.monotonic(), 0.01))

    trial = tried(exercise, outcome_of)
    off = [n for n, (mine, right) in enumerate(zip(trial.mine, trial.right, strict=False)) if not is_right(mine, right)]
    written = next((n for n, mine in enumerate(trial.mine) if written_arrays(mine)), None)
    if off:
        return told_wrong(exercise, function, trial, off[0])
    if written is not None:
        names = listed(written_arrays(trial.mine[written]))
        return wrong(exercise, "mutates-input", [f"The values are right, but {names} has been written into."])
    remembered = depends_on_earlier_calls(exercise, trial, outcome_of)
    if remembered:
        return wrong(exercise, "remembers", [remembered])
    report = Report(exercise.name, "correct", (), None, f"correct, in all {len(trial.cases)} cases.")
    kinds = sorted({kind for mine in trial.mine for kind in getattr(mine.outcome, "float_errors", ())})
    remark = f"NumPy warned on the way ({', '.join(kinds)}). The results are right; a calmer way is safer."
    return report.with_advice(remark) if kinds else report


def tried(exercise: ExerciseData, outcome_of: Callable[[Case], Outcome]) -> Trial:
    """Run a function on all cases, and take its results apart."""
    cases = exercise.make_cases()
    expected = [right_result(exercise, case) for case in cases]
    mine: list[Answer] = []
    for case, right in zip(cases, expected, strict=True):
        mine.append(answer(exercise, case, outcome_of(case), right))
        if isinstance(mine[-1].outcome, TimedOut):
            break
    wanted = [answer(exercise, c, as_outcome(r), r) for c, r in zip(cases, expected, strict=True)]
    return Trial(cases, mine, wanted)


def answer(exercise: ExerciseData, case: Case, outcome: Outcome, right: Any) -> Answer:
    """Take one result of an exercise apart."""
    measure = functools.partial(exercise.properties, case.arguments) if exercise.properties else None
    return results.answer(outcome, right, exercise.returns, measure)


def right_result(exercise: ExerciseData, case: Case) -> Any:
    """Return what the package's function does in a case: a snapshot of its result, or its Refusal."""
    arguments = map(copied, case.arguments.values())
    if not case.refused:
        return snapshot(exercise.solution(*arguments))
    try:
        exercise.solution(*arguments)
    except Exception as error:
        return Refusal(type(error), case.refused)
    raise AssertionError(f"the package's function does not refuse {case.label}")


def as_outcome(right: Any) -> Outcome:
    """Return the outcome of a right function."""
    return (
        Raised(right.error.__name__, "", "", "", right.error)
        if isinstance(right, Refusal)
        else Returned(right, (), 0.0)
    )


def written_arrays(mine: Answer) -> tuple[str, ...]:
    """Return the arguments, or arrays in them, that a call has written into."""
    return mine.outcome.written if isinstance(mine.outcome, Returned) else ()


def depends_on_earlier_calls(exercise: ExerciseData, trial: Trial, outcome_of: Callable[[Case], Outcome]) -> str:
    """Say how a function answers otherwise when it is called again: on other numbers of the same shape, or the same."""
    first = trial.cases[0]
    other = twin(first)
    try:
        wanted = right_result(exercise, other)
    except Exception:  # the solution refuses such numbers
        wanted = None
    if wanted is not None:
        mine = answer(exercise, other, outcome_of(other), wanted)
        if not is_right(mine, answer(exercise, other, as_outcome(wanted), wanted)):
            return "On other numbers of the same shapes it does not give what those numbers should give."
    again = answer(exercise, first, outcome_of(first), right_result(exercise, first))
    return "" if is_right(again, trial.right[0]) else "The first case, run once more, gives something else than before."


def twin(case: Case) -> Case:
    """Return a case of the same shapes with other numbers: the sequences in reverse order, or all numbers smaller."""
    sizes = {letter: int(size) for letter, size in re.findall(r"\b([A-Z]) = (\d+)", case.label)}
    N = sizes.get("N", 1)
    reversible = N > 1 and list(sizes.values()).count(N) == 1

    def other(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            if reversible:
                return np.flip(value, tuple(axis for axis, size in enumerate(value.shape) if size == N)).copy()
            return value * value.dtype.type(0.75) if value.dtype.kind == "f" else value
        if isinstance(value, tuple):
            items = map(other, value)
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return [other(item) for item in value] if isinstance(value, list) else value

    return Case(case.label, {name: other(value) for name, value in case.arguments.items()})


def told_wrong(exercise: ExerciseData, function: Callable[..., Any], trial: Trial, number: int) -> Report:
    """Return the report of a function that is wrong first in the case of that number."""
    mine, right, case = trial.mine[number], trial.right[number], trial.cases[number]
    kind = kind_of(mine)
    found: tuple[Suspect, ...] = ()
    if kind not in ("timeout", "no-return"):
        found = diagnosed(line_up(exercise), bench_of(exercise, trial))
    if kind == "values" and written_arrays(mine) and not found:
        kind = "mutates-input"
    label = f"Case {number + 1} of {len(trial.cases)} ({case.label}): " if len(trial.cases) > 1 else ""
    details = ["Two things are off."] if len(found) > 1 else []
    details += [suspect.sentence for suspect in found]
    details.append(label + departure(exercise, mine, right))
    if written_arrays(mine):
        arrays = listed(written_arrays(mine))
        details.append(f"{arrays} has been written into: what reads it afterwards reads the new numbers.")
    if kind == "not-finite" and (errors := getattr(mine.outcome, "float_errors", ())):
        details.append(f"NumPy reports on the way: {', '.join(errors)}.")
    if kind == "values" and not found and nearly_right(trial):
        details.append(LIKE_SINGLE_PRECISION)
    if printed := mine.outcome.printed.strip():
        details.append(f"It printed: {printed[:300]}")
    own_name = str(getattr(function, "__name__", ""))
    name = own_name if own_name.isidentifier() else exercise.learner_name
    call = f"{name}(*example({exercise.name!r}" + (f", {number + 1}" if number else "") + "))"
    return wrong(
        exercise,
        kind if kind != "values" else None,
        details,
        block=wording.beside(mine, right) if mine.problem is None else "",
        again=f"To see it for yourself, run `{call}`.",
        mistakes=tuple(suspect.name for suspect in found),
        inputs=wording.printed_case(case.arguments),
    )


def kind_of(mine: Answer) -> str:
    """Say in one word what is wrong with an answer."""
    if mine.problem is not None:
        return mine.problem.kind
    finite = all(np.isfinite(array).all() for array in (mine.arrays or {}).values())
    return "values" if finite else "not-finite"


def departure(exercise: ExerciseData, mine: Answer, right: Answer) -> str:
    """Say what is wrong with one answer."""
    if mine.problem is None:
        order = "draws may come in any order, so their properties are compared. " if exercise.properties else ""
        return order + wording.departure(mine, right, exercise.packed)
    if (
        mine.problem.kind == "wrong-shape"
        and not exercise.properties
        and mine.arrays is not None
        and right.arrays is not None
    ):
        off = [n for n, array in right.arrays.items() if n in mine.arrays and mine.arrays[n].shape != array.shape]
        how = wording.shape_explained(mine.arrays[off[0]], right.arrays[off[0]]) if off else ""
        return f"{mine.problem.text} {how}" if how else mine.problem.text
    return mine.problem.text


def bench_of(exercise: ExerciseData, trial: Trial) -> Bench:
    """Return what suspects are compared on."""
    expected = [right_result(exercise, case) for case in trial.cases]

    def ask(suspect: Callable[..., Any], number: int) -> Answer:
        case = trial.cases[number]
        return answer(exercise, case, called(suspect, case.arguments), expected[number])

    return Bench(ask, trial.mine, trial.right[: len(trial.mine)])


def nearly_right(trial: Trial) -> bool:
    """Say whether all results are off by no more than single precision in between may cost."""
    pairs = list(zip(trial.mine, trial.right, strict=False))
    if any(mine.problem is not None for mine, _ in pairs):
        return False
    arrays = [(m.arrays[n], r.arrays[n]) for m, r in pairs if m.arrays and r.arrays for n in r.arrays]
    return all(results.error(got, want) <= results.NEARLY for got, want in arrays)


def wrong(
    exercise: ExerciseData,
    kind: str | None,
    details: Sequence[str],
    block: str = "",
    again: str = "",
    *,
    mistakes: tuple[str, ...] = (),
    inputs: str = "",
) -> Report:
    """Return a report of a wrong function; `kind` is what is wrong in general, if no mistake is named."""
    general = GENERAL.get(kind or "", "") if not mistakes else ""
    lines = [general, *details] if general else list(details)
    advice = [again] if again else []
    advice.append(
        f'`hint("{exercise.name}")` gives a hint, `solution("{exercise.name}")` shows the package\'s function.'
    )
    return Report(exercise.name, "wrong", mistakes, kind, "not right yet.", tuple(lines), block, tuple(advice), inputs)


def not_attempted(exercise: ExerciseData) -> Report:
    """Return the report of an empty stub."""
    advice = (
        f"Write `{exercise.learner_name}` above, run its cell, then this one. "
        f'`hint("{exercise.name}")` gives a first idea.'
    )
    return Report(exercise.name, "not attempted", (), None, "not attempted yet.", advice=(advice,))
