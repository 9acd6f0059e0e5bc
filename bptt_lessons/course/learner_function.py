"""A learner's right function at work in a lesson.

Its results get the package's types: NamedTuples for plain tuples, arrays for lists, whole numbers where the package
returns them, and the precision of the arguments.  If it raises, the lesson continues with the package's function.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bptt_lessons.course.exercise_data import ExerciseData
from bptt_lessons.course.outcomes import is_sequence
from bptt_lessons.course.report import Text, show
from bptt_lessons.course.results import TOLERANCE
from bptt_lessons.course.sandbox import copied


class LearnerFunction:
    """Calls a learner's function and gives its results the package's types; after one failure, the package's."""

    def __init__(self, exercise: ExerciseData, function: Callable[..., Any]) -> None:
        self.exercise, self.function = exercise, function
        self.signature = inspect.signature(exercise.solution)
        self.failed = False
        with np.errstate(all="ignore"):
            cases = [list(map(copied, case.arguments.values())) for case in exercise.make_cases() if not case.refused]
            self.examples = [(array_kinds(arguments), exercise.solution(*arguments)) for arguments in cases]
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.failed:
            return self.exercise.solution(*args, **kwargs)
        args, args_for_the_package = for_two_calls(args)
        try:
            given = self.signature.bind(*args, **kwargs)  # by position: a learner may use other names
            value = without_iterators(self.function(*given.args, **given.kwargs))
            return self.with_package_types(value, [*given.args, *given.kwargs.values()])
        except (Exception, SystemExit) as error:
            result = self.exercise.solution(*args_for_the_package, **kwargs)  # raises too if the arguments are wrong
            self.failed = True
            fault = f"{self.exercise.learner_name} raised {type(error).__name__}: {error}."
            show(Text(fault, "The lesson goes on with the package's function."))
            return result

    def __repr__(self) -> str:
        return f"<your {self.exercise.learner_name}>"

    def with_package_types(self, value: Any, arguments: list[Any]) -> Any:
        """Rebuild a result like the first of the package's results that it fits, those for similar arguments first."""
        tuples = [argument for argument in arguments if hasattr(argument, "_fields")]
        kinds, precision = array_kinds(arguments), precision_of(arguments)
        for _, example in sorted(self.examples, key=lambda pair: pair[0] != kinds):
            try:
                return rebuilt(example, value, tuples, precision)
            except (TypeError, ValueError):
                continue
        raise ValueError("what it returned is not built as before")


def for_two_calls(arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return arguments for two calls, which both find all items of an iterator."""
    pairs = [itertools.tee(a) if hasattr(a, "__next__") else (a, a) for a in arguments]
    return tuple(first for first, _ in pairs), tuple(second for _, second in pairs)


def without_iterators(value: Any) -> Any:
    """Return a result with lists in place of iterators and of sequences such as deques."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(without_iterators, value))
    if isinstance(value, (float, int, np.ndarray)):  # fast path: there may be long lists of numbers
        return value
    return list(map(without_iterators, value)) if is_sequence(value) else value


def rebuilt(example: Any, value: Any, arguments: list[Any], precision: np.dtype[Any] | None) -> Any:
    """Give a value the types of an example; ValueError or TypeError if it does not fit.

    `arguments` are the NamedTuples among the arguments: where a plain tuple has the shapes of one of them, it gets that
    type, for the example may be of another cell than the lesson's.
    """
    if hasattr(example, "_fields"):
        example = next((a for a in arguments if type(a) is type(example) or has_shapes_of(a, value)), example)
    named = hasattr(value, "_fields") and type(value).__module__.startswith("bptt_lessons.")
    if named and type(value) is not type(example):
        example = value  # of another cell: it keeps its type
    if isinstance(example, list):
        return [rebuilt(example[0], item, arguments, precision) for item in value]
    if isinstance(example, tuple):
        return rebuilt_tuple(example, value, arguments, precision)
    if example is None and isinstance(value, (list, tuple)):
        raise ValueError("the example does not say what it is built of")
    return number_or_array(example, value, precision)


def rebuilt_tuple(example: Any, value: Any, arguments: list[Any], precision: np.dtype[Any] | None) -> Any:
    """Give a value the type of an example that is a tuple, named or plain."""
    names: Any = getattr(example, "_fields", None)
    fields = getattr(value, "_fields", None)
    if names is None and all(isinstance(number, (float, np.floating)) for number in example):
        return tuple(number if isinstance(number, float) else float(number) for number in value)  # losses, however many
    by_name = names is not None and fields is not None and set(names) == set(fields)
    items = [getattr(value, name) for name in names] if by_name else list(value)
    made = [
        None if item is None else rebuilt(part, item, arguments, precision)
        for part, item in zip(example, items, strict=True)
    ]
    return tuple(made) if names is None else type(example)(*made)


def has_shapes_of(example: Any, value: Any) -> bool:
    """Whether a value can be given the type of an example and then has the same shapes."""
    try:
        return bool(shapes(rebuilt(example, value, [], None)) == shapes(example))
    except (TypeError, ValueError):
        return False


def shapes(value: Any) -> Any:
    """Return the shapes of the arrays in nested tuples, nested in the same way."""
    return [shapes(item) for item in value] if isinstance(value, tuple) else np.shape(value)


def number_or_array(example: Any, value: Any, precision: np.dtype[Any] | None) -> Any:
    """Return a number or array as whole or real numbers, like the example, in the precision of the arguments."""
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        if isinstance(value, np.ndarray):  # of letters, say, as the arguments were
            return value
        raise ValueError("not an array of numbers")
    if array.dtype.kind == "c":
        return array if precision is None else array.astype(np.result_type(precision, np.complex64), copy=False)[()]
    kind = np.asarray(example).dtype
    if kind.kind in "biu":  # the lesson may use it as an index
        if not np.allclose(array, np.rint(array), rtol=TOLERANCE, atol=TOLERANCE):
            raise ValueError("not whole numbers")
        return type(example)(array) if isinstance(example, int) else np.rint(array).astype(kind)[()]
    if type(example) is float:
        return float(value)
    if array.ndim == 0 and not isinstance(value, (np.generic, np.ndarray)):
        return value  # Python's numbers take on any precision
    return array.astype(precision or kind, copy=False)[()]


def precision_of(arguments: Any) -> np.dtype[Any] | None:
    """Return the real dtype that goes with the floating-point arrays among arguments, if there are any."""
    found = {array.real.dtype for array in all_arrays(arguments) if array.dtype.kind in "fc"}
    return np.result_type(*found) if found else None


def array_kinds(arguments: Any) -> set[str]:
    """Return the kinds of the arrays among arguments: "f" for real numbers, "i" for whole ones, and so on."""
    return {array.dtype.kind for array in all_arrays(arguments)}


def all_arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield every array in nested lists and tuples."""
    if isinstance(value, (np.ndarray, np.generic)):
        yield np.asarray(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from all_arrays(item)
