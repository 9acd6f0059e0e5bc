"""Unusual containers for right results, wrong ones, and unusual ways to write a function."""

from __future__ import annotations

import functools
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Change = Callable[[Any], Any]


def is_named(value: Any) -> bool:
    """Whether a value is a NamedTuple."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def rebuilt(value: Any, leaf: Change = lambda v: v, row: Change | None = None, record: Change | None = None) -> Any:
    """Build a result anew from its numbers and arrays, its lists and tuples, and its NamedTuples.

    `row` is given a list or tuple whose items have been rebuilt, `record` a NamedTuple.
    """
    if value is None:
        return None
    if is_named(value):
        items = type(value)(*(rebuilt(item, leaf, row, record) for item in value))
        return record(items) if record else items
    if isinstance(value, (list, tuple)):
        made = type(value)(rebuilt(item, leaf, row, record) for item in value)
        return row(made) if row else made
    return leaf(value)


def of_arrays(change: Change) -> Change:
    """Change arrays that have axes, and leave numbers alone."""
    return lambda value: change(value) if isinstance(value, np.ndarray) and value.ndim else value


def of_numbers(change: Change) -> Change:
    """Change numbers, and leave arrays with axes alone."""
    return lambda value: value if np.ndim(value) else change(value)


# --- arrays with an unusual layout in memory ------------------------------------------------------------------------


def every_second_column(array: Any) -> Any:
    """Return a view of every second entry of a larger array."""
    larger = np.full((*array.shape[:-1], 2 * array.shape[-1]), 77).astype(array.dtype)
    larger[..., ::2] = array
    return larger[..., ::2]


def read_only(array: Any) -> Any:
    """Return a copy that cannot be written into."""
    array = array.copy()
    array.flags.writeable = False
    return array


class Mine(np.ndarray[Any, Any]):
    """A subclass of ndarray."""


class LikeAnArray:
    """Something that NumPy can make an array of, as the tensors of other libraries are."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array if dtype is None else self.array.astype(dtype)


# --- other containers ---------------------------------------------------------------------------------------


def other_class(named: Any) -> Any:
    """Return a NamedTuple of another class, with the same fields in another order."""
    fields = named._fields[::-1]
    return namedtuple("Another", fields)(*(getattr(named, field) for field in fields))


def plain(array: Any) -> Any:
    """Return nested lists of Python numbers."""
    return np.asarray(array).tolist()


def stacked(row: Any) -> Any:
    """Return a list of arrays of one shape as one array; anything else as it is."""
    arrays = row and all(isinstance(item, (np.ndarray, np.generic)) for item in row)
    return np.stack(row) if arrays and len({item.shape for item in row}) == 1 else row


RESULTS: dict[str, Change] = {
    "in Fortran's order": lambda v: rebuilt(v, of_arrays(np.asfortranarray)),
    "every second column of a larger array": lambda v: rebuilt(v, of_arrays(every_second_column)),
    "read-only": lambda v: rebuilt(v, of_arrays(read_only)),
    "big-endian": lambda v: rebuilt(v, of_arrays(lambda a: a.astype(a.dtype.newbyteorder(">")))),
    "of a subclass": lambda v: rebuilt(v, of_arrays(lambda a: a.view(Mine))),
    "masked arrays without a mask": lambda v: rebuilt(v, of_arrays(np.ma.asarray)),
    "like an array": lambda v: rebuilt(v, of_arrays(LikeAnArray)),
    "longdouble": lambda v: rebuilt(v, lambda a: np.longdouble(a) if np.asarray(a).dtype.kind == "f" else a),
    "rounded to float32": lambda v: rebuilt(v, lambda a: np.float32(a) if np.asarray(a).dtype.kind == "f" else a),
    "whole numbers as floats": lambda v: rebuilt(
        v, lambda a: np.asarray(a, np.float64)[()] if np.asarray(a).dtype.kind in "iub" else a
    ),
    "yes and no as 1 and 0": lambda v: rebuilt(v, lambda a: np.uint8(a) if np.asarray(a).dtype.kind == "b" else a),
    "whole values as integers": lambda v: rebuilt(
        v, lambda a: np.int64(a) if np.all(np.asarray(a) == np.round(a)) else a
    ),
    "0-d arrays for numbers": lambda v: rebuilt(v, of_numbers(np.array)),
    "Python's numbers": lambda v: rebuilt(v, of_numbers(plain)),
    "nested lists": lambda v: rebuilt(v, plain, list, list),
    "plain tuples": lambda v: rebuilt(v, row=tuple, record=tuple),
    "NamedTuples of another class": lambda v: rebuilt(v, record=other_class),
    "lists for tuples": lambda v: rebuilt(v, row=list, record=list),
    "rows in a list": lambda v: rebuilt(v, of_arrays(list)),
    "rows from a generator": lambda v: rebuilt(v, of_arrays(lambda a: (row for row in a)), lambda r: (i for i in r)),
    "lists as arrays": lambda v: rebuilt(v, row=stacked),
}


