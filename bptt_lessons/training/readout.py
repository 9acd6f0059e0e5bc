"""The readout: from the hidden state at every step to the outputs.

y_t = h_t W_hy + b_y
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_array, check_precision, check_size
from bptt_lessons.cells.init import uniform


class Readout(NamedTuple):
    """Parameters of the readout, or a gradient with respect to them."""

    W_hy: Array  # (H, K)
    b_y: Array  # (K,)


def init(rng: np.random.Generator, H: int, K: int, dtype: Any = np.float64) -> Readout:
    """Draw W_hy uniformly from ±1/√H; b_y is zero.

    Raises
    ------
    ValueError
        If a size is below 1 or the dtype is not a real floating one.
    """
    bound = check_size("H", H) ** -0.5
    return Readout(uniform(rng, H, check_size("K", K), bound, dtype), np.zeros(K, dtype))


def forward(params: Readout, h: Array) -> Array:
    """Read out every step.

    Parameters
    ----------
    params : Readout
    h : array (T, N, H)

    Returns
    -------
    y : array (T, N, K)

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_readout(params, h)
    return h @ params.W_hy + params.b_y


def backward(params: Readout, h: Array, dy: Array) -> tuple[Readout, Array]:
    """Send the gradient back through the readout.

    Parameters
    ----------
    params : Readout
    h : array (T, N, H)
        What `forward` was given.
    dy : array (T, N, K)
        Gradient of the loss with respect to y.

    Returns
    -------
    grads : Readout
    dh : array (T, N, H)
        The loss's own gradient at every step.

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_readout(params, h, dy)
    rows_h = h.reshape(-1, h.shape[2])
    rows_dy = dy.reshape(-1, dy.shape[2])
    grads = Readout(W_hy=rows_h.T @ rows_dy, b_y=rows_dy.sum(axis=0))
    return grads, dy @ params.W_hy.T


def check_readout(params: Readout, h: Array, dy: Array | None = None) -> None:
    """Raise ValueError unless `forward`, or with `dy` `backward`, can take these."""
    if not isinstance(params, Readout):
        raise ValueError(f"params must be readout.Readout(W_hy, b_y), got {type(params).__name__}")
    check_array("W_hy", params.W_hy, "H K")
    H, K = params.W_hy.shape
    check_array("b_y", params.b_y, "K", {"K": K})
    check_array("h", h, "T N H", {"H": H})
    check_precision(W_hy=params.W_hy, b_y=params.b_y, h=h)
    if dy is not None:
        check_array("dy", dy, "T N K", {"T": len(h), "N": h.shape[1], "K": K})
        check_precision(h=h, dy=dy)
