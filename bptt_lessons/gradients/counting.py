"""Counting multiplications: what a computation costs, without a clock.

Seconds differ from machine to machine and from run to run; the number of
multiplications inside matrix products does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_callable


class Counted(NamedTuple):
    """A result and the multiplications that its matrix products took."""

    result: Any
    multiplications: int


class CountedArray(np.ndarray[Any, Any]):
    """An array whose ``@`` adds to a tally that it shares with everything made from it."""

    tally: list[int]

    def __array_finalize__(self, made_from: Any) -> None:
        self.tally = getattr(made_from, "tally", [])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.asarray(i) for i in inputs]
        if "out" in kwargs:
            kwargs["out"] = tuple(None if o is None else np.asarray(o) for o in kwargs["out"])
        result = getattr(ufunc, method)(*plain, **kwargs)
        if ufunc is np.matmul:
            self.tally[0] += result.size * plain[0].shape[-1]
        return _watched(result, self.tally) if isinstance(result, np.ndarray) else result


def _watched(array: Array, tally: list[int]) -> Array:
    """Return the array as a CountedArray with the given tally."""
    view = array.view(CountedArray)
    view.tally = tally
    return view


def multiplications(function: Callable[..., Any], *arguments: Any) -> Counted:
    """Call ``function(*arguments)`` and count the multiplications in its matrix products.

    Counted are products written with ``@`` in which an argument, or anything computed
    from one, takes part: all those of `rnn.step` and `rnn.step_backward`.  The fast
    `rnn.forward` writes its products into buffers and is not seen.

    Parameters
    ----------
    function : callable
    arguments
        What `function` takes; the arrays among them, in NamedTuples and lists too, are watched.

    Returns
    -------
    Counted
        The result's arrays are plain again.
    Examples
    --------
    >>> multiplications(np.matmul, np.ones((2, 3)), np.ones((3, 5))).multiplications
    30
    """
    check_callable("function", function)
    tally = [0]
    result = function(*(_each_array(lambda array: _watched(array, tally), argument) for argument in arguments))
    return Counted(_each_array(np.asarray, result), tally[0])


def _each_array(change: Callable[[Array], Array], value: Any) -> Any:
    """Apply `change` to every array in nested tuples, NamedTuples and lists; leave the rest."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_each_array(change, item) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_each_array(change, item) for item in value)
    return value