# --- right numbers, built wrongly -------------------------------------------------------


def leaves_of(value: Any) -> list[Any]:
    """Return all numbers and arrays of a result in one list."""
    found: list[Any] = []
    rebuilt(value, found.append)
    return found


WRONG_RESULTS: dict[str, Change] = {
    "one level too deep": lambda v: [v],
    "in one flat list": leaves_of,
    "with an axis more": lambda v: rebuilt(v, of_arrays(lambda a: a[None])),
    "with the first row missing": lambda v: rebuilt(v, of_arrays(lambda a: list(a)[1:])),
    "with matrices transposed": lambda v: rebuilt(v, of_arrays(lambda a: a.swapaxes(0, 1) if a.ndim > 1 else a)),
    "with fields in reverse order": lambda v: rebuilt(v, record=lambda named: tuple(named)[::-1]),
    "with dictionaries for NamedTuples": lambda v: rebuilt(v, record=lambda named: named._asdict()),
    "as text": lambda v: rebuilt(v, str),
    "as objects": lambda v: rebuilt(v, lambda a: np.array(a, dtype=object)),
    "as complex numbers": lambda v: rebuilt(v, lambda a: a + 0j if np.asarray(a).dtype.kind == "f" else a),
}


# --- ways to write a function -------------------------------------------------------------------------------


NOTHING = object()


def with_other_names(function: Callable[..., Any]) -> Any:
    """Return a function whose parameters have other names, all of them with defaults."""

    def mine(  # type: ignore[no-untyped-def]
        a, b=NOTHING, c=NOTHING, d=NOTHING, e=NOTHING, f=NOTHING, g=NOTHING, verbose=False
    ):
        return function(*(value for value in (a, b, c, d, e, f, g) if value is not NOTHING))

    return mine


def with_options(function: Callable[..., Any]) -> Any:
    """Return a function with options of its own."""

    def mine(*arguments, scale=1, debug: bool = False, **options):  # type: ignore[no-untyped-def]
        assert not options
        return function(*arguments)

    return mine


def with_a_memory_by_id(function: Callable[..., Any]) -> Any:
    """Return a function that caches results by the identity of its arguments, and keeps these alive."""
    known: dict[tuple[int, ...], Any] = {}

    def mine(*arguments: Any) -> Any:
        key = tuple(map(id, arguments))
        if key not in known:
            known[key] = arguments, function(*arguments)
        return known[key][1]

    return mine


def decorated(function: Callable[..., Any]) -> Any:
    """Return a function with decorators that count its calls and silence NumPy."""

    @functools.wraps(function)
    def counting(*arguments: Any) -> Any:
        counting.calls += 1  # type: ignore[attr-defined]
        return function(*arguments)

    counting.calls = 0  # type: ignore[attr-defined]
    return np.errstate(all="ignore")(counting)


class Holder:
    """A function as an object that can be called, and as a method."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def method(self, *arguments: Any) -> Any:
        return self.function(*arguments)


def from_text(function: Callable[..., Any]) -> Any:
    """Return a function without any source file."""
    names: dict[str, Any] = {"function": function}
    exec("def mine(*arguments):\n    return function(*arguments)", names)
    return names["mine"]


def talking(function: Callable[..., Any]) -> Any:
    """Return a function that prints and warns."""

    def mine(*arguments: Any) -> Any:
        print("arguments:", *map(type, arguments))
        warnings.warn("look out", stacklevel=1)
        return function(*arguments)

    return mine


def yielding(function: Callable[..., Any]) -> Any:
    """Return a generator function that yields one result after the other, or the rows of a single one."""

    def mine(*arguments: Any) -> Iterator[Any]:
        yield from function(*arguments)

    return mine


FUNCTIONS: dict[str, Change] = {
    "other names, with defaults": with_other_names,
    "options of its own": with_options,
    "a partial with something bound": lambda f: functools.partial(lambda bound, *arguments: f(*arguments), 7),
    "a memory by id": with_a_memory_by_id,
    "decorated": decorated,
    "an object": Holder,
    "a method": lambda f: Holder(f).method,
    "without a source": from_text,
    "talking": talking,
}
