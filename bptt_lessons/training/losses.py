"""Losses: one number for how wrong the outputs are, and its gradient, as separate functions.

Both average over the steps (t, n) that the mask keeps.  What the mask drops may hold
anything, NaN included.  However large or small the numbers are, values and gradients are
right to rounding, as long as y - target and the sum that is averaged are within the dtype's
range: a float64 holds squares of numbers up to 1e154.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bptt_lessons.arguments import Array, check_array, check_mask, check_no_nan, check_plain, check_precision, kind_of


def mse(y: Array, target: Array, mask: Array | None = None) -> Any:
    """Mean squared error: the mean over the kept (t, n) and all K, without ½.

    Parameters
    ----------
    y : array (T, N, K)
    target : array (T, N, K)
    mask : bool array (T, N), optional
        True where the loss counts; everywhere if left out.

    Returns
    -------
    number
        In the square of the target's unit.

    Raises
    ------
    ValueError
        If the mask keeps nothing or a kept target is NaN.
    """
    mask = check_real_target(y, target, mask)
    difference = y[mask] - target[mask]
    return np.mean(difference * difference)


def mse_gradient(y: Array, target: Array, mask: Array | None = None) -> Array:
    """Gradient of `mse` with respect to `y`: array (T, N, K), 0 where the mask drops a step.

    Parameters and errors are those of `mse`.
    """
    mask = check_real_target(y, target, mask)
    dy = np.zeros(y.shape, np.result_type(y, target))
    dy[mask] = (y[mask] - target[mask]) / (mask.sum() * y.shape[2] / 2)  # not 2 * (...): that may overflow
    return dy


def softmax_cross_entropy(y: Array, target: Array, mask: Array | None = None) -> Any:
    """Cross-entropy of the softmax of logits: the mean over the kept (t, n), in nats.

    Parameters
    ----------
    y : array (T, N, K)
        Logits.
    target : integer array (T, N)
        The right class, 0 ... K - 1, at every step.
    mask : bool array (T, N), optional
        True where the loss counts; everywhere if left out.

    Returns
    -------
    number

    Raises
    ------
    ValueError
        If the mask keeps nothing or a kept class is not below K.
    """
    mask = check_classes(y, target, mask)
    logits = y[mask]
    with np.errstate(over="ignore"):  # a difference beyond the range becomes -inf, whose exp is 0
        logits = logits - logits.real.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(logits).sum(axis=1))
    right = logits[np.arange(len(logits)), target[mask]]
    return np.mean(log_sum - right)


def softmax_cross_entropy_gradient(y: Array, target: Array, mask: Array | None = None) -> Array:
    """Gradient of `softmax_cross_entropy` with respect to `y`: array (T, N, K).

    Parameters and errors are those of `softmax_cross_entropy`.
    """
    mask = check_classes(y, target, mask)
    logits = y[mask]
    with np.errstate(over="ignore"):  # as in the loss itself
        p = np.exp(logits - logits.real.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), target[mask]] -= 1
    dy = np.zeros_like(y)
    dy[mask] = p / mask.sum()
    return dy


def check_real_target(y: Array, target: Array, mask: Array | None) -> Array:
    """Return the mask if the losses of real targets can take these, else raise ValueError."""
    check_array("y", y, "T N K")
    check_array("target", target, "T N K", dict(zip("TNK", y.shape, strict=True)))
    check_precision(y=y, target=target)
    mask = check_mask(mask, *y.shape[:2])
    check_no_nan("target", np.where(mask[..., None], target, 0))
    return mask


def check_classes(y: Array, target: Array, mask: Array | None) -> Array:
    """Return the mask if the losses of classes can take these, else raise ValueError."""
    check_array("y", y, "T N K")
    T, N, K = y.shape
    if not isinstance(target, np.ndarray) or target.dtype.kind not in "iu" or target.shape != (T, N):
        raise ValueError(f"target has {kind_of(target)}, expected an integer array of shape (T, N) = ({T}, {N})")
    check_plain("target", target)
    mask = check_mask(mask, T, N)
    kept = target[mask]
    if kept.min() < 0 or kept.max() >= K:
        raise ValueError(
            f"target of shape {target.shape} holds {kept.min()} ... {kept.max()}, expected 0 ... K - 1 = {K - 1}"
        )
    return mask
