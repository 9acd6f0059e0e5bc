"""The readout: from the hidden state at every step to the outputs.

y_t = h_t W_hy + b_y
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Arguments, Array, check_callable, check_fits, check_mask, check_plain, kind_of
from bptt_lessons.cells.init import uniform
from bptt_lessons.gradients.bptt import LossGradient
from bptt_lessons.nested import zeros_like
from bptt_lessons.training import losses


class Readout(NamedTuple):
    """Parameters of the readout, or a gradient with respect to them."""

    W_hy: Annotated[Array, "H K"]
    b_y: Annotated[Array, "K"]


def init(rng: np.random.Generator, H: int, K: int, dtype: Any = np.float64) -> Readout:
    """Draw W_hy uniformly from ±1/√H; b_y is zero."""
    H, K = check_fits(H=H, K=K)
    return Readout(uniform(rng, H, K, H**-0.5, dtype), np.zeros(K, dtype))


check_parameters = Arguments(params=Readout)
check_readout = Arguments(params=Readout, h="T N H", dy="T N K")


def forward(params: Readout, h: Array) -> Array:
    """Read out every step.

    Parameters
    ----------
    params : Readout
    h : array (T, N, H)

    Returns
    -------
    y : array (T, N, K)
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
    """
    check_readout(params, h, dy)
    rows_h = h.reshape(-1, h.shape[2])
    rows_dy = dy.reshape(-1, dy.shape[2])
    grads = Readout(W_hy=rows_h.T @ rows_dy, b_y=rows_dy.sum(axis=0))
    return grads, dy @ params.W_hy.T


def loss_by_window(
    params: Readout,
    target: Array,
    mask: Array | None = None,
    loss: Callable[..., Any] = losses.mse,
    loss_gradient: Callable[..., Array] = losses.mse_gradient,
) -> LossGradient:
    """Return the loss of a readout in the form that truncation and checkpointing take: window by window.

    Parameters
    ----------
    params : Readout
    target, mask
        Of the whole sequence, as `loss` takes them.
    loss, loss_gradient : callable
        A pair from ``losses``.

    Returns
    -------
    callable
        ``f(h, start) -> loss, dh, extra`` with `extra` a Readout.  Each window's mean counts as
        much as it has kept steps, so that the windows of a sequence add up to its mean.

    Raises
    ------
    ValueError
        If the mask keeps nothing; the callable, if the window goes beyond the target.
    """
    check_callable("loss", loss)
    check_callable("loss_gradient", loss_gradient)
    check_parameters(params)
    if not isinstance(target, np.ndarray) or target.ndim < 2 or target.size == 0:
        found = f"shape {target.shape}" if isinstance(target, np.ndarray) else type(target).__name__
        raise ValueError(f"target has {found}, expected a NumPy array (T, N, ...), every size at least 1")
    check_plain("target", target)
    if target.dtype.kind not in "iufc":
        raise ValueError(f"target has {kind_of(target)}, expected numbers")
    everywhere = check_mask(mask, *target.shape[:2])
    kept_in_all = everywhere.sum()

    def of_window(h: Array, start: int) -> tuple[Any, Array, Any]:
        check_window(params, h, start, everywhere)
        window = slice(start, start + len(h))
        kept = everywhere[window]
        if not kept.any():
            return 0.0, np.zeros_like(h), zeros_like(params)
        y = forward(params, h)
        share = kept.sum() / kept_in_all
        dy = loss_gradient(y, target[window], kept) * share
        grads, dh = backward(params, h, dy.astype(y.dtype, copy=False))
        return loss(y, target[window], kept) * share, dh, grads

    return of_window


def check_window(params: Readout, h: Array, start: int, everywhere: Array) -> None:
    """Raise ValueError unless the window of states lies within the target: past its end nothing would be learnt."""
    check_readout(params, h)
    T, N = everywhere.shape
    if not 0 <= start <= T - len(h) or h.shape[1] != N:
        raise ValueError(f"h has shape {h.shape} from start = {start} on, expected steps within (T, N) = ({T}, {N})")
