"""What a report says of numbers: which arrays are off, how, and yours beside what is expected."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.results import TOLERANCE, Answer, differing, error, listed, same_array

SHOWN_ENTRIES = 24  # of an array that is shown beside the expected one
PRINTED_ENTRIES = 80  # a case with more numbers is not printed
MARK = "*"


def departure(mine: Answer, right: Answer, packed: Sequence[str] = ()) -> str:
    """Say which array is off first, how it is off, which others are, and what is right already."""
    assert mine.arrays is not None
    assert right.arrays is not None
    off = differing(mine, right)
    name = off[0]
    text = first_difference(name, mine.arrays[name], right.arrays[name])
    how = explained(mine.arrays[name], right.arrays[name], name, packed)
    text += f" {how}" if how else ""
    if len(off) > 1:
        text += f" Also off: {listed(off[1:])}."
    fine = [n for n in right.arrays if n not in off]
    return text + (f" Right already: {listed(fine)}." if fine else "")


def first_difference(name: str, got: Array, want: Array) -> str:
    """Say where one array is off, and by how much."""
    with np.errstate(all="ignore"):
        gap = np.nan_to_num(np.abs(comparable(got) - comparable(want)), nan=np.inf)
        gap = np.where(comparable(got) == comparable(want), 0, gap)
    at = np.unravel_index(int(np.argmax(gap)), gap.shape)
    place = f"{name}[{', '.join(str(int(i)) for i in at)}]" if at else name
    yes_or_no = got.dtype == want.dtype == bool
    is_now, wanted = (str(bool(v)) if yes_or_no else f"{v:.6g}" for v in (got[at], want[at]))
    return f"`{place}` is {is_now}, expected {wanted}" + (", the largest difference." if gap.size > 1 else ".")


def comparable(array: Array) -> Array:
    """Return an array of floating numbers."""
    return np.asarray(array, np.result_type(array, float))


def explained(got: Array, want: Array, name: str, packed: Sequence[str]) -> str:
    """Say what makes one array of the other, if something simple does; of packed gates, which blocks are off."""
    if not (np.isfinite(got).all() and np.isfinite(want).all()) or got.size < 2 or got.dtype.kind == "b":
        return ""
    a, b = comparable(got), comparable(want)
    k = int(np.argmax(np.abs(b)))
    with np.errstate(all="ignore"):
        ratio = a.flat[k] / b.flat[k]
    if np.isfinite(ratio) and ratio != 0 and error(a, ratio * b) <= TOLERANCE:
        return (
            "Every entry has the wrong sign."
            if np.isclose(ratio, -1)
            else f"Every entry is {ratio:.6g} times as large."
        )
    if a.ndim == 2 and same_array(a, b.T):
        return "It is the transpose of what is expected."
    if a.ndim > 1 and same_array(a, b[::-1]):
        return "It runs the other way along its first axis."
    if a.ndim > 1 and len(a) > 2 and same_array(a[1:], b[:-1]):
        return "It is one step late along its first axis."
    if a.ndim > 1 and len(a) > 2 and same_array(a[:-1], b[1:]):
        return "It is one step early along its first axis."
    return blocks_off(a, b, packed) if name.rsplit(".")[-1] in ("W_xh", "W_hh", "b_h") else ""


def blocks_off(got: Array, want: Array, packed: Sequence[str]) -> str:
    """Say which gates' columns are off, of those that are packed side by side."""
    if not packed or got.ndim == 0 or got.shape[-1] % len(packed):
        return ""
    pairs = zip(np.split(got, len(packed), axis=-1), np.split(want, len(packed), axis=-1), strict=True)
    off = [gate for gate, (a, b) in zip(packed, pairs, strict=True) if not same_array(a, b)]
    if len(off) == len(packed):
        return ""
    these = f"only {off[0]}'s columns are" if len(off) == 1 else f"the columns of {' and '.join(off)} are"
    return f"Of {', '.join(packed)}, {these} off."


def shape_explained(got: Array, want: Array) -> str:
    """Say what makes an array of the wrong shape the right one, if something simple does."""
    if got.T.shape == want.shape and same_array(got.T, want):
        return "Its transpose is right."
    if got.size == want.size and same_array(got.reshape(want.shape), want):
        return "The numbers are right, but not how they are arranged."
    for axis in range(got.ndim):
        if same_array(got.sum(axis=axis), want):
            return f"Summed over axis {axis} it is right."
        if want.ndim and same_array(np.asarray(got.sum(axis=axis, keepdims=True)), want):
            return f"Summed over axis {axis}, with that axis kept, it is right."
    return ""


def beside(mine: Answer, right: Answer) -> str:
    """Return the first array that is off, yours beside the expected one, with the entries that differ marked."""
    if mine.arrays is None or right.arrays is None:
        return ""
    name = differing(mine, right)[0]
    got, want = mine.arrays[name], right.arrays[name]
    if got.shape != want.shape or not 1 < got.size <= SHOWN_ENTRIES or got.ndim > 2 or got.dtype.kind == "c":
        return ""
    rows = np.atleast_2d(got), np.atleast_2d(want)
    numbers = comparable(rows[0]), comparable(rows[1])
    margin = TOLERANCE * max(np.abs(side[np.isfinite(side)]).max(initial=0) for side in numbers)
    with np.errstate(all="ignore"):
        close = (np.abs(numbers[0] - numbers[1]) <= margin) | (numbers[0] == numbers[1])
    off = ~(close | (np.isnan(numbers[0]) & np.isnan(numbers[1])))
    texts = [[[number(v) for v in row] for row in side] for side in rows]
    width = max(len(t) for side in texts for row in side for t in row)
    left = [
        " ".join(f"{t:>{width}}{MARK if o else ' '}" for t, o in zip(row, marks, strict=True))
        for row, marks in zip(texts[0], off, strict=True)
    ]
    other = [" ".join(f"{t:>{width}}" for t in row) for row in texts[1]]
    head = f"{name}, yours ({MARK} differs)"
    gap = max(len(head), *(len(line) for line in left)) + 3
    lines = [f"{head:<{gap}}expected", *(f"{a:<{gap}}{b}" for a, b in zip(left, other, strict=True))]
    return "\n".join(line.rstrip() for line in lines)


def number(value: Any) -> str:
    """Write a number with five digits, or a whole one as it is."""
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    return f"{value:.5g}"


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
    """Say whether a value is an array, or a tuple or list with one somewhere inside."""
    return isinstance(value, np.ndarray) or (isinstance(value, (list, tuple)) and any(map(holds_an_array, value)))


def text_of(value: Any) -> str:
    """Return a short text for something that is not an array; a list of tuples gets a line for each of them."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return "[" + ",\n ".join(map(repr, value)) + "]"
    name = getattr(value, "__name__", None)
    return str(name).rsplit(".", 1)[-1] if name else repr(value)
