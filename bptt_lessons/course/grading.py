"""Grading: is a function right, and if not, which mistake is it?

A function is run on every case of its exercise.  Type and shape are looked at before
values.  Where something differs, the catalogued mistakes are run on the same cases:
the one whose results are the learner's, case by case, is the one the report names.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import re
import textwrap
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.course.exercise_data import Case, ExerciseData
from bptt_lessons.course.outcomes import Other, Outcome, Raised, Record, Returned, TimedOut, snapshot
from bptt_lessons.course.report import Report
from bptt_lessons.course.sandbox import code_of, copied, run

TOLERANCE = 1e-6  # relative, for each array as a whole
NEARLY = 1e-4  # what single precision in between may cost
PRINTED_ENTRIES = 80  # a case with more numbers is not printed


PLAIN: dict[str, Any] = {
    "precision": 8, "threshold": 1000, "edgeitems": 3, "linewidth": 75, "suppress": False, "nanstr": "nan",
    "infstr": "inf", "sign": "-", "floatmode": "maxprec", "formatter": None,
}  # fmt: skip


class Problem(NamedTuple):
    """The first thing that is wrong in one case."""

    kind: str
    text: str
    case: int


class Refusal(NamedTuple):
    """What is expected of a case that is refused: an error of this class, and why."""

    error: type[BaseException]
    why: str


class Leaf(NamedTuple):
    """One array of a result, by name; `value` is None where there is no array."""

    name: str
    value: Any


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
    except Exception as error:  # a fault of ours must not stop a lesson
        text = f"The check itself failed ({type(error).__name__}: {error})."
        return wrong(exercise, "check-failed", [text, "That is our fault, not yours; please report it."])


def judged(exercise: ExerciseData, function: Callable[..., Any], time_limit: float) -> Report:
    """Run all cases and report."""
    cases = exercise.make_cases()
    expected = [right_answer(exercise, case) for case in cases]  # first: what follows may change what it rests on
    deadline = time.monotonic() + time_limit
    outcomes: list[Outcome] = []
    for case in cases:
        outcomes.append(run(function, case.arguments, max(deadline - time.monotonic(), 0.01)))
        if isinstance(outcomes[-1], TimedOut):
            break
    problem = next(
        (
            Problem(kind, text, number)
            for number, (case, outcome, right) in enumerate(zip(cases, outcomes, expected, strict=False))
            for kind, text in [fault(exercise, case.arguments, outcome, right, time_limit)]
            if kind
        ),
        None,
    )
    if problem is None:
        written = next((o.written for o in outcomes if isinstance(o, Returned) and o.written), ())
        if not written:
            report = Report(exercise.name, "correct", None, f"correct, in all {len(cases)} cases.")
            kinds = sorted({kind for o in outcomes if isinstance(o, Returned) for kind in o.float_errors})
            remark = f"NumPy warned on the way ({', '.join(kinds)}). The results are right; a calmer way is safer."
            return report.with_advice(remark) if kinds else report
        names = " and ".join(f"`{name}`" for name in written)
        return wrong(exercise, "mutates-input", [f"The values are right, but {names} has been written into."])

    @functools.cache
    def theirs(name: str, number: int) -> Outcome:  # run when it is asked for: most differ in the first case
        return run(exercise.misconceptions[name].function, cases[number].arguments, 5.0)

    found = None if problem.kind in ("timeout", "no-return") else matching(exercise, cases, outcomes, expected, theirs)
    label = f"Case {problem.case + 1} of {len(cases)} ({cases[problem.case].label}): " if len(cases) > 1 else ""
    details = [label + problem.text]
    if problem.kind in ("values", "wrong-shape") and not found:
        details = [*told_together(exercise, together(exercise, outcomes, expected, theirs)), *details]
    outcome = outcomes[problem.case]
    if isinstance(outcome, Returned) and outcome.written:
        details.append(f"{listed(outcome.written)} has been written into, which may be the cause.")
        found = found or ("mutates-input" if problem.kind == "values" else None)
    if problem.kind == "values" and not found and nearly_right(exercise, outcomes, expected):
        details.append(LIKE_SINGLE_PRECISION)
    printed = outcome.printed.strip()
    if printed:
        details.append(f"It printed: {printed[:300]}")
    own_name = str(getattr(function, "__name__", ""))
    name = own_name if own_name.isidentifier() else exercise.learner_name
    call = f"{name}(*example({exercise.name!r}" + (f", {problem.case + 1}" if problem.case else "") + "))"
    block = printed_case(cases[problem.case].arguments)
    again = f"To see it for yourself, run `{call}`."
    return wrong(exercise, found or (problem.kind if problem.kind != "values" else None), details, block, again)


def right_answer(exercise: ExerciseData, case: Case) -> Any:
    """Return what the package's function does in a case: a snapshot of its result, or its Refusal."""
    arguments = map(copied, case.arguments.values())
    if not case.refused:
        return snapshot(exercise.solution(*arguments))
    try:
        exercise.solution(*arguments)
    except Exception as error:
        return Refusal(type(error), case.refused)
    raise AssertionError(f"the package's function does not refuse {case.label}")


