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
ndarray = np.ndarray  # a global is looked up faster than an attribute


def map_arrays(function: Callable[..., Any], tree: Tree, *others: Any) -> Tree:
    """Apply `function` to corresponding arrays of NamedTuples of one structure.

    Plain numbers count as arrays of shape ().
    """
    if not callable(function):
        raise ValueError(f"function must be a function, got {type(function).__name__}")
    return _map(function, ("tree", *(f"others[{k}]" for k in range(len(others)))), "", tree, others)  # type: ignore[no-any-return]


def zeros_like(tree: Tree) -> Tree:
    """Return the same structure filled with zeros."""
    return _map(np.zeros_like, ("tree",), "", tree, ())  # type: ignore[no-any-return]


def add(a: Tree, b: Tree) -> Tree:
    """Return the sum of two structures, array by array."""
    return _map(np.add, ("a", "b"), "", a, (b,))  # type: ignore[no-any-return]


def check_alike(**trees: Any) -> None:
    """Raise ValueError unless these are NamedTuples of one structure with arrays of numbers of the same shapes."""
    labels = tuple(trees)

    def check(*arrays: Any) -> None:
        for label, array in zip(labels, arrays, strict=True):
            _shape(label, "", array)

    check_each(check, **trees)


def check_each(check: Callable[..., None], **trees: Any) -> None:
    """Call `check` with corresponding arrays of NamedTuples, which a refusal calls by their keywords."""
    first, *others = trees.values()
    _map(check, tuple(trees), "", first, tuple(others))


def named_arrays(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``("cell.W_hh", array)`` for every array in the structure, in order."""
    if _is_named_tuple(tree):
        for field, value in zip(tree._fields, tree, strict=True):
            yield from named_arrays(value, f"{name}.{field}" if name else field)
    else:
        yield name, tree


def _map(function: Callable[..., Any], labels: tuple[str, ...], name: str, tree: Any, others: tuple[Any, ...]) -> Any:
    # Truncation in short windows spends up to a tenth of its time here, so no generators and few calls.
    if not isinstance(tree, tuple):
        shape = tree.shape if type(tree) is ndarray else _first_shape(labels, name, tree, others)
        for other in others:
            if type(other) is not ndarray or other.shape != shape:
                _check_shape(labels, name, other, others, shape)
        try:
            return function(tree, *others)
        except TypeError:  # checked only after a failure, to save time
            for label, array in zip(labels, (tree, *others), strict=True):
                _shape(label, name, array)
            raise
    if not hasattr(tree, "_fields"):
        expected = "params or their gradient in a NamedTuple, such as rnn.Params(W_xh, W_hh, b_h)"
        raise ValueError(f"{_place(labels[0], name)} is a plain tuple, expected {expected}")
    for other in others:
        if getattr(other, "_fields", None) != tree._fields:
            expected = f"{type(tree).__name__}{tree._fields}, as {labels[0]} is"
            raise ValueError(
                f"{_place(_label(labels, other, others), name)} is {type(other).__name__}, expected {expected}"
            )
    names = [f"{name}.{field}" for field in tree._fields] if name else tree._fields
    corresponding = zip(*others, strict=True) if others else repeat(())
    # A list first: Python keeps the oversized blocks of up to 2,000 tuples that are made from an iterator.
    return type(tree)(*list(map(_map, repeat(function), repeat(labels), names, tree, corresponding)))


def _check_shape(labels: tuple[str, ...], name: str, other: Any, others: tuple[Any, ...], shape: Any) -> None:
    """Raise ValueError unless `other`, one of `others`, has the shape of the first structure there."""
    label, expected = _label(labels, other, others), f"shape {shape}, that of {labels[0]}"
    found = _shape(label, name, other, expected)
    if found != shape:
        raise ValueError(f"{_place(label, name)} has shape {found}, expected {expected}")


def _label(labels: tuple[str, ...], other: Any, others: tuple[Any, ...]) -> str:
    """Return what the caller calls one of the structures."""
    return labels[1 + next(k for k, one in enumerate(others) if one is other)]


def _first_shape(labels: tuple[str, ...], name: str, tree: Any, others: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the shape of the first structure's number, or raise ValueError."""
    if others and _is_named_tuple(others[0]):
        wanted = f"{type(others[0]).__name__}{others[0]._fields}, as {labels[1]} is"
        raise ValueError(f"{_place(labels[0], name)} is no NamedTuple, expected {wanted}")
    return _shape(labels[0], name, tree)


def _shape(label: str, name: str, value: Any, expected: str = "an array of numbers") -> tuple[int, ...]:
    """Return the shape of an array of numbers or the () of a number, or raise ValueError."""
    numbers = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc"
    if not numbers and not isinstance(value, (int, float, complex)):
        array = isinstance(value, np.ndarray)
        found = f"shape {value.shape} and dtype {value.dtype}" if array else type(value).__name__
        raise ValueError(f"{_place(label, name)} has {found}, expected {expected}")
    return np.shape(value)


def _place(label: str, name: str) -> str:
    """Return the place of an array in a structure, such as ``grads.cell.W_hh``."""
    return f"{label}.{name}" if name else label


def _is_named_tuple(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")
