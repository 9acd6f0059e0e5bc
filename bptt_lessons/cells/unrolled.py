"""The unrolled loop, for any cell: the same step again and again, forward and back.

These are the textbook loops.  They are what learners write, and the oracle for each
cell's own fast `forward` and `backward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import (
    Array,
    check_array,
    check_has,
    check_no_nan,
    check_precision,
    check_start,
    name_of,
    shown,
)


class Cell(Protocol):
    """What the loops need of a cell: the modules ``rnn``, ``lstm`` and ``gru`` are cells."""

    @property
    def zero_state(self) -> Any: ...

    @property
    def step(self) -> Any: ...

    @property
    def step_backward(self) -> Any: ...


class Looped(NamedTuple):
    """A cell that has steps only, with the loops of this module as its `forward` and `backward`."""

    zero_state: Any
    step: Any
    step_backward: Any
    forward: Any
    backward: Any


def looped(cell: Cell) -> Looped:
    """Give a cell that has only steps the `forward` and `backward` of a whole sequence.

    What works on whole sequences (truncation, checkpointing, training) takes any cell this way.
    """
    check_has("cell", cell, "zero_state", "step", "step_backward")

    def forward_from(params: Any, x: Array, state0: Any = None) -> tuple[Array, Any, list[Any]]:
        check_array("x", x, "T N D")
        return forward(cell, params, x, cell.zero_state(params, x.shape[1]) if state0 is None else state0)

    return Looped(cell.zero_state, cell.step, cell.step_backward, forward_from, partial(backward, cell))


def hidden(state: Any) -> Array:
    """Return the hidden state h (N, H) of any cell's state: its field h, or the state itself."""
    h = getattr(state, "h", state)
    return check_array("state" if h is state else "state.h", h, "N H")


def add_to_hidden(dstate: Any, dh: Array) -> Any:
    """Return `dstate` with `dh` (N, H) added to its hidden part, `dstate` itself left alone."""
    check_array("dh", dh, "N H")
    check_array("dstate", getattr(dstate, "h", dstate), "N H", dict(zip("NH", dh.shape, strict=True)))
    check_precision(dstate=getattr(dstate, "h", dstate), dh=dh)
    return dstate._replace(h=dstate.h + dh) if hasattr(dstate, "h") else dstate + dh


def forward(cell: Cell, params: Any, x: Array, state0: Any) -> tuple[Array, Any, list[Any]]:
    """Unroll a cell over a sequence.

    Parameters
    ----------
    cell : Cell
        Anything with ``step(params, x, state) -> state, cache``.
    params : the cell's Params
    x : array (T, N, D)
    state0 : the cell's state
        Before the first step.

    Returns
    -------
    h : array (T, N, H)
        The hidden state after every step.
    state_T : the cell's state
    caches : list of T caches
    """
    check_forward(cell, params, x, state0)
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


def backward(cell: Cell, params: Any, caches: Sequence[Any], dh: Array, dstate_T: Any = None) -> tuple[Any, Array, Any]:
    """Backpropagate through the unrolled loop: the same steps, last first.

    Parameters
    ----------
    cell : Cell
        Anything with ``step_backward(params, cache, dstate) -> grads, dx, dstate_prev``.
    params : the cell's Params
    caches : sequence of T caches
        From `forward`.
    dh : array (T, N, H)
        The loss's own gradient at every step.
    dstate_T : like the cell's state, optional
        What reaches the last state from beyond it; zeros if left out.

    Returns
    -------
    grads : Params
    dx : array (T, N, D)
    dstate_0 : like the cell's state
    """
    check_backward(cell, params, caches, dh, dstate_T)
    grads = nested.zeros_like(params)
    dstate = cell.zero_state(params, dh.shape[1]) if dstate_T is None else dstate_T
    dx = []
    for cache, dh_t in zip(reversed(caches), dh[::-1], strict=True):
        dstate = add_to_hidden(dstate, dh_t)
        grads_t, dx_t, dstate = cell.step_backward(params, cache, dstate)
        grads = nested.add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dstate


