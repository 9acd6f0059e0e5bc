"""What a learner calls in a notebook: check, hint, solution, example.

`check` never raises and never blocks: it returns the learner's function if it is right
and the package's if it is missing, wrong or does not even parse, and says which.
"""

from __future__ import annotations

import difflib
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bptt_lessons.arguments import shown
from bptt_lessons.course import progress, sharing
from bptt_lessons.course.catalogue import EXERCISES
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.course.grading import TOLERANCE, not_attempted, wrong
from bptt_lessons.course.report import Report, Text
from bptt_lessons.course.sandbox import attribute, copied, is_row, seconds_of

SLOWER_AT_MOST = 10  # times the package's function, on a lesson-sized case
TRIES = 5  # calls that are timed
PATIENCE = 3  # seconds for a call that is timed, on a busy machine
TOO_SHORT_TO_JUDGE = 0.005  # seconds: below this a slow function does not hold a lesson up

_cells: dict[str, str] = {}  # learner's function name -> source of the last cell that set out to define it
_hints_shown: dict[str, int] = {}


def check(name: str, *, time_limit: float = 5.0) -> Callable[..., Any]:
    """Check the learner's function of an exercise and return the function that the lesson goes on with.

    Parameters
    ----------
    name : str
        The exercise, such as ``"rnn.step"``; the function looked for in the caller's
        notebook is then ``my_rnn_step``.
    time_limit : float
        Seconds for all calls together.

    Returns
    -------
    callable
        The learner's function if it is right, else the package's.
    """
    exercise = found(name)
    if exercise is None:
        show(Text(unknown(name)))
        return unavailable
    try:
        names = sys._getframe(1).f_globals
        function = names.get(exercise.learner_name)
        report = report_of(exercise, function, time_limit)
        if function is None:
            report = report.with_advice(*similar_names(exercise, names))
        usable = report.status == "correct" and function is not None and quick_enough(exercise, function)
        if usable:
            report = report.with_advice("The lesson goes on with your function.")
        elif report.status == "correct":
            report = report.with_advice(
                f"On a lesson-sized case it takes more than {SLOWER_AT_MOST} times as long as the package's function, "
                "so the lesson goes on with the package's."
            )
        else:
            report = report.with_advice("The lesson goes on with the package's function.")
        report = recorded(exercise, report)
        show(report)
        return LearnerFunction(exercise, function) if usable and function is not None else exercise.solution
    except Exception as error:  # a fault of ours must not stop a lesson
        show(Text(f"{name}: the check itself failed ({type(error).__name__}: {error}). Please report it. "
                  "The lesson goes on with the package's function."))  # fmt: skip
        return exercise.solution


def hint(name: str) -> None:
    """Show the next hint of an exercise: first the idea, then the shapes, then almost the line."""
    exercise = found(name)
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
    exercise = found(name)
    show(Text(unknown(name)) if exercise is None else Text(f"{name}:", block=inspect.getsource(exercise.solution)))


def example(name: str, number: int = 1) -> tuple[Any, ...]:
    """Return the arguments of one of an exercise's cases, to call a function on by hand.

    Raises
    ------
    ValueError
        If there is no such exercise or case.
    """
    exercise = found(name)
    if exercise is None:
        raise ValueError(f"name must be that of an exercise. {unknown(name)}")
    cases = exercise.make_cases()
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not whole or not 1 <= number <= len(cases):
        raise ValueError(f"number must be 1 ... {len(cases)} for {name}, got {shown(number)}")
    return tuple(map(copied, cases[number - 1].arguments.values()))


class LearnerFunction:
    """A learner's function at work in a lesson: results get the package's types, failures its help."""

    def __init__(self, exercise: Exercise, function: Callable[..., Any]) -> None:
        self.exercise, self.function = exercise, function
        self.signature = inspect.signature(exercise.solution)
        with np.errstate(all="ignore"):
            cases = [list(map(copied, case.arguments.values())) for case in exercise.make_cases() if not case.refused]
            self.patterns = [(kinds(arguments), exercise.solution(*arguments)) for arguments in cases]
        self.failed = False
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):  # others could be named as ours are
            if (value := attribute(function, name, str)) is not None:
                setattr(self, name, value)
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.failed:
            return self.exercise.solution(*args, **kwargs)
        args, kept = twice(args)
        try:
            given = self.signature.bind(*args, **kwargs)  # by position: a learner may have named things otherwise
            value = settled(self.function(*given.args, **given.kwargs))
            arguments = [*given.args, *given.kwargs.values()]
            named = [argument for argument in arguments if hasattr(argument, "_fields")]
            found = kinds(arguments)
            likest_first = sorted(self.patterns, key=lambda pattern: pattern[0] != found)
            patterns = [*(kindred(pattern, value, named) for _, pattern in likest_first), *named]
            return built_like(patterns, value, precision_of(arguments))
        except (Exception, SystemExit) as error:
            result = self.exercise.solution(*kept, **kwargs)  # raises too if the arguments are at fault
            self.failed = True
            fault = f"{self.exercise.learner_name} raised {type(error).__name__}: {error}."
            show(Text(fault, "The lesson goes on with the package's function."))
            return result

    def __repr__(self) -> str:
        return f"<your {self.exercise.learner_name}>"


