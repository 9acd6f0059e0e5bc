"""Optimisers: from parameters and their gradient to better parameters."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar

import numpy as np

from bptt_lessons.arguments import (
    Array,
    check_kind,
    check_numbers,
    check_positive,
    check_precision,
    check_share,
    shown,
)
from bptt_lessons.nested import check_each, map_arrays, named_arrays, zeros_like

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
    """
    lr = check_update(params, grads, lr)
    return map_arrays(lambda p, dp: p - lr * dp, params, grads)


def global_norm(grads: Any) -> float:
    """Length of a gradient: the root of the sum of squares over all entries of all arrays.

    It is computed in float64, and right wherever it is itself within range, though its square may not be.
    """
    arrays = [array for _, array in named_arrays(grads)]
    for array in arrays:
        check_numbers("grads", array)
    with np.errstate(over="ignore"):
        squares = (np.abs(array).astype(float) ** 2 for array in arrays)
        norm = float(np.sqrt(sum(np.sum(square) for square in squares)))
    if 1e-140 < norm < np.inf:
        return norm
    # Squares overflowed or vanished: again, in units of a power of two near the largest entry
    sizes = [np.abs(np.asarray(array, np.result_type(array, np.float64))) for array in arrays]
    largest = np.max([np.max(size, initial=0) for size in sizes], initial=0)
    unit = 2.0 ** (math.frexp(largest)[1] - 1)
    return float(np.sqrt(sum(np.sum((size / unit) ** 2) for size in sizes))) * unit


def clip_by_global_norm(grads: Tree, max_norm: float) -> Tree:
    """Shorten a gradient to `max_norm` if it is longer, and leave it as it is otherwise.

    All arrays are multiplied by one number, so the direction stays.  (Where that number is below the
    dtype's smallest normal one, 1e-38 in float32, it is rounded, and the length with it.)

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.

    Parameters
    ----------
    grads : nested NamedTuple of arrays
        Left as it is.
    max_norm : float
        Above 0.

    Returns
    -------
    the type of `grads`

    Raises
    ------
    ValueError
        If `max_norm` is not above 0 or the gradient's length is no finite number.
    """
    norm = check_clip(grads, max_norm)
    scale = min(1.0, float(max_norm) / norm) if norm > 0 else 1.0  # a plain float keeps float32
    return map_arrays(lambda dp: dp * scale, grads)


class AdamState(NamedTuple):
    """What Adam remembers from one update to the next."""

    updates: int
    mean: Any  # of the gradient, like the parameters
    square: Any  # mean of its square, like the parameters


def adam_start(params: Any) -> AdamState:
    """Return what Adam starts with: no update done, and zeros."""
    for _, array in named_arrays(params):
        check_numbers("params", array)
    return AdamState(0, zeros_like(params), zeros_like(params))


def adam(
    params: Tree,
    grads: Tree,
    state: AdamState,
    lr: float = 1e-3,
    decay_mean: float = 0.9,
    decay_square: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Tree, AdamState]:
    """Take one step of Adam (Kingma and Ba 2015, algorithm 1).

    Parameters
    ----------
    params : nested NamedTuple of arrays
        Left as it is.
    grads : the type of `params`
        An entry whose square is beyond its dtype's range (1e154 in float64, 1e19 in float32) is too
        large: its mean of squares becomes infinite, with NumPy's warning, and that entry of the
        parameters no longer changes.  Clip such a gradient first.  Squares that underflow
        do no harm, eps being larger by far than their roots.
    state : AdamState
        From `adam_start` or the last update.
    lr : float, optional
        Learning rate, above 0: about the size of the first steps, entry by entry.
    decay_mean, decay_square : float, optional
        β₁ and β₂ of the paper, from 0 to below 1.
    eps : float, optional
        Above 0.

    Returns
    -------
    params : the type of `params`
    state : AdamState
    """
    lr, decay_mean, decay_square, eps = check_adam(params, grads, state, lr, decay_mean, decay_square, eps)
    updates = state.updates + 1
    mean = map_arrays(lambda m, dp: decay_mean * m + (1 - decay_mean) * dp, state.mean, grads)
    square = map_arrays(lambda v, dp: decay_square * v + (1 - decay_square) * dp * dp, state.square, grads)
    mean_scale, square_scale = 1 / (1 - decay_mean**updates), 1 / (1 - decay_square**updates)
    moved = map_arrays(
        lambda p, m, v: p - lr * (m * mean_scale) / (np.sqrt(v * square_scale) + eps), params, mean, square
    )
    return moved, AdamState(updates, mean, square)


def check_update(params: Any, grads: Any, lr: float) -> float:
    """Return the learning rate if an optimiser can take these, else raise ValueError."""

    def check_pair(p: Array, dp: Array) -> None:
        check_numbers("params", p)
        check_numbers("grads", dp)
        check_precision(params=np.asarray(p), grads=np.asarray(dp))

    check_each(check_pair, params=params, grads=grads)
    return check_positive("lr", lr)


def check_clip(grads: Any, max_norm: float) -> float:
    """Return the gradient's length if `clip_by_global_norm` can take these, else raise ValueError."""
    check_positive("max_norm", max_norm)
    norm = global_norm(grads)
    if not np.isfinite(norm):
        raise ValueError(f"grads has the global norm {norm}, expected a finite number: it cannot be clipped")
    return norm


def check_adam(
    params: Any, grads: Any, state: AdamState, lr: float, decay_mean: float, decay_square: float, eps: float
) -> tuple[float, float, float, float]:
    """Return the four numbers as plain floats, which keep float32, if `adam` can take these, else raise ValueError."""
    lr, eps = check_update(params, grads, lr), check_positive("eps", eps)
    check_kind("state", state, AdamState)
    for name, decay in {"decay_mean": decay_mean, "decay_square": decay_square}.items():
        check_share(name, decay)
    updates = state.updates
    if isinstance(updates, bool) or not isinstance(updates, (int, np.integer)) or not 0 <= updates < 2**63:
        raise ValueError(f"state.updates must be a whole number of at least 0, got {shown(updates)}")
    for field, tree in {"state.mean": state.mean, "state.square": state.square}.items():
        check_each(lambda p, m, field=field: check_numbers(field, m), **{"params": params, field: tree})
    return lr, float(decay_mean), float(decay_square), eps