def nearly_right(exercise: ExerciseData, outcomes: Sequence[Outcome], expected: Sequence[Any]) -> bool:
    """Whether all arrays of all results are off by no more than single precision in between may cost."""
    for outcome, right in zip(outcomes, expected, strict=False):
        if isinstance(right, Refusal):
            continue
        if difference(outcome, right, exercise.returns, 0)[0] not in ("", "values") or not isinstance(
            outcome, Returned
        ):
            return False
        pairs = zip(*(leaves(value, right, exercise.returns) for value in (outcome.value, right)), strict=True)
        if exercise.properties is not None or any(error(got.value, want.value) > NEARLY for got, want in pairs):
            return False
    return True


def wrong(
    exercise: ExerciseData, misconception: str | None, details: Sequence[str], block: str = "", again: str = ""
) -> Report:
    """Return a report of a wrong function, with the sentence that belongs to the mistake."""
    known = exercise.misconceptions.get(misconception or "")
    sentence = known.sentence if known else GENERAL.get(misconception or "", "")
    lines = [sentence, *details] if sentence else list(details)
    advice = [again] if again else []
    advice.append(
        f'`hint("{exercise.name}")` gives a hint, `solution("{exercise.name}")` shows the package\'s function.'
    )
    return Report(exercise.name, "wrong", misconception, "not right yet.", tuple(lines), block, tuple(advice))


def not_attempted(exercise: ExerciseData) -> Report:
    """Return the report of an empty stub."""
    advice = (
        f"Write `{exercise.learner_name}` above, run its cell, then this one. "
        f'`hint("{exercise.name}")` gives a first idea.'
    )
    return Report(exercise.name, "not attempted", None, "not attempted yet.", advice=(advice,))


GENERAL = {
    "no-return": "Your function returns None. Is a `return` missing at its end?",
    "mutates-input": "Make a new array, or work on a copy: whoever called you still needs what they passed in.",
    "timeout": "Your function did not come back in time. Is there a loop that never ends?",
    "does-not-raise": "Your function goes on where it should stop with an error.",
}

LIKE_SINGLE_PRECISION = (
    "The numbers nearly agree. Single precision (float32) somewhere on the way would look like this: "
    "stay in the dtype of the arguments, float64."
)


