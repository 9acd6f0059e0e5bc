"""Optimisers: from parameters and their gradient to better parameters."""

from __future__ import annotations

from typing import TypeVar

from bptt_lessons.arguments import check_positive
from bptt_lessons.nested import map_arrays

Tree = TypeVar("Tree")


def sgd(params: Tree, grads: Tree, lr: float) -> Tree:
    """Take one step of plain gradient descent: p - lr · dL/dp for every array.

    Parameters
    ----------
    params : nested NamedTuple of arrays
        Left as it is.
    grads : the type of `params`
    lr : float
        Learning rate, above 0.

    Returns
    -------
    the type of `params`

    Raises
    ------
    ValueError
        If the structures or shapes differ, or `lr` is not above 0.
    """
    check_positive("lr", lr)
    return map_arrays(lambda p, dp: p - lr * dp, params, grads)
