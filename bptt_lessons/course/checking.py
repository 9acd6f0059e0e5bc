"""What a learner calls in a notebook: check, hint, solution, example.

`check` never raises and never blocks.  It returns the learner's function if that is right, else the package's, and
says which.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bptt_lessons.arguments import shown
from bptt_lessons.course import progress, sharing
from bptt_lessons.course.catalogue import EXERCISES
from bptt_lessons.course.cell_sources import SOURCES, syntax_error, watch_cells
from bptt_lessons.course.exercises import Exercise
from bptt_lessons.course.grading import not_attempted, wrong
from bptt_lessons.course.learner_function import LearnerFunction
from bptt_lessons.course.outcomes import Outcome, Raised, Returned, TimedOut
from bptt_lessons.course.report import Report, Text, show
from bptt_lessons.course.sandbox import copied, run

SLOWER_AT_MOST = 10  # times the package's function, on a lesson-sized case
TRIES = 5  # calls that are timed
PATIENCE = 3  # seconds for a call that is timed, on a busy machine
TOO_SHORT_TO_JUDGE = 0.005  # seconds: a function that takes less does not hold a lesson up

_hints_shown: dict[str, int] = {}


def check(name: str, *, time_limit: float = 5.0) -> Callable[..., Any]:
    """Check the learner's function of an exercise and return the function that the lesson uses from here on.

    Parameters
    ----------
    name : str
        The exercise, such as ``"rnn.step"``, for which the learner writes ``my_rnn_step``.
    time_limit : float
        Seconds for all calls together.

    Returns
    -------
    callable
        The learner's function if it is right, else the package's.
    """
    exercise = exercise_named(name)
    if exercise is None:
        show(Text(unknown(name)))
        return unavailable
    try:
        names = sys._getframe(1).f_globals
        function = names.get(exercise.learner_name)
        report = report_of(exercise, function, time_limit)
        if function is None:
            report = report.with_advice(*similar_names(exercise, names))
        trouble = trouble_in_a_lesson(exercise, function) if report.status == "correct" else ""
        usable = report.status == "correct" and not trouble
        if usable:
            report = report.with_advice("The lesson goes on with your function.")
        elif trouble:
            report = report.with_advice(f"On a lesson-sized case {trouble}, so the lesson goes on with the package's.")
        else:
            report = report.with_advice("The lesson goes on with the package's function.")
        report = recorded(exercise, report)
        show(report)
        return LearnerFunction(exercise, function) if usable and function else exercise.solution
    except Exception as error:  # our own bugs must not stop a lesson
        show(Text(f"{name}: the check itself failed ({type(error).__name__}: {error}). Please report it. "
                  "The lesson goes on with the package's function."))  # fmt: skip
        return exercise.solution


def hint(name: str) -> None:
    """Show the next hint of an exercise: first the idea, then the shapes, then almost the line."""
    exercise = exercise_named(name)
    if exercise is None:
        show(Text(unknown(name)))
        return
    shown = min(_hints_shown.get(name, 0), len(exercise.hints) - 1)
    _hints_shown[name] = shown + 1
    last = shown + 1 == len(exercise.hints)
    more = (
        f'That was the last one; `solution("{name}")` shows the function.' if last else "Call again for the next one."
    )
    show(Text(f"{name}, hint {shown + 1} of {len(exercise.hints)}: {exercise.hints[shown]}", more))


def solution(name: str) -> None:
    """Show the source of the package's function."""
    exercise = exercise_named(name)
    show(Text(unknown(name)) if exercise is None else Text(f"{name}:", block=inspect.getsource(exercise.solution)))


def example(name: str, number: int = 1) -> tuple[Any, ...]:
    """Return the arguments of one of an exercise's cases, to call a function on by hand.

    Raises
    ------
    ValueError
        If there is no such exercise or case.
    """
    exercise = exercise_named(name)
    if exercise is None:
        raise ValueError(f"name must be that of an exercise. {unknown(name)}")
    cases = exercise.make_cases()
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not whole or not 1 <= number <= len(cases):
        raise ValueError(f"number must be 1 ... {len(cases)} for {name}, got {shown(number)}")
    return tuple(map(copied, cases[number - 1].arguments.values()))


