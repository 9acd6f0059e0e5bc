"""Training on a stream: one update for every window, the state carried on to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bptt_lessons.arguments import Array
from bptt_lessons.cells import rnn
from bptt_lessons.gradients.tbptt import windows
from bptt_lessons.training import losses, optim, readout
from bptt_lessons.training.loop import Model, Update

LossPair = tuple[Callable[..., Any], Callable[..., Array]]
MSE: LossPair = (losses.mse, losses.mse_gradient)
CROSS_ENTROPY: LossPair = (losses.softmax_cross_entropy, losses.softmax_cross_entropy_gradient)


def sgd(lr: float) -> Update:
    """Return plain gradient descent as an `Update`; it has no memory."""
    return lambda model, grads, memory: (optim.sgd(model, grads, lr), memory)


def train_on_stream(
    model: Model, memory: Any, update: Update, x: Array, target: Array, mask: Array | None, k: int, pair: LossPair
) -> tuple[Model, Any]:
    """Train the plain cell once over a stream in windows of k steps, its state carried from zeros.

    Parameters
    ----------
    model : Model
    memory : object
        The optimiser's.
    update : callable
        ``update(model, grads, memory) -> model, memory``.
    x : array (T, N, D)
    target, mask
        As the loss takes them.
    k : int
        Steps in a window: a loss reaches back to the window's start, not further.
    pair : a loss and its gradient

    Returns
    -------
    model, memory
    """
    h_prev = None
    for start, stop in windows(len(x), k):
        window = slice(start, stop)
        mask_here = None if mask is None else mask[window]
        h, h_prev, tape = rnn.forward(model.cell, x[window], h_prev)
        if mask_here is not None and not mask_here.any():
            continue
        _, dh, readout_grads = readout.loss_by_window(model.readout, target[window], mask_here, *pair)(h, 0)
        cell_grads, _, _ = rnn.backward(model.cell, tape, dh)
        model, memory = update(model, Model(cell_grads, readout_grads), memory)
    return model, memory
