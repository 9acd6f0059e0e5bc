"""Results of a learner's function, taken apart once into named arrays, and how two of them are compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.outcomes import Other, Outcome, Raised, Record, Returned, TimedOut

TOLERANCE = 1e-6  # relative, for each array as a whole
NEARLY = 1e-4  # what single precision in between may cost


class Problem(NamedTuple):
    """What is wrong in one case, as a kind and a sentence."""

    kind: str
    text: str


class Refusal(NamedTuple):
    """What the solution does in a case that it refuses: the class of its error, and why."""

    error: type[BaseException]
    why: str


class Answer(NamedTuple):
    """What a function made of one case."""

    outcome: Outcome
    arrays: Mapping[str, Array] | None  # by name, such as "grads.W_hh"; None where nothing was returned as it should be
    problem: Problem | None  # why there are no arrays, or what is wrong with their shapes


def answer(outcome: Outcome, right: Any, names: tuple[str, ...], measure: Callable[..., Any] | None = None) -> Answer:
    """Take a result apart along the structure of the right one.

    Parameters
    ----------
    outcome : Outcome
        From `sandbox.run`.
    right : snapshot or Refusal
        What the solution does in this case.
    names : tuple of str
        What the exercise returns.
    measure : callable, optional
        ``measure(*arrays) -> NamedTuple``: properties that are compared in place of the values, where a function
        may draw in any order.
    """
    if isinstance(right, Refusal):
        return Answer(outcome, None, refusal_problem(outcome, right))
    if isinstance(outcome, TimedOut):
        return Answer(outcome, None, Problem("timeout", timeout_text(outcome)))
    if isinstance(outcome, Raised):
        return Answer(outcome, None, Problem("raises", f"your function {told(outcome)}."))
    if outcome.value is None:
        return Answer(outcome, None, Problem("no-return", f"it should return {', '.join(names)}."))
    try:
        arrays = dict(leaves(outcome.value, right, names))
    except StructureError as error:
        return Answer(outcome, None, error.problem)
    problem = shape_problem(arrays, dict(leaves(right, right, names)))
    if measure is None:
        return Answer(outcome, arrays, problem)
    if problem is not None:  # no two draws are alike: compared by shape
        return Answer(outcome, {name: np.array(array.shape) for name, array in arrays.items()}, problem)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = measure(*arrays.values())
            seen = {name: np.array(value) for name, value in zip(found._fields, found, strict=True)}
    except Exception:  # properties() failed on an unexpected value
        text = "what it returned holds values that cannot be counted or compared."
        return Answer(outcome, None, Problem("values", text))
    return Answer(outcome, seen | {"generators_that_are_never_drawn_from": np.array(len(outcome.undrawn))}, None)


def timeout_text(outcome: TimedOut) -> str:
    """Say where a function was stopped."""
    where = f" It was at {outcome.line}." if outcome.line else ""
    left = "" if outcome.stopped else " It is inside compiled code and could not be stopped: restart the kernel."
    return f"stopped when its time was over.{where}{left}"


def told(outcome: Raised) -> str:
    """Say what was raised, and where."""
    message = f": {outcome.message}" if outcome.message else ""
    return f"raised {outcome.kind}{message}" + (f", at {outcome.line}" if outcome.line else "")


def refusal_problem(outcome: Outcome, right: Refusal) -> Problem | None:
    """Return what is wrong with an outcome where an error is expected; None if it is one."""
    should = f"it should raise {right.error.__name__}, since {right.why}; yours"
    if isinstance(outcome, TimedOut):
        return Problem("timeout", timeout_text(outcome))
    if isinstance(outcome, Returned):
        return Problem("does-not-raise", f"{should} returned {described(outcome.value)}.")
    return None if issubclass(outcome.error, right.error) else Problem("raises", f"{should} {told(outcome)}.")


def shape_problem(mine: Mapping[str, Array], right: Mapping[str, Array]) -> Problem | None:
    """Return the first array that has the wrong shape, or is complex where it should not be."""
    for name, wanted in right.items():
        if mine[name].shape != wanted.shape:
            return Problem("wrong-shape", f"`{name}` has shape {mine[name].shape}, expected {wanted.shape}.")
        if mine[name].dtype.kind == "c" and wanted.dtype.kind != "c":
            return Problem("wrong-type", f"`{name}` is complex, expected real numbers.")
    return None


# --- comparing ------------------------------------------------------------------------------------------------------


def differing(mine: Answer, right: Answer) -> list[str]:
    """Return the names of the arrays that are not as they should be; both answers must have arrays."""
    assert mine.arrays is not None
    assert right.arrays is not None
    return [name for name, wanted in right.arrays.items() if not same_array(mine.arrays[name], wanted)]


def is_right(mine: Answer, right: Answer) -> bool:
    """Say whether an answer is as it should be."""
    return mine.problem is None and (mine.arrays is None or not differing(mine, right))


def same(a: Answer, b: Answer) -> bool:
    """Say whether two answers to one case are the same: in what was returned or raised, and what was written into."""
    if isinstance(a.outcome, Raised) and isinstance(b.outcome, Raised):
        if a.problem is None and b.problem is None:  # both refuse what is to be refused
            return True
        return (a.outcome.kind, a.outcome.message) == (b.outcome.kind, b.outcome.message)
    if not (isinstance(a.outcome, Returned) and isinstance(b.outcome, Returned)):
        return False
    if a.outcome.written != b.outcome.written:
        return False
    if a.arrays is None or b.arrays is None:
        return (a.arrays is b.arrays) and same_structure(a.outcome.value, b.outcome.value)
    return a.arrays.keys() == b.arrays.keys() and all(same_array(a.arrays[n], b.arrays[n]) for n in a.arrays)


def same_structure(a: Any, b: Any) -> bool:
    """Say whether two snapshots that are not built as they should be are the same nevertheless."""
    a, b = (list(value.values.values()) if isinstance(value, Record) else value for value in (a, b))
    if isinstance(a, list) and isinstance(b, np.ndarray) and b.ndim:
        b = [np.asarray(item) for item in b]
    if isinstance(b, list) and isinstance(a, np.ndarray) and a.ndim:
        a = [np.asarray(item) for item in a]
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_structure, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return same_array(a, b)
    return type(a) is type(b) and not isinstance(a, list) and bool(a == b)


def same_array(a: Array, b: Array) -> bool:
    """Say whether two arrays agree in shape and, to the tolerance, in values; NaN agrees with NaN."""
    return a.shape == b.shape and (a.dtype.kind == "c") == (b.dtype.kind == "c") and error(a, b) <= TOLERANCE


def error(a: Array, b: Array) -> float:
    """max|a - b| / max(max|a|, max|b|) for a whole array; infinite where only one of them is NaN or infinite."""
    a, b = np.asarray(a, np.result_type(a, float)), np.asarray(b, np.result_type(b, float))
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(all="ignore"):
        if not np.all(finite | (a == b) | (np.isnan(a) & np.isnan(b))):
            return float("inf")
        a, b = a[finite], b[finite]
        scale = max(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
        return float(np.max(np.abs(a - b), initial=0) / scale) if scale else 0.0


# --- taking apart ---------------------------------------------------------------------------------------------------


class StructureError(Exception):
    """What was returned is not built as it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problem = Problem("wrong-type", text)


