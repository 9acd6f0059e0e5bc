"""Optimisers: from parameters and their gradient to better parameters."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from bptt_lessons.arguments import Array, check_numbers, check_positive, check_precision
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
        If structures, shapes or precisions differ, or `lr` is not above 0.
    """
    lr = check_update(params, grads, lr)
    return map_arrays(lambda p, dp: p - lr * dp, params, grads)


def check_update(params: Any, grads: Any, lr: float) -> float:
    """Return the learning rate if an optimiser can take these, else raise ValueError."""

    def check_pair(p: Array, dp: Array) -> None:
        check_numbers("params", p)
        check_numbers("grads", dp)
        check_precision(params=np.asarray(p), grads=np.asarray(dp))

    map_arrays(check_pair, params, grads)
    return check_positive("lr", lr)
