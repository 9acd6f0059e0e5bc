"""The whole gradient of a loss summed over the steps: what truncation and checkpointing are measured against.

The loss is a function of a window of hidden states, so that only one window need be in memory::

    loss_gradient(h, start) -> loss, dh, extra

h (k, N, H) are the hidden states of steps start ... start + k - 1 (counted from 0), `loss`
is what these steps add to the whole loss, `dh` (k, N, H) its gradient, and `extra` the
gradient with respect to parameters of its own, such as the readout's; None if it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import (
    Array,
    check_array,
    check_callable,
    check_has,
    check_kind,
    check_no_nan,
    check_precision,
    check_start,
    kind_of,
    shown,
)
from bptt_lessons.cells.unrolled import Cell, check_params, check_state

NUMBER = (float, np.number, int, complex)

LossGradient = Callable[[Array, int], tuple[Any, Array, Any]]


class SequenceCell(Cell, Protocol):
    """A cell that runs over whole sequences as well: the modules ``rnn``, ``lstm`` and ``gru``, or ``looped(cell)``.

    The state that `forward` returns has memory of its own, so that keeping it does not keep the tape.
    """

    @property
    def forward(self) -> Any: ...

    @property
    def backward(self) -> Any: ...


class Gradient(NamedTuple):
    """A loss and its gradients, summed over windows."""

    loss: Any
    grads: Any  # of the cell's parameters
    extra: Any  # of the loss's own parameters; None if it has none


def add(a: Gradient, b: Gradient) -> Gradient:
    """Return the sum of two gradients."""
    check_gradients(a, b)
    return Gradient(a.loss + b.loss, nested.add(a.grads, b.grads), add_extra(a.extra, b.extra))


def add_extra(a: Any, b: Any) -> Any:
    """Return the sum of two gradients of the loss's own parameters; None is no gradient yet."""
    if a is None or b is None:
        return b if a is None else a
    return nested.add(a, b)


def full_gradient(cell: SequenceCell, params: Any, x: Array, state0: Any, loss_gradient: LossGradient) -> Gradient:
    """Full backpropagation through time: nothing cut, everything kept.

    Parameters
    ----------
    cell : SequenceCell
    params : the cell's Params
    x : array (T, N, D)
    state0 : the cell's state
        Before the first step; None for zeros.
    loss_gradient : callable
        ``loss_gradient(h, start) -> loss, dh, extra``; called once, with all T states.

    Returns
    -------
    Gradient
    """
    check_whole(cell, params, x, state0, loss_gradient)
    h, _, tape = cell.forward(params, x, state0)
    loss, dh, extra = loss_of(loss_gradient, h, 0)
    grads, _, _ = cell.backward(params, tape, dh)
    return Gradient(loss, grads, extra)


def loss_of(loss_gradient: LossGradient, h: Array, start: int) -> tuple[Any, Array, Any]:
    """Call the loss on a window of hidden states and check that its gradient fits them."""
    check_callable("loss_gradient", loss_gradient)
    if type(h) is not np.ndarray or h.ndim != 3 or h.dtype.kind not in "fc":
        check_array("h", h, "T N H")
    returned = loss_gradient(h, start)
    if not isinstance(returned, tuple) or len(returned) != 3 or not isinstance(returned[0], NUMBER):
        check_returned(returned)
    loss, dh, extra = returned
    fits = isinstance(dh, np.ndarray) and dh.ndim == 3 and dh.shape == h.shape and dh.dtype == h.dtype and dh.size > 0
    if not fits:  # fast path above: short windows call this often
        check_array("dh", dh, "T N H", dict(zip("TNH", check_array("h", h, "T N H").shape, strict=True)))
        check_precision(h=h, dh=dh)
    return loss, dh, extra


def check_whole(cell: Any, params: Any, x: Array, state0: Any, loss_gradient: Any, *functions: str) -> None:
    """Raise ValueError unless the cell has the `functions` it needs and the rest can be used.

    Code that calls `step` needs a first state.  For whole sequences None means zeros, and the cell itself
    looks for NaN in x, window by window.
    """
    check_has("cell", cell, *(functions or ("forward", "backward")))
    check_array("x", x, "T N D")
    check_callable("loss_gradient", loss_gradient)
    check_params(params)
    if "step" in functions:
        check_no_nan("x", x)
    if state0 is not None or "step" in functions:
        check_state("state0", cell, params, x.shape[1], state0)
        check_start("state0", state0, params)


def check_returned(returned: Any) -> None:
    """Raise ValueError unless this may be what a `loss_gradient` returns."""
    if not isinstance(returned, (tuple, list)) or len(returned) != 3:
        raise ValueError(f"loss_gradient must return loss, dh, extra, got {type(returned).__name__}")
    loss = returned[0]
    if isinstance(loss, int) and abs(loss) >= 2**1023:
        raise ValueError(f"loss_gradient must return loss, dh, extra with a loss within the floats, got {shown(loss)}")
    if not isinstance(loss, NUMBER) and not (isinstance(loss, np.ndarray) and loss.shape == ()):
        raise ValueError(f"loss_gradient must return loss, dh, extra with one number as the loss, got {kind_of(loss)}")


def check_gradients(a: object, b: object) -> None:
    """Raise ValueError unless `add` can take these."""
    for name, gradient in {"a": a, "b": b}.items():
        check_kind(name, gradient, Gradient)
        assert isinstance(gradient, Gradient)
        nested.check_alike(**{f"{name}.loss": gradient.loss})
        if isinstance(gradient.loss, int) and abs(gradient.loss) >= 2**1023:
            raise ValueError(f"{name}.loss must be within the floats, got {shown(gradient.loss)}")