def check_forward(cell: Cell, params: Any, x: Array, state0: Any) -> None:
    """Raise ValueError unless `forward` can take these."""
    check_has("cell", cell, "step")
    check_array("x", x, "T N D")
    check_no_nan("x", x)
    check_state("state0", cell, params, x.shape[1], state0)
    check_start("state0", state0, params)


def check_backward(cell: Cell, params: Any, caches: Sequence[Any], dh: Array, dstate_T: Any = None) -> None:
    """Raise ValueError unless `backward` can take these."""
    check_has("cell", cell, "zero_state", "step_backward")
    check_caches(caches)
    check_array("dh", dh, "T N H", {"T": len(caches)})
    check_params(params)
    N = _sequences_in(caches, dh.shape[1])
    h = hidden(cell.zero_state(params, N))
    check_array("dh", dh, "T N H", {"T": len(caches), "N": N, "H": h.shape[1]})
    check_precision(params=h, dh=dh)
    if dstate_T is not None:
        check_state("dstate_T", cell, params, N, dstate_T)


def check_params(params: Any, name: str = "params") -> None:
    """Raise ValueError unless `params` is a NamedTuple of arrays, as the parameters of any cell are."""
    if not hasattr(params, "_fields"):
        expected = "the cell's Params, such as rnn.Params(W_xh, W_hh, b_h)"
        raise ValueError(f"{name} must be {expected}, got {name_of(type(params))}")
    for place, array in nested.named_arrays(params, name):
        if not isinstance(array, (np.ndarray, np.generic)):
            raise ValueError(f"{place} must be a NumPy array, got {type(array).__name__}")


def check_state(name: str, cell: Any, params: Any, N: int, state: Any) -> None:
    """Raise ValueError unless `state` is built as the cell's zero state for N sequences is."""
    if not hasattr(params, "_fields"):
        check_params(params)
    if hasattr(cell, "zero_state"):
        _check_like(name, state, cell.zero_state(params, N))


def _check_like(name: str, state: Any, like: Any) -> None:
    if type(state) is type(like) is np.ndarray and state.shape == like.shape and state.dtype == like.dtype:
        return  # fast path: short windows call this often
    fields = getattr(like, "_fields", None)
    if fields is None:
        check_array(name, state, "N H", dict(zip("NH", like.shape, strict=True)))
        check_precision(**{"params": like, name: state})
        return
    if getattr(state, "_fields", None) != fields:
        raise ValueError(f"{name} must be {name_of(type(like))}({', '.join(fields)}), got {name_of(type(state))}")
    for field in fields:
        _check_like(f"{name}.{field}", getattr(state, field), getattr(like, field))


def check_dstate(cell: Any, params: Any, caches: Sequence[Any], dstate_T: Any) -> None:
    """Raise ValueError unless `dstate_T` is like the cell's state, for as many sequences as the caches are of."""
    h = check_array("dstate_T", getattr(dstate_T, "h", dstate_T), "N H")
    check_state("dstate_T", cell, params, _sequences_in(caches, len(h)), dstate_T)


def _sequences_in(caches: Sequence[Any], default: int) -> int:
    """Return N of the first cache's x, if it has one."""
    x = getattr(caches[0], "x", None)
    return len(x) if isinstance(x, np.ndarray) and x.ndim == 2 and len(x) else default


def check_caches(caches: object) -> None:
    """Raise ValueError unless `caches` is a list of at least one, and they may be caches."""
    if not isinstance(caches, (list, tuple)) or not caches:
        found = (
            f"{type(caches).__name__} of length {len(caches)}" if isinstance(caches, (list, tuple)) else shown(caches)
        )
        raise ValueError(f"caches must be a list of T caches, T at least 1, got {found}")
    for t, cache in enumerate(caches):
        if cache is None or isinstance(cache, (bool, int, float, complex, str, bytes, list)):
            raise ValueError(
                f"caches[{t}] must be a cache, such as rnn.Cache(x, h_prev, h), got {type(cache).__name__}"
            )