def report_of(exercise: Exercise, function: Any, time_limit: float) -> Report:
    """Grade the function, or say why there is none."""
    if function is not None:
        return exercise.grade(function, time_limit=time_limit)
    source = SOURCES.get(exercise.learner_name)
    if source is None:
        return not_attempted(exercise)
    fault = syntax_error(source)
    if fault is not None:
        text = f"The cell of `{exercise.learner_name}` does not parse: {fault.msg}"
        line = (fault.text or "").strip()
        return wrong(exercise, "syntax-error", [text + f", line {fault.lineno}" + (f": `{line}`." if line else ".")])
    text = f"There is no `{exercise.learner_name}`: its cell stopped with an error before the function was defined."
    return wrong(exercise, "cell-error", [text])


def similar_names(exercise: Exercise, names: Mapping[str, Any]) -> list[str]:
    """Point to a function with nearly the expected name."""
    taken = {other.learner_name for other in EXERCISES.values()}
    mine = [name for name in names if name.startswith("my") and callable(names[name]) and name not in taken]
    near = difflib.get_close_matches(exercise.learner_name, mine, n=1, cutoff=0.8)
    return (
        [f"There is a function `{near[0]}`: is that it? Its name should be `{exercise.learner_name}`."] if near else []
    )


def trouble_in_a_lesson(exercise: Exercise, function: Any) -> str:
    """Say what keeps a right function from being used in a lesson: it raises there, or is ten times slower.

    Only computing time counts, for a server may be busy with a whole class.
    """
    case = exercise.make_lesson_case()
    package = min(seconds_of(run(exercise.solution, case.arguments, 60)) for _ in range(TRIES))
    limit = max(SLOWER_AT_MOST * package, TOO_SHORT_TO_JUDGE)
    for _ in range(TRIES):
        outcome = run(function, case.arguments, PATIENCE + 2 * limit)
        if isinstance(outcome, Raised):
            return f"({case.label}) it raises {outcome.kind}" + (f": {outcome.message}" if outcome.message else "")
        if seconds_of(outcome) <= limit:
            return ""
        if isinstance(outcome, TimedOut):
            break
    return f"it takes more than {SLOWER_AT_MOST} times as long as the package's function"


def seconds_of(outcome: Outcome) -> float:
    """Return the computing time of one call; infinity if it did not return."""
    return outcome.seconds if isinstance(outcome, Returned) else float("inf")


def recorded(exercise: Exercise, report: Report) -> Report:
    """Write the result into the learner's progress, and say so if that fails."""
    if report.status == "not attempted":
        return report
    try:
        progress.record(exercise.lesson, exercise.name, report.status, report.misconception)
    except Exception as error:  # wherever it is written, this must not change the verdict
        reason = getattr(error, "strerror", None) or error
        return report.with_advice(f"Your progress could not be written down: {reason}.")
    trouble = sharing.keep_up()  # does nothing unless the learner has agreed
    return report.with_advice(trouble) if trouble else report


def exercise_named(name: object) -> Exercise | None:
    """Return the exercise of that name, if there is one."""
    return EXERCISES.get(name) if isinstance(name, str) else None


def unknown(name: str) -> str:
    """Say that there is no such exercise, and which ones are near."""
    near = difflib.get_close_matches(name, EXERCISES, n=3) if isinstance(name, str) else []
    return f"There is no exercise {shown(name)}." + (f" Did you mean {' or '.join(map(repr, near))}?" if near else "")


def unavailable(*args: Any, **kwargs: Any) -> Any:
    """Take the place of a function whose exercise does not exist."""
    raise ValueError("this function comes from a check of an exercise that does not exist")


watch_cells()
