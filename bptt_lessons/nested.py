"""Nested NamedTuples of arrays: parameters, gradients, models of several layers.

A gradient has the same type as what it is the gradient of, so an optimiser is a
function applied to corresponding arrays.  These few helpers are that application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, TypeVar

import numpy as np

Tree = TypeVar("Tree")


def map_arrays(function: Callable[..., Any], tree: Tree, *others: Any) -> Tree:
    """Apply `function` to corresponding arrays of NamedTuples of one structure.

    Raises
    ------
    ValueError
        If the structures or the shapes of corresponding arrays differ.
    """
    return _map(function, "", tree, others)  # type: ignore[no-any-return]


def zeros_like(tree: Tree) -> Tree:
    """Return the same structure filled with zeros."""
    return map_arrays(np.zeros_like, tree)


def add(a: Tree, b: Tree) -> Tree:
    """Return the sum of two structures, array by array."""
    return map_arrays(np.add, a, b)


def named_arrays(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``("cell.W_hh", array)`` for every array in the structure, in order."""
    if _is_named_tuple(tree):
        for field, value in zip(tree._fields, tree, strict=True):
            yield from named_arrays(value, f"{name}.{field}" if name else field)
    else:
        yield name, tree


def _map(function: Callable[..., Any], name: str, tree: Any, others: tuple[Any, ...]) -> Any:
    # Truncation in short windows spends up to a tenth of its time here: hence no generators and few calls.
    if not isinstance(tree, tuple):
        shape = tree.shape if isinstance(tree, np.ndarray) else np.shape(tree)
        for other in others:
            if isinstance(other, np.ndarray) and other.shape == shape:
                continue
            if _is_named_tuple(other) or np.shape(other) != shape:
                found = type(other).__name__ if _is_named_tuple(other) else f"shape {np.shape(other)}"
                raise ValueError(f"{name or 'argument'} has {found}, expected shape {shape}")
        return function(tree, *others)
    if not hasattr(tree, "_fields"):
        expected = "params or their gradient in a NamedTuple, such as rnn.Params(W_xh, W_hh, b_h)"
        raise ValueError(f"{name or 'argument'} is a plain tuple, expected {expected}")
    for other in others:
        if getattr(other, "_fields", None) != tree._fields:
            raise ValueError(
                f"{name or 'argument'} is {type(other).__name__}, expected {type(tree).__name__}{tree._fields}"
            )
    names = [f"{name}.{field}" for field in tree._fields] if name else tree._fields
    corresponding = zip(*others, strict=True) if others else repeat(())
    # A list first: a tuple made of an iterator is cut from a longer one, of which Python keeps up to 2,000 for later.
    return type(tree)(*list(map(_map, repeat(function), names, tree, corresponding)))


def _is_named_tuple(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")
