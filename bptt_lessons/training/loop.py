"""The training loop: gradient, update, again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from bptt_lessons.arguments import Array, check_callable, check_has
from bptt_lessons.training import losses, readout

M = TypeVar("M")
Batch = TypeVar("Batch")


class Model(NamedTuple):
    """A recurrent net: parameters of a cell and of its readout, or a gradient of both."""

    cell: Any
    readout: readout.Readout


class Fitted(NamedTuple):
    """What training leaves behind."""

    model: Any
    losses: list[float]  # before each update


def predict(cell: Any, model: Model, x: Array) -> Array:
    """Run a model over x (T, N, D) from a zero state; return y (T, N, K).

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_model(cell, model)
    h, _, _ = cell.forward(model.cell, x)
    return readout.forward(model.readout, h)


def loss_and_gradient(
    cell: Any,
    model: Model,
    x: Array,
    target: Array,
    mask: Array | None = None,
    loss: Callable[..., Any] = losses.mse,
    loss_gradient: Callable[..., Array] = losses.mse_gradient,
) -> tuple[float, Model]:
    """Loss of a model on one batch and its gradient by full BPTT from a zero state.

    Parameters
    ----------
    cell : module or the like
        With `forward` and `backward`, such as ``rnn``.
    model : Model
    x : array (T, N, D)
    target, mask
        As `loss` takes them.
    loss, loss_gradient : callable
        A pair from ``losses``.

    Returns
    -------
    value : float
    grads : Model

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_model(cell, model)
    check_has("cell", cell, "backward")
    check_callable("loss", loss)
    check_callable("loss_gradient", loss_gradient)
    h, _, tape = cell.forward(model.cell, x)
    y = readout.forward(model.readout, h)
    readout_grads, dh = readout.backward(model.readout, h, loss_gradient(y, target, mask))
    cell_grads, _, _ = cell.backward(model.cell, tape, dh)
    return float(loss(y, target, mask)), Model(cell_grads, readout_grads)


def fit(
    model: M,
    batches: Iterable[Batch],
    gradient: Callable[[M, Batch], tuple[float, M]],
    update: Callable[[M, M], M],
    on_update: Callable[[int, float], None] | None = None,
) -> Fitted:
    """Train: one update for every batch.

    Parameters
    ----------
    model : nested NamedTuple of arrays
        Where to start; left as it is.
    batches : iterable
        Anything `gradient` takes; its length is the length of the training.
    gradient : callable
        ``gradient(model, batch) -> loss, grads``.
    update : callable
        ``update(model, grads) -> model``, such as ``lambda m, g: sgd(m, g, 0.1)``.
    on_update : callable, optional
        Called as ``on_update(updates_done, loss)``, for a progress bar.

    Returns
    -------
    Fitted

    Raises
    ------
    ValueError
        If the loss is no longer finite: training has diverged.  Or if `batches` cannot be
        run through, or one of the functions is none.
    """
    check_training(batches, gradient, update, on_update)
    history: list[float] = []
    for batch in batches:
        value, grads = gradient(model, batch)
        if not np.isfinite(value):
            raise ValueError(
                f"the loss is {value} at update {len(history) + 1}: training diverged; lower lr or clip the gradient"
            )
        model = update(model, grads)
        history.append(value)
        if on_update is not None:
            on_update(len(history), value)
    return Fitted(model, history)


def check_model(cell: Any, model: Model) -> None:
    """Raise ValueError unless `cell` runs forward and `model` is a Model."""
    check_has("cell", cell, "forward")
    if not isinstance(model, Model):
        raise ValueError(f"model must be loop.Model(cell, readout), got {type(model).__name__}")


def check_training(batches: object, gradient: object, update: object, on_update: object) -> None:
    """Raise ValueError unless `batches` can be run through and the rest are functions."""
    if not isinstance(batches, Iterable):
        raise ValueError(f"batches must be something to loop over, such as a list, got {type(batches).__name__}")
    check_callable("gradient", gradient)
    check_callable("update", update)
    if on_update is not None:
        check_callable("on_update", on_update)
