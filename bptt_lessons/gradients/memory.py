"""Memory: how many bytes a tape holds, and how many a computation needs at its peak."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_callable


class Peak(NamedTuple):
    """A result, and the most bytes that computing it held at once, beyond those held before."""

    result: Any
    bytes: int


def held_bytes(tree: Any) -> int:
    """Bytes of all arrays in nested tuples and lists; memory that several of them share counts once.

    Parameters
    ----------
    tree : array, or tuple, list or NamedTuple of such
        A tape, or a list of caches; numbers and None beside the arrays count nothing.
    """
    return sum({id(owner): owner.nbytes for owner in map(_owner, _arrays(tree))}.values())


def peak_bytes(function: Callable[..., Any], *arguments: Any) -> Peak:
    """Call ``function(*arguments)`` and measure the most bytes that it held at once.

    Python's own allocations count as well, so the number is a little above that of the
    arrays alone.  Tracing costs time: never measure both in one run.
    """
    check_callable("function", function)
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = function(*arguments)
        return Peak(result, tracemalloc.get_traced_memory()[1] - before)
    finally:
        if not tracing:
            tracemalloc.stop()


def _arrays(tree: Any) -> Iterator[Array]:
    if isinstance(tree, np.ndarray):
        yield tree
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from _arrays(item)
    elif tree is not None and not isinstance(tree, (int, float, complex, np.generic)):
        raise ValueError(f"tree must hold arrays, in tuples and lists, got {type(tree).__name__}")


def _owner(array: Array) -> Any:
    """Return the array that owns the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