def matching(
    exercise: ExerciseData,
    cases: Sequence[Any],
    outcomes: Sequence[Outcome],
    expected: Sequence[Any],
    theirs: Callable[[str, int], Outcome],
) -> str | None:
    """Return the catalogued mistake whose results are the learner's.

    First in every case; then in those that are not refused, and then in fewer and fewer of
    these, as long as half are left, so that a second mistake, which only the last ones show,
    cannot hide the first; and each time also without regard to arguments that were written into.
    """
    tried = list(zip(cases, outcomes, expected, strict=False))
    answered = sum(not case.refused for case in cases)  # these come first
    for rows in (tried, *(tried[: answered - left_out] for left_out in range((answered + 1) // 2))):
        if not any(fault(exercise, case.arguments, outcome, right, 0)[0] for case, outcome, right in rows):
            continue
        for written_too in (True, False):
            for name in exercise.misconceptions:
                if all(
                    same_mistake(exercise, case.arguments, outcome, theirs(name, number), right, written_too)
                    for number, (case, outcome, right) in enumerate(rows)
                ):
                    return name
    return None


def together(
    exercise: ExerciseData, outcomes: Sequence[Outcome], expected: Sequence[Any], theirs: Callable[[str, int], Outcome]
) -> dict[str, list[str]]:
    """Return catalogued mistakes that were made together, each with the arrays in which it is seen.

    A mistake counts if most of the arrays that it spoils are, in every case, as the learner has them: the others may
    be spoilt by the next mistake as well.
    """
    answered = [right for right in expected if not isinstance(right, Refusal)]  # these come first
    if exercise.properties is not None or len(outcomes) < len(answered):
        return {}
    seen: dict[str, list[str]] = {}
    try:
        mine, wanted = (
            [arrays_in(outcome, right, exercise.returns) for outcome, right in zip(results, answered, strict=False)]
            for results in (outcomes, [Returned(right, (), 0.0) for right in answered])
        )
        for name in exercise.misconceptions:
            shown = seen_in(name, mine, wanted, answered, exercise.returns, theirs)
            if shown:
                seen[name] = shown
    except StructureError:
        return {}
    chosen: dict[str, list[str]] = {}
    for name in sorted(seen, key=lambda name: -len(seen[name])):
        new = [array for array in seen[name] if not any(array in others for others in chosen.values())]
        if new:
            chosen[name] = new
    return chosen


def seen_in(
    name: str,
    mine: Sequence[Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Any]],
    answered: Sequence[Any],
    names: tuple[str, ...],
    theirs: Callable[[str, int], Outcome],
) -> list[str]:
    """Return the arrays in which one mistake is seen; none if these are not most of those that it spoils."""
    spoilt: dict[str, bool] = {}  # is it as the learner has it?
    for number, (got, want, right) in enumerate(zip(mine, wanted, answered, strict=True)):
        try:
            made = arrays_in(theirs(name, number), right, names)
        except StructureError:
            return []
        for array in want:
            if not same_array(made[array], want[array]):
                spoilt[array] = spoilt.get(array, True) and same_array(made[array], got[array])
        if spoilt and not any(spoilt.values()):
            return []
    return [array for array, as_mine in spoilt.items() if as_mine] if 2 * sum(spoilt.values()) > len(spoilt) else []


def arrays_in(outcome: Outcome, right: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the arrays of a result by name; StructureError where it is not built as it should be."""
    if not isinstance(outcome, Returned):
        raise StructureError("raises", "nothing was returned")
    return {leaf.name: leaf.value for leaf in leaves(outcome.value, right, names)}


ALL_ELSE_IS_RIGHT = re.compile(r"^(Only \w+ is off: |[^,.:]* (is|are) right, but )")  # where a mistake is the only one


def told_together(exercise: ExerciseData, mistakes: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which mistakes were made together, and where each is seen."""
    lines = []
    for name, arrays in mistakes.items():
        sentence = ALL_ELSE_IS_RIGHT.sub("", exercise.misconceptions[name].sentence)
        lines.append(f"In {listed(arrays)}: {sentence[0].upper()}{sentence[1:]}")
    if lines:
        lines[0] = f"{'More than one thing is' if len(lines) > 1 else 'This, and something else, is'} off. {lines[0]}"
    return lines


def same_mistake(
    exercise: ExerciseData, arguments: Mapping[str, Any], a: Outcome, b: Outcome, right: Any, written_too: bool
) -> bool:
    """Whether two outcomes of one case are the same result; where properties are compared, in all of these."""
    by_values = isinstance(right, Refusal) or exercise.properties is None
    if by_values or not (isinstance(a, Returned) and isinstance(b, Returned)):
        return alike(a, b, right, exercise.returns, written_too)
    mine, theirs = (properties(exercise, arguments, outcome, right) for outcome in (a, b))
    if mine is None or theirs is None:  # not even built as it should be: then by shape, for no two draws are alike
        return mine is theirs and same_structure(shapes(a.value), shapes(b.value))
    return all(same_array(p.value, q.value) for p, q in zip(mine, theirs, strict=True))


def fault(
    exercise: ExerciseData, arguments: Mapping[str, Any], outcome: Outcome, right: Any, time_limit: float
) -> tuple[str, str]:
    """Return what is wrong with one outcome: with its build and its values or, if there are any, its properties."""
    if isinstance(right, Refusal) and not isinstance(outcome, TimedOut):
        return refusal_fault(outcome, right)
    kind, text = difference(outcome, right, exercise.returns, time_limit)
    if exercise.properties is None or kind not in ("", "values") or not isinstance(outcome, Returned):
        return kind, text
    mine = properties(exercise, arguments, outcome, right)
    wanted = properties(exercise, arguments, Returned(right, (), 0.0), right)
    if mine is None or wanted is None:
        return "values", "what it returned holds values that cannot be counted or compared."
    text = values_difference(mine, wanted)
    return ("values", f"draws may come in any order, so their properties are compared. {text}") if text else ("", "")


def refusal_fault(outcome: Returned | Raised, right: Refusal) -> tuple[str, str]:
    """Return what is wrong with an outcome where an error is expected; two empty strings if it is one."""
    should = f"it should raise {right.error.__name__}, since {right.why}; yours"
    if isinstance(outcome, Returned):
        return "does-not-raise", f"{should} returned {described(outcome.value)}."
    if issubclass(outcome.error, right.error):
        return "", ""
    return "raises", f"{should} {told(outcome)}."


def properties(
    exercise: ExerciseData, arguments: Mapping[str, Any], outcome: Returned, right: Any
) -> list[Leaf] | None:
    """Return the properties of one result by name; None if it is not built like the right one, or has none."""
    assert exercise.properties is not None
    if difference(outcome, right, exercise.returns, 0)[0] not in ("", "values"):
        return None
    arrays = [leaf.value for leaf in leaves(outcome.value, right, exercise.returns)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = exercise.properties(arguments, *arrays)
            seen = [Leaf(name, np.array(value)) for name, value in zip(found._fields, found, strict=True)]
    except Exception:  # values of which nobody thought
        return None
    return [*seen, Leaf("generators_that_are_never_drawn_from", np.array(len(outcome.undrawn)))]


def shapes(value: Any) -> Any:
    """Return a snapshot with the shape of every array in its place."""
    if isinstance(value, Record):
        return [shapes(item) for item in value.values.values()]
    if isinstance(value, list):
        return [shapes(item) for item in value]
    return np.array(value.shape) if isinstance(value, np.ndarray) else value


def alike(a: Outcome, b: Outcome, expected: Any, names: tuple[str, ...], written_too: bool) -> bool:
    """Whether two outcomes are the same result (and the same arguments written into), or the same exception."""
    if isinstance(a, Raised) and isinstance(b, Raised):
        both_right = isinstance(expected, Refusal) and all(issubclass(o.error, expected.error) for o in (a, b))
        return both_right or (a.kind, a.message) == (b.kind, b.message)
    if not (isinstance(a, Returned) and isinstance(b, Returned)) or (written_too and a.written != b.written):
        return False
    if isinstance(expected, Refusal):
        return same_structure(a.value, b.value)
    try:
        pairs = list(zip(leaves(a.value, expected, names), leaves(b.value, expected, names), strict=True))
    except StructureError:
        return same_structure(a.value, b.value)
    return all(same_array(p.value, q.value) for p, q in pairs)


def same_structure(a: Any, b: Any) -> bool:
    """Whether two snapshots that do not fit what was expected are the same nevertheless."""
    if isinstance(a, Record):
        a = list(a.values.values())
    if isinstance(b, Record):
        b = list(b.values.values())
    if isinstance(a, list) and isinstance(b, np.ndarray) and b.ndim:
        b = [np.asarray(item) for item in b]
    if isinstance(b, list) and isinstance(a, np.ndarray) and a.ndim:
        a = [np.asarray(item) for item in a]
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_structure, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return same_array(a, b)
    return type(a) is type(b) and not isinstance(a, list) and bool(a == b)


def same_array(a: Any, b: Any) -> bool:
    """Whether two arrays agree in shape and, to the tolerance, in values; NaN agrees with NaN."""
    return a.shape == b.shape and (a.dtype.kind == "c") == (b.dtype.kind == "c") and error(a, b) <= TOLERANCE


def error(a: Any, b: Any) -> float:
    """max|a - b| / max(max|a|, max|b|) for a whole array; infinite where only one of them is NaN or infinite."""
    a, b = np.asarray(a, np.result_type(a, float)), np.asarray(b, np.result_type(b, float))
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(all="ignore"):
        if not np.all(finite | (a == b) | (np.isnan(a) & np.isnan(b))):
            return float("inf")
        a, b = a[finite], b[finite]
        scale = max(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
        return float(np.max(np.abs(a - b), initial=0) / scale) if scale else 0.0


class StructureError(Exception):
    """What was returned is not built as it should be."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def leaves(value: Any, expected: Any, names: tuple[str, ...]) -> list[Leaf]:
    """Take a snapshot apart into named arrays, along the structure of the expected one."""
    if len(names) == 1:
        return list(branch(value, expected, names[0]))
    if isinstance(value, Record):
        value = list(value.values.values())
    if not isinstance(value, list) or len(value) != len(names):
        wanted = ", ".join(names)
        raise StructureError(
            "wrong-type", f"It should return {len(names)} things ({wanted}); yours is {described(value)}."
        )
    return [leaf for v, e, name in zip(value, expected, names, strict=True) for leaf in branch(v, e, name)]


def branch(value: Any, expected: Any, name: str) -> list[Leaf]:
    """Take one returned thing apart."""
    if isinstance(expected, Record):
        fields = list(expected.values)
        if isinstance(value, Record) and set(value.values) == set(fields):
            value = [value.values[f] for f in fields]
        elif isinstance(value, Record):
            value = list(value.values.values())
        if not isinstance(value, list) or len(value) != len(fields):
            wanted = f"{expected.kind}({', '.join(fields)})"
            raise StructureError("wrong-type", f"`{name}` should be {wanted}; yours is {described(value)}.")
        return [
            leaf for f, v in zip(fields, value, strict=True) for leaf in branch(v, expected.values[f], f"{name}.{f}")
        ]
    if expected is None:
        if value is not None:
            raise StructureError("wrong-type", f"`{name}` should be None; yours is {described(value)}.")
        return []
    if isinstance(expected, list):
        if isinstance(value, np.ndarray) and value.ndim:
            value = [np.asarray(item) for item in value]
        if not isinstance(value, list) or len(value) != len(expected):
            raise StructureError(
                "wrong-type", f"`{name}` should hold {len(expected)} items; yours is {described(value)}."
            )
        return [
            leaf for i, (v, e) in enumerate(zip(value, expected, strict=True)) for leaf in branch(v, e, f"{name}[{i}]")
        ]
    return [Leaf(name, as_array(value, name))]


def as_array(value: Any, name: str) -> Any:
    """Return a snapshot as one array of numbers."""
    if isinstance(value, list):
        try:
            value = np.array(value)
        except ValueError:
            raise StructureError("wrong-type", f"`{name}` should be one array; yours is {described(value)}.") from None
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        raise StructureError("wrong-type", f"`{name}` should be an array of numbers; yours is {described(value)}.")
    return value


def difference(outcome: Outcome, expected: Any, names: tuple[str, ...], time_limit: float) -> tuple[str, str]:
    """Return what is wrong with one outcome as a kind and a sentence; two empty strings if nothing is."""
    if isinstance(outcome, TimedOut):
        where = f" It was at {outcome.line}." if outcome.line else ""
        left = "" if outcome.stopped else " It is inside compiled code and could not be stopped: restart the kernel."
        return "timeout", f"stopped after {time_limit:g} seconds.{where}{left}"
    if isinstance(outcome, Raised):
        return "raises", f"your function {told(outcome)}."
    if outcome.value is None:
        return "no-return", f"it should return {', '.join(names)}."
    try:
        mine = leaves(outcome.value, expected, names)
    except StructureError as problem:
        return problem.kind, str(problem)
    right = leaves(expected, expected, names)
    for got, want in zip(mine, right, strict=True):
        if got.value.shape != want.value.shape:
            return "wrong-shape", f"`{got.name}` has shape {got.value.shape}, expected {want.value.shape}."
        if got.value.dtype.kind == "c" and want.value.dtype.kind != "c":
            return "wrong-type", f"`{got.name}` is complex, expected real numbers."
    text = values_difference(mine, right)
    fine = [got.name for got, want in zip(mine, right, strict=True) if error(got.value, want.value) <= TOLERANCE]
    if text and fine:
        text += " Right already: " + listed(fine) + "."
    return ("values", text) if text else ("", "")


def told(outcome: Raised) -> str:
    """Say what was raised, and where."""
    message = f": {outcome.message}" if outcome.message else ""
    return f"raised {outcome.kind}{message}" + (f", at {outcome.line}" if outcome.line else "")


def values_difference(mine: Sequence[Leaf], right: Sequence[Leaf]) -> str:
    """Say which arrays are off, the first of them in detail; nothing if none is.  They agree in shape."""
    off = [(got, want) for got, want in zip(mine, right, strict=True) if error(got.value, want.value) > TOLERANCE]
    if not off:
        return ""
    text = value_difference(*off[0])
    if len(off) > 1:
        text += " Also off: " + listed([got.name for got, _ in off[1:]]) + "."
    return text


def value_difference(got: Leaf, want: Leaf) -> str:
    """Say where one array is off, by how much, and whether by one factor throughout."""
    a, b = np.asarray(got.value, complex if got.value.dtype.kind == "c" else float), want.value
    b = np.asarray(b, np.result_type(b, float))
    with np.errstate(all="ignore"):
        gap = np.nan_to_num(np.abs(a - b), nan=np.inf)
        gap = np.where(a == b, 0, gap)
        at = np.unravel_index(int(np.argmax(gap)), gap.shape)
        place = f"{got.name}[{', '.join(str(int(i)) for i in at)}]" if at else got.name
        yes_or_no = got.value.dtype == want.value.dtype == bool
        is_now, wanted = (str(bool(v)) if yes_or_no else f"{v:.6g}" for v in (a[at], b[at]))
        text = f"`{place}` is {is_now}, expected {wanted}"
        text += ", the largest difference." if gap.size > 1 else "."
        ratio = a[at] / b[at]
        if gap.size > 1 and np.isfinite(ratio) and ratio != 0 and error(a, ratio * b) <= TOLERANCE:
            text += f" The whole array is {ratio:.6g} times what it should be."
    return text


def listed(names: Sequence[str], most: int = 6) -> str:
    """Return names in a row, cut where there are many."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def described(value: Any) -> str:
    """Name a snapshot for a sentence."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.shape else "a number"
    if isinstance(value, Record):
        return f"{value.kind} with {len(value.values)} fields"
    if isinstance(value, list):
        return f"a sequence of {len(value)}"
    return f"a {value.kind}" if isinstance(value, Other) else type(value).__name__


def printed_case(arguments: Mapping[str, Any]) -> str:
    """Return the arguments as text if they are few enough to read."""
    lines: list[str] = []
    entries = 0
    for name, value in arguments.items():
        for path, item in parts(name, value):
            entries += item.size if isinstance(item, np.ndarray) else 0
            text = np.array2string(item, precision=4, separator=", ") if isinstance(item, np.ndarray) else text_of(item)
            lines.append(textwrap.indent(f"{path} = {text}", " " * (len(path) + 3)).strip())
    return "\n".join(lines) if entries <= PRINTED_ENTRIES else ""


def parts(name: str, value: Any) -> list[tuple[str, Any]]:
    """Take an argument apart into named arrays and other things; what holds no array stays in one piece."""
    if not holds_an_array(value):
        return [(name, value)]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [p for f, v in zip(value._fields, value, strict=True) for p in parts(f"{name}.{f}", v)]
    if isinstance(value, (list, tuple)):
        return [p for i, v in enumerate(value) for p in parts(f"{name}[{i}]", v)]
    return [(name, value)]


def holds_an_array(value: Any) -> bool:
    """Whether a value is an array, or a tuple or list with one somewhere inside."""
    return isinstance(value, np.ndarray) or (isinstance(value, (list, tuple)) and any(map(holds_an_array, value)))


def text_of(value: Any) -> str:
    """Return a short text for something that is not an array; a list of tuples gets a line for each of them."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return "[" + ",\n ".join(map(repr, value)) + "]"
    name = getattr(value, "__name__", None)
    return str(name).rsplit(".", 1)[-1] if name else repr(value)


def is_stub(function: Any) -> bool:
    """Whether a function's body is only a docstring, `...`, `pass` or `raise NotImplementedError`.

    The source decides where there is one.  Without it the byte code does; there
    `return None` differs from `pass` only by its column.
    """
    while issubclass(type(function), functools.partial):
        function = function.func
    code = code_of(function)
    if code is None or code.co_name == "<lambda>":
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError, ValueError):
        return empty_code(code)
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)) or tree.name != code.co_name:
        return empty_code(code)  # the source of something else: "<string>" may stand for more than one text
    return all(empty_statement(statement) for statement in tree.body)


def empty_statement(statement: ast.stmt) -> bool:
    """Whether a statement is what a stub is made of."""
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value is Ellipsis or isinstance(statement.value.value, str)
    return isinstance(statement, ast.Pass)


SILENT = {"RESUME", "NOP", "CACHE", "PRECALL", "PUSH_NULL", "COPY_FREE_VARS", "NOT_TAKEN"}


def empty_code(code: Any) -> bool:
    """Whether byte code does nothing, or only raises NotImplementedError."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in SILENT]
    if any(step.opname == "RAISE_VARARGS" for step in steps):
        first = steps[0]
        return first.opname == "LOAD_GLOBAL" and first.argval == "NotImplementedError" and len(steps) <= 5
    if any(
        step.opname not in ("LOAD_CONST", "RETURN_VALUE", "RETURN_CONST") or step.argval not in (None,)
        for step in steps
    ):
        return False
    place = steps[0].positions
    if place is None or place.col_offset is None or place.end_col_offset is None:
        return True
    width = place.end_col_offset - place.col_offset
    return width in (0, 3) or (width == 4 and place.col_offset % 4 == 0) or place.lineno != place.end_lineno