def leaves(value: Any, expected: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Array]]:
    """Yield the arrays of a snapshot with their names, along the structure of the expected one."""
    if len(names) == 1:
        yield from branch(value, expected, names[0])
        return
    if isinstance(value, Record):
        value = list(value.values.values())
    if not isinstance(value, list) or len(value) != len(names):
        wanted = ", ".join(names)
        raise StructureError(f"It should return {len(names)} things ({wanted}); yours is {described(value)}.")
    for v, e, name in zip(value, expected, names, strict=True):
        yield from branch(v, e, name)


def branch(value: Any, expected: Any, name: str) -> Iterator[tuple[str, Array]]:
    """Take one returned thing apart."""
    if isinstance(expected, Record):
        fields = list(expected.values)
        if isinstance(value, Record):
            by_name = set(value.values) == set(fields)
            value = [value.values[f] for f in fields] if by_name else list(value.values.values())
        if not isinstance(value, list) or len(value) != len(fields):
            wanted = f"{expected.kind}({', '.join(fields)})"
            raise StructureError(f"`{name}` should be {wanted}; yours is {described(value)}.")
        for f, v in zip(fields, value, strict=True):
            yield from branch(v, expected.values[f], f"{name}.{f}")
    elif expected is None:
        if value is not None:
            raise StructureError(f"`{name}` should be None; yours is {described(value)}.")
    elif isinstance(expected, list):
        if isinstance(value, np.ndarray) and value.ndim:
            value = [np.asarray(item) for item in value]
        if not isinstance(value, list) or len(value) != len(expected):
            raise StructureError(f"`{name}` should hold {len(expected)} items; yours is {described(value)}.")
        for i, (v, e) in enumerate(zip(value, expected, strict=True)):
            yield from branch(v, e, f"{name}[{i}]")
    else:
        yield name, as_array(value, name)


def as_array(value: Any, name: str) -> Array:
    """Return a snapshot as one array of numbers."""
    if isinstance(value, list):
        try:
            value = np.array(value)
        except ValueError:
            raise StructureError(f"`{name}` should be one array; yours is {described(value)}.") from None
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        raise StructureError(f"`{name}` should be an array of numbers; yours is {described(value)}.")
    return value


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


def listed(names: Sequence[str], most: int = 6) -> str:
    """Return names in a row, cut where there are many."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
