"""Truncated backpropagation through time, in the several forms that go by this name.

The gradient is a sum over pairs (t, s): what the loss at step t owes to the use of the
parameters at step s ≤ t.  Full BPTT sums all of them; every truncation leaves some out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import Array, check_flag, check_plain, check_share, check_size, kind_of, shown
from bptt_lessons.cells import unrolled
from bptt_lessons.cells.unrolled import Cell, add_to_hidden
from bptt_lessons.gradients.bptt import Gradient, LossGradient, SequenceCell, add_extra, check_whole, loss_of


def windows(T: int, k: int) -> list[tuple[int, int]]:
    """Cut steps 0 ... T - 1 into windows of k; what is left over at the end is a shorter one.

    Parameters
    ----------
    T, k : int
        At least 1.

    Returns
    -------
    list of (start, stop)
        As slices take them: together they cover every step once.
    """
    T, k = check_size("T", T), check_size("k", k)
    return [(start, min(start + k, T)) for start in range(0, T, k)]


def stream_batches(stream: Array, N: int) -> Array:
    """Lay out one long stream as N sequences side by side.

    Parameters
    ----------
    stream : array (L, ...)
        L steps; what each step holds may have any shape and dtype.
    N : int
        At most L.

    Returns
    -------
    array (T, N, ...)
        T = L // N.  Column n is the n-th piece of the stream, so that a column continues the stream
        from row to row, and a state carried from one window fits the next.  The last
        L - T·N steps are left out.
    """
    N = check_stream(stream, N)
    T = len(stream) // N
    return stream[: T * N].reshape(N, T, *stream.shape[1:]).swapaxes(0, 1)


def windowed_gradient(
    cell: SequenceCell,
    params: Any,
    x: Array,
    state0: Any,
    loss_gradient: LossGradient,
    k: int,
    carry: bool = True,
) -> Gradient:
    """Truncate at the edges of windows: the state goes from one to the next, the gradient does not.

    Parameters
    ----------
    cell : SequenceCell
    params : the cell's Params
    x : array (T, N, D)
        Read window by window, so it may be a memory map.
    state0 : the cell's state
    loss_gradient : callable
        ``loss_gradient(h, start) -> loss, dh, extra``, called once for every window.
    k : int
        Steps in a window; with k ≥ T this is full BPTT.
    carry : bool, optional
        False starts every window from zeros instead (and only the first from `state0`).

    Returns
    -------
    Gradient
        Summed over the windows; no more than two of them are in memory at a time.
    """
    k = check_windowed(cell, params, x, state0, loss_gradient, k, carry)
    loss, grads, extra = 0.0, nested.zeros_like(params), None
    state = state0
    for start in range(0, len(x), k):
        h, state, tape = cell.forward(params, x[start : start + k], state)
        loss_k, dh, extra_k = loss_of(loss_gradient, h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, nested.add(grads, grads_k), add_extra(extra, extra_k)
        state = state if carry else None
    return Gradient(loss, grads, extra)


def sliding_gradient(
    cell: Cell, params: Any, x: Array, state0: Any, loss_gradient: LossGradient, k1: int, k2: int
) -> Gradient:
    """Every k1 steps go back k2: TBPTT(k1, k2).

    Sources: Williams and Peng 1990; Sutskever 2013.

    Parameters
    ----------
    cell : Cell
    params : the cell's Params
    x : array (T, N, D)
    state0 : the cell's state
    loss_gradient : callable
        ``loss_gradient(h, start) -> loss, dh, extra``, called once for every k1 steps.
    k1, k2 : int
        1 ≤ k1 ≤ k2.  Each step's loss counts once, at the first multiple e of k1 that is not
        before it (counting steps from 1; the last e is T), and reaches back to the uses of
        the parameters at steps e - k2 + 1 ... e.

    Returns
    -------
    Gradient
        No more than k1 + k2 steps are in memory at a time.  With k1 = k2, a divisor of T, it is that of
        windows with carry; with k1 = 1 every loss reaches back k2 steps.
    """
    k1, k2 = check_sliding(cell, params, x, state0, loss_gradient, k1, k2)
    loss, grads, extra = 0.0, nested.zeros_like(params), None
    state = state0
    caches: deque[Any] = deque(maxlen=k2)  # of the last k2 steps
    for start in range(0, len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start : start + k1], state)
        caches.extend(new)
        loss_k, dh, extra_k = loss_of(loss_gradient, h, start)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
        dh_back = np.concatenate([np.zeros_like(dh, shape=(len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, list(caches), dh_back)
        grads = nested.add(grads, grads_k)
    return Gradient(loss, grads, extra)


def contributions(cell: Cell, params: Any, caches: Sequence[Any], dh: Array) -> Any:
    """Take the gradient apart: what each step's loss owes to each use of the parameters.

    Parameters
    ----------
    cell : Cell
    params : the cell's Params
    caches : sequence of T caches
        From ``unrolled.forward``.
    dh : array (T, N, H)
        The loss's own gradient at every step.

    Returns
    -------
    the type of `params`
        Every array has two axes (T, T) in front: [t, s] is the part of L_t that passes
        through the use at step s, zero for s > t.  The sum over both is the gradient.
    """
    unrolled.check_backward(cell, params, caches, dh)
    T, N = dh.shape[:2]
    parts = nested.map_arrays(lambda p: np.zeros((T, T, *p.shape), np.result_type(dh, *params)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


def randomised_gradient(
    cell: Cell,
    params: Any,
    x: Array,
    state0: Any,
    loss_gradient: LossGradient,
    cuts: Sequence[int],
    probability: float,
) -> Gradient:
    """Cut at random places, and weigh what passes so that the mean over the places is the full gradient.

    Source: Tallec and Ollivier 2017, with one probability for all places.

    Parameters
    ----------
    cell : Cell
    params : the cell's Params
    x : array (T, N, D)
    state0 : the cell's state
    loss_gradient : callable
        ``loss_gradient(h, start) -> loss, dh, extra``.
    cuts : sequence of int
        Steps (counted from 0, 1 ... T - 1, in rising order) before which the backward pass is cut.
    probability : float
        With which each of the T - 1 places was cut, from 0 to below 1.

    Returns
    -------
    Gradient
        Where it is not cut, the gradient that goes from one step to the step before is divided
        by 1 - `probability`.
    """
    passes = 1 - check_randomised(cell, params, x, state0, loss_gradient, cuts, probability)
    loss, grads, extra = 0.0, nested.zeros_like(params), None
    state = state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_of(loss_gradient, h, start)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
        dstate = cell.zero_state(params, h.shape[1])
        for cache, dh_t in zip(reversed(caches), dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = nested.map_arrays(lambda d: d / passes, dstate)
            grads = nested.add(grads, grads_t)
    return Gradient(loss, grads, extra)


def summed(parts: Any, weights: Array) -> Any:
    """Sum contributions [t, s] with a weight for each: a mask, or what `kept_by_cuts` gives.

    Parameters
    ----------
    parts : Params
        From `contributions`.
    weights : array (T, T), bool or real

    Returns
    -------
    the type of `parts`
        Without the two leading axes.
    """
    check_parts(parts, weights)
    return nested.map_arrays(lambda part: np.tensordot(weights.astype(part.real.dtype), part, 2), parts)


def kept_by_windows(T: int, k: int) -> Array:
    """Mask (T, T) of the contributions [t, s] that windows with a carried state keep."""
    T, k = check_size("T", T), check_size("k", k)
    t = np.arange(T)
    kept: Array = (t <= t[:, None]) & (t // k == t[:, None] // k)
    return kept


def kept_by_sliding(T: int, k1: int, k2: int) -> Array:
    """Mask (T, T) of the contributions [t, s] that `sliding_gradient` keeps."""
    T, (k1, k2) = check_size("T", T), check_horizon(k1, k2)
    t = np.arange(T)
    end = np.minimum((t // k1 + 1) * k1, T)
    kept: Array = (t <= t[:, None]) & (t >= end[:, None] - k2)
    return kept


def kept_by_cuts(T: int, cuts: Sequence[int], probability: float) -> Array:
    """Weights (T, T) of the contributions [t, s] in `randomised_gradient`: 0 beyond a cut, else (1 - p)^-(t - s)."""
    T = check_size("T", T)
    probability = check_cuts(T, cuts, probability)
    t = np.arange(T)
    piece = np.searchsorted(cuts, t, side="right")
    lag = t[:, None] - t
    weights: Array = np.where((lag >= 0) & (piece == piece[:, None]), (1 - probability) ** -np.maximum(lag, 0.0), 0.0)
    return weights


def check_stream(stream: object, N: object) -> int:
    """Return N as an int if `stream_batches` can take these, else raise ValueError."""
    if not isinstance(stream, np.ndarray) or stream.ndim < 1 or stream.size == 0:
        found = f"shape {stream.shape}" if isinstance(stream, np.ndarray) else type(stream).__name__
        raise ValueError(f"stream has {found}, expected a NumPy array (L, ...) of at least one step")
    check_plain("stream", stream)
    sequences = check_size("N", N)
    if sequences > len(stream):
        raise ValueError(f"N must be at most L: stream has shape {stream.shape}, N is {N}")
    return sequences


def check_windowed(
    cell: Any, params: Any, x: Array, state0: Any, loss_gradient: Any, k: int, carry: bool = True
) -> int:
    """Return k as an int if `windowed_gradient` can take these, else raise ValueError."""
    check_flag("carry", carry)
    check_whole(cell, params, x, state0, loss_gradient)
    return check_size("k", k)


def check_sliding(
    cell: Any, params: Any, x: Array, state0: Any, loss_gradient: Any, k1: int, k2: int
) -> tuple[int, int]:
    """Return k1 and k2 as ints if `sliding_gradient` can take these, else raise ValueError."""
    check_whole(cell, params, x, state0, loss_gradient, "zero_state", "step", "step_backward")
    return check_horizon(k1, k2)


def check_horizon(k1: int, k2: int) -> tuple[int, int]:
    """Return both as ints if 1 ≤ k1 ≤ k2, else raise ValueError."""
    if check_size("k1", k1) > check_size("k2", k2):
        raise ValueError(f"k1 must be at most k2, or some steps' uses are never reached; got k1 = {k1}, k2 = {k2}")
    return int(k1), int(k2)


def check_randomised(
    cell: Any, params: Any, x: Array, state0: Any, loss_gradient: Any, cuts: Sequence[int], probability: float
) -> float:
    """Return the probability if `randomised_gradient` can take these, else raise ValueError."""
    check_whole(cell, params, x, state0, loss_gradient, "zero_state", "step", "step_backward")
    return check_cuts(len(x), cuts, probability)


def check_cuts(T: int, cuts: Sequence[int], probability: float) -> float:
    """Return the probability if `cuts` rise from 1 to T - 1 and it is in [0, 1), else raise ValueError."""
    share = check_share("probability", probability)  # a plain float keeps float32
    line = isinstance(cuts, np.ndarray) and cuts.ndim == 1
    if not line and (not isinstance(cuts, Sequence) or isinstance(cuts, (str, bytes))):
        raise ValueError(f"cuts must be a sequence of whole numbers, got {kind_of(cuts)}")
    places = [check_size("cuts", cut) for cut in cuts]
    if any(a >= b for a, b in pairwise([0, *places, T])):
        raise ValueError(f"cuts must rise, from 1 to at most T - 1 = {T - 1}, got {shown(places)}")
    return share


def check_parts(parts: Any, weights: Any) -> None:
    """Raise ValueError unless `summed` can take these."""
    if not isinstance(weights, np.ndarray) or weights.dtype.kind not in "biuf":
        raise ValueError(f"weights has {kind_of(weights)}, expected a bool or real array (T, T)")
    check_plain("weights", weights)
    for name, part in nested.named_arrays(parts, "parts"):
        if not isinstance(part, np.ndarray) or part.dtype.kind not in "fc":
            raise ValueError(f"{name} has {kind_of(part)}, expected a floating array (T, T, ...)")
        check_plain(name, part)
        if part.ndim < 2 or part.shape[0] != part.shape[1]:
            raise ValueError(f"{name} has shape {part.shape}, expected (T, T, ...); weights has shape {weights.shape}")
        if weights.shape != part.shape[:2] or not weights.size:
            raise ValueError(
                f"weights has shape {weights.shape}, expected (T, T) = {part.shape[:2]}, T at least 1, as {name} has it"
            )