def twice(arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return arguments for two calls: what the first draws from an iterator, the second finds there again."""
    pairs = [itertools.tee(a) if hasattr(a, "__next__") else (a, a) for a in arguments]
    return tuple(first for first, _ in pairs), tuple(second for _, second in pairs)


def settled(value: Any) -> Any:
    """Return a result in which whatever can be run through only once, or is a deque and the like, is a list."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(settled, value))
    if isinstance(value, (float, int, np.ndarray)):  # so that long lists of numbers cost little
        return value
    return list(map(settled, value)) if is_row(value) else value


def kindred(pattern: Any, value: Any, arguments: list[Any]) -> Any:
    """Put an argument in the place of a NamedTuple in a pattern where the result is built as that argument is.

    Patterns come from the cases, whose cell may be another one than the lesson's: a gradient of an LSTM's
    parameters, as plain tuples, has the LSTM's types, and a session is one of the lesson's own cell.
    """
    if not isinstance(pattern, tuple):
        return pattern
    if not hasattr(pattern, "_fields"):
        items = list(value) if isinstance(value, (list, tuple)) else []
        fits = len(items) == len(pattern)
        return tuple(kindred(p, v, arguments) for p, v in zip(pattern, items, strict=True)) if fits else pattern
    for argument in arguments:
        try:
            same = type(argument) is type(pattern) or shapes(built(argument, value, None)) == shapes(argument)
        except (TypeError, ValueError):
            continue
        if same:
            return argument
    return pattern


def shapes(value: Any) -> Any:
    """Return the shapes of the arrays in nested tuples, nested alike."""
    return [shapes(item) for item in value] if isinstance(value, tuple) else np.shape(value)


def built_like(patterns: list[Any], value: Any, precision: np.dtype[Any] | None) -> Any:
    """Give a right result the package's types (NamedTuples for plain tuples, arrays for lists) and precision.

    `patterns` are results of the package's function; the first that the result fits serves.
    """
    for pattern in patterns:
        try:
            return built(pattern, value, precision)
        except (TypeError, ValueError):
            continue
    raise ValueError("what it returned is not built as before")


def built(pattern: Any, value: Any, precision: np.dtype[Any] | None) -> Any:
    """Give one value the types of one pattern; ValueError if it does not fit."""
    fields = getattr(value, "_fields", None)
    if fields and type(value) is not type(pattern) and type(value).__module__.startswith("bptt_lessons."):
        pattern = value  # of whichever cell: it stays what it is
    if isinstance(pattern, list):
        return [built(pattern[0], item, precision) for item in value]
    if isinstance(pattern, tuple):
        wanted: Any = getattr(pattern, "_fields", None)
        by_name = wanted is not None and fields is not None and set(wanted) == set(fields)
        items = [getattr(value, name) for name in wanted] if by_name else list(value)
        if not wanted and all(isinstance(p, (float, np.floating)) for p in pattern):
            return tuple(i if isinstance(i, float) else float(i) for i in items)  # a history, of any length
        made: list[Any] = [i if i is None else built(p, i, precision) for p, i in zip(pattern, items, strict=True)]
        return type(pattern)(*made) if wanted else tuple(made)
    if pattern is None and isinstance(value, (list, tuple)):
        raise ValueError("nothing says what it is built of")
    return number_or_array(pattern, value, precision)


def number_or_array(pattern: Any, value: Any, precision: np.dtype[Any] | None) -> Any:
    """Give a number or an array the kind of the pattern (whole numbers, or real ones) and the precision."""
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        if isinstance(value, np.ndarray):  # of letters, say, because the arguments were
            return value
        raise ValueError("not an array of numbers")
    if array.dtype.kind == "c":
        return array if precision is None else array.astype(np.result_type(precision, np.complex64), copy=False)[()]
    kind = np.asarray(pattern).dtype
    if kind.kind in "biu":  # it may be wanted as an index
        if not np.allclose(array, np.rint(array), rtol=TOLERANCE, atol=TOLERANCE):
            raise ValueError("not whole numbers")
        return type(pattern)(array) if isinstance(pattern, int) else np.rint(array).astype(kind)[()]
    if type(pattern) is float:
        return float(value)
    if array.ndim == 0 and not isinstance(value, (np.generic, np.ndarray)):
        return value  # a number of Python's goes with every precision
    return array.astype(precision or kind, copy=False)[()]


def precision_of(arguments: Any) -> np.dtype[Any] | None:
    """Return the real dtype that goes with the floating arrays among arguments, if there are any."""
    found = {array.real.dtype for array in all_arrays(arguments) if array.dtype.kind in "fc"}
    return np.result_type(*found) if found else None


def kinds(arguments: Any) -> set[str]:
    """Return the kinds of the arrays among arguments: "f" for real numbers, "i" for whole ones, and so on."""
    return {array.dtype.kind for array in all_arrays(arguments)}


def all_arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield every array in nested lists and tuples."""
    if isinstance(value, (np.ndarray, np.generic)):
        yield np.asarray(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from all_arrays(item)


def report_of(exercise: Exercise, function: Any, time_limit: float) -> Report:
    """Grade the function, or say why there is none."""
    if function is not None:
        return exercise.grade(function, time_limit=time_limit)
    source = _cells.get(exercise.learner_name)
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
    """Point to a function whose name is the expected one but for a slip."""
    taken = {other.learner_name for other in EXERCISES.values()}
    mine = [name for name in names if name.startswith("my") and callable(names[name]) and name not in taken]
    near = difflib.get_close_matches(exercise.learner_name, mine, n=1, cutoff=0.8)
    return (
        [f"There is a function `{near[0]}`: is that it? Its name should be `{exercise.learner_name}`."] if near else []
    )


def quick_enough(exercise: Exercise, function: Any) -> bool:
    """Whether a right function does not hold a lesson up: it runs, and not ten times slower than the package's.

    What counts is the time that it computes: on a server on which a whole class is at work, every call comes late.
    """
    case: Case = exercise.make_lesson_case()
    package = min(seconds_of(exercise.solution, case.arguments, 60) for _ in range(TRIES))
    limit = max(SLOWER_AT_MOST * package, TOO_SHORT_TO_JUDGE)
    tries = (seconds_of(function, case.arguments, PATIENCE + 2 * limit) for _ in range(TRIES))
    return any(seconds <= limit for seconds in itertools.takewhile(np.isfinite, tries))


def recorded(exercise: Exercise, report: Report) -> Report:
    """Write the result into the learner's progress, and say so if that fails."""
    if report.status == "not attempted":
        return report
    try:
        progress.record(exercise.lesson, exercise.name, report.status, report.misconception)
    except Exception as error:  # wherever it was to go, that must not change the verdict
        reason = getattr(error, "strerror", None) or error
        return report.with_advice(f"Your progress could not be written down: {reason}.")
    trouble = sharing.keep_up()  # which does nothing unless the learner has said yes
    return report.with_advice(trouble) if trouble else report


def found(name: object) -> Exercise | None:
    """Return the exercise of that name, if there is one."""
    return EXERCISES.get(name) if isinstance(name, str) else None


def unknown(name: str) -> str:
    """Say that there is no such exercise, and which ones are near."""
    near = difflib.get_close_matches(name, EXERCISES, n=3) if isinstance(name, str) else []
    return f"There is no exercise {shown(name)}." + (f" Did you mean {' or '.join(map(repr, near))}?" if near else "")


def unavailable(*args: Any, **kwargs: Any) -> Any:
    """Stand in for a function of an exercise that does not exist."""
    raise ValueError("this function comes from a check of an exercise that does not exist")


def show(message: Report | Text) -> None:
    """Display in a notebook, print elsewhere."""
    shell = notebook_shell()
    if shell is None:
        print(message)
        return
    from IPython.display import display

    display(message)  # type: ignore[no-untyped-call, unused-ignore]


def notebook_shell() -> Any:
    """Return the running IPython shell, or None."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


DEFINITION = re.compile(r"^def\s+(my_\w+)", re.MULTILINE)
ATTEMPT = re.compile(r"^(?:\w+\s+)?(my_\w+)\s*[(=](?!=)", re.MULTILINE)  # in a cell that does not parse


def forget_older_definitions(info: Any) -> None:
    """Before a cell runs, drop the older version of each learner's function that it sets out to define.

    If the cell then does not parse, or stops before the definition, nothing is left that
    could be graded in its place.
    """
    shell = notebook_shell()
    source = info.raw_cell or ""
    names = set(DEFINITION.findall(source))
    if syntax_error(source) is not None:
        names |= set(ATTEMPT.findall(source))
    for name in names:
        _cells[name] = source
        shell.user_ns.pop(name, None)


def syntax_error(source: str) -> SyntaxError | None:
    """Return the SyntaxError of a cell's source, magics allowed, or None."""
    shell = notebook_shell()
    try:
        compile(shell.transform_cell(source) if shell is not None else source, "<cell>", "exec")
    except SyntaxError as error:
        return error
    except Exception:  # not ours to judge
        return None
    return None


def watch_cells() -> None:
    """Have the running IPython shell call `forget_older_definitions` before each cell."""
    shell = notebook_shell()
    if shell is None:
        return
    for callback in list(shell.events.callbacks["pre_run_cell"]):
        if getattr(callback, "__name__", "") == forget_older_definitions.__name__:
            shell.events.unregister("pre_run_cell", callback)
    shell.events.register("pre_run_cell", forget_older_definitions)


watch_cells()
