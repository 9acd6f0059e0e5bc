"""What a run of a learner's function came to, as plain data that nothing can change any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

ITEMS_AT_MOST = 100_000  # of an iterator


class Returned(NamedTuple):
    """The function returned; `value` is a snapshot: arrays, lists and Records."""

    value: Any
    written: tuple[str, ...]  # arguments that it changed
    seconds: float
    float_errors: tuple[str, ...] = ()  # what NumPy warns of, such as "overflow"
    printed: str = ""
    undrawn: tuple[str, ...] = ()  # random generators among the arguments that it did not draw from


class Raised(NamedTuple):
    """The function raised an exception."""

    kind: str
    message: str
    line: str  # "line 3: z = x @ W", in the learner's own function; empty if not there
    printed: str = ""
    error: type[BaseException] = Exception


class TimedOut(NamedTuple):
    """The function ran out of time; `stopped` is False if it still runs, inside compiled code."""

    line: str
    stopped: bool
    printed: str = ""


Outcome = Returned | Raised | TimedOut


class Record(NamedTuple):
    """Snapshot of a NamedTuple."""

    kind: str
    values: Mapping[str, Any]


class Other(NamedTuple):
    """Snapshot of something that is neither an array nor made of arrays."""

    kind: str


def snapshot(value: Any) -> Any:
    """Turn what a function returned into new arrays, lists and Records."""
    if value is None:
        return None
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return Record(type(value).__name__, {name: snapshot(v) for name, v in zip(value._fields, value, strict=True)})
    if is_sequence(value):
        return [snapshot(item) for item in islice(value, ITEMS_AT_MOST)]
    if isinstance(value, (bool, int, float, complex)) or hasattr(value, "__array__"):
        array = np.array(value)
        return array if array.dtype.kind in "biufc" else Other(f"{type(value).__name__} of dtype {array.dtype}")
    return Other(type(value).__name__)


def is_sequence(value: Any) -> bool:
    """Whether a value is a list, tuple, deque, range or the like, or an iterator."""
    return (isinstance(value, Sequence) and not isinstance(value, (str, bytes))) or hasattr(value, "__next__")
