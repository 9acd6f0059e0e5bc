"""Nested NamedTuples: one function applied to corresponding arrays, and refused where they do not correspond."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from bptt_lessons import nested


class Leaf(NamedTuple):
    """Two arrays."""

    W: Any
    b: Any


class Tree(NamedTuple):
    """A leaf and an array."""

    cell: Any
    last: Any


def tree(start: float = 0.0) -> Tree:
    """Six numbers, counted from `start`."""
    return Tree(Leaf(np.array([[start, start + 1]]), np.array([start + 2, start + 3])), np.array([start + 4]))


def test_map_arrays_keeps_the_types_and_applies_to_corresponding_arrays():
    result = nested.map_arrays(lambda a, b, c: a + b - 2 * c, tree(0), tree(10), tree(1))
    assert type(result) is Tree
    assert type(result.cell) is Leaf
    assert np.array_equal(result.cell.W, [[8, 8]])
    assert np.array_equal(result.last, [8])


def test_zeros_and_sums():
    zeros = nested.zeros_like(tree(5))
    assert not any(array.any() for _, array in nested.named_arrays(zeros))
    total = nested.add(tree(1), tree(2))
    assert np.array_equal(total.cell.b, [7, 9])


def test_named_arrays_in_order():
    assert [name for name, _ in nested.named_arrays(tree())] == ["cell.W", "cell.b", "last"]
    assert [name for name, _ in nested.named_arrays(tree(), "grads")] == ["grads.cell.W", "grads.cell.b", "grads.last"]
    assert list(nested.named_arrays(3.0)) == [("", 3.0)]


@pytest.mark.parametrize(
    ("other", "fragments"),
    [
        (tree()._replace(last=np.zeros(2)), ["last", "(2,)", "(1,)"]),
        (tree()._replace(cell=tree().cell._replace(b=np.zeros((2, 1)))), ["cell.b", "(2, 1)", "(2,)"]),
        (tree().cell, ["Leaf", "Tree", "last"]),
        (Tree(np.zeros(1), np.zeros(1)), ["cell", "ndarray", "Leaf"]),
        (Tree(tree().cell, tree().cell), ["last", "Leaf", "(1,)"]),
        (tuple(tree()), ["tuple", "Tree"]),
        (None, ["NoneType", "Tree"]),
    ],
)
def test_structures_that_differ_are_refused_by_name(other, fragments):
    for call in (lambda: nested.add(tree(), other), lambda: nested.map_arrays(np.subtract, tree(), tree(), other)):
        with pytest.raises(ValueError) as refusal:  # noqa: PT011  (the words are checked below)
            call()
        assert all(fragment in str(refusal.value) for fragment in fragments), str(refusal.value)


def test_no_function_is_refused_and_a_functions_own_type_error_is_its_own():
    with pytest.raises(ValueError, match=r"^function must be a function, got NoneType$"):
        nested.map_arrays(None, tree())

    def faulty(array):
        raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine$"):
        nested.map_arrays(faulty, tree())


def test_structures_are_called_what_the_caller_calls_them():
    nested.check_alike(params=tree(), grads=tree())
    with pytest.raises(ValueError, match=r"^grads\.cell\.W has shape \(3,\), expected shape \(1, 2\), that of params$"):
        nested.check_alike(params=tree(), grads=tree()._replace(cell=Leaf(np.zeros(3), np.zeros(2))))
    with pytest.raises(ValueError, match=r"^params is no NamedTuple, expected Tree\('cell', 'last'\), as grads is$"):
        nested.check_alike(params=None, grads=tree())
