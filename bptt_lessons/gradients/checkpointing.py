"""Checkpointing: keep a few states, and compute the others again when the backward pass needs them.

How much must be run again depends on which states are kept.  A *slot* has room for one of
them.  ``keeps="state"``: a slot holds a hidden state, and the state before the first step
takes one slot as well.  ``keeps="step"``: a slot holds all that one step back needs, and
the state before the first step costs no slot.  (The first is the classical count of Griewank 1992; the second
reproduces what the abstract of Gruslys et al. 2016 states.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import comb, isqrt
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import Arguments, Array, check_size, kind_of, shown
from bptt_lessons.cells.unrolled import Cell, add_to_hidden, hidden
from bptt_lessons.gradients.bptt import Gradient, LossGradient, SequenceCell, add_extra, check_whole, loss_of


class Action(NamedTuple):
    """One thing that a schedule does.

    - ``keep state``: run from what is kept at `start` to `stop`, and keep the state there.
    - ``keep step``: the same, but keep the cache of step `stop` as well.
    - ``back``: run from what is kept at `start` to `stop`, and backpropagate step `stop`.
      If its cache was kept, `start` is `stop`, and there is nothing to run.
    - ``drop``: empty the slot of what was kept at `stop`.
    """

    kind: str
    start: int  # 0 is the state before the first step, t the state after step t
    stop: int


check_sizes = Arguments(T=check_size, N=check_size, D=check_size, H=check_size, itemsize=check_size)


def tape_bytes(T: int, N: int, D: int, H: int, itemsize: int = 8) -> int:
    """Bytes of what BPTT through the plain cell holds: T inputs, and T + 1 states.

    Parameters
    ----------
    T, N, D, H : int
        Steps, sequences, inputs, hidden units.
    itemsize : int, optional
        Bytes of one number: 8 for float64, 4 for float32.

    Returns
    -------
    int
        The sum of ``x`` (T, N, D), which is the caller's, and the states h_0 ... h_T, each (N, H).
    """
    T, N, D, H, itemsize = check_sizes(T, N, D, H, itemsize)
    return itemsize * N * (T * D + (T + 1) * H)


def backward_sqrt(
    cell: SequenceCell, params: Any, x: Array, state0: Any, loss_gradient: LossGradient, segment: int | None = None
) -> Gradient:
    """Full BPTT with about √T states kept: the backward pass runs every segment a second time.

    Source: Chen et al. 2016.

    Parameters
    ----------
    cell : SequenceCell
    params : the cell's Params
    x : array (T, N, D)
    state0 : the cell's state
        None for zeros.
    loss_gradient : callable
        ``loss_gradient(h, start) -> loss, dh, extra``, called once for every segment, the last first.
    segment : int, optional
        Steps between two kept states; √T, rounded up, if left out.

    Returns
    -------
    Gradient
        That of ``bptt.full_gradient``.
    """
    length = check_segment(cell, params, x, state0, loss_gradient, segment)
    starts = range(0, len(x), length)
    kept = [cell.zero_state(params, x.shape[1]) if state0 is None else state0]
    for start in starts[:-1]:
        _, state, _ = cell.forward(params, x[start : start + length], kept[-1])
        kept.append(state)
    loss, grads, extra, dstate = 0.0, nested.zeros_like(params), None, None
    for start in reversed(starts):
        h, _, tape = cell.forward(params, x[start : start + length], kept.pop())
        loss_k, dh, extra_k = loss_of(loss_gradient, h, start)
        grads_k, _, dstate = cell.backward(params, tape, dh, dstate)
        loss, grads, extra = loss + loss_k, nested.add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


def forward_cost(T: int, slots: int, keeps: str = "state") -> int:
    """Least number of forward steps with which T steps can be backpropagated, by dynamic programming.

    With slots for states: C(t, m) = min over 1 ≤ y < t of y + C(t - y, m - 1) + C(y, m).
    With slots for steps:  C(t, m) = min over 1 ≤ y ≤ t of y + C(t - y, m - 1) + C(y - 1, m).
    C(t, 1) = t (t + 1) / 2 in both.  (Griewank 1992; Gruslys et al. 2016)

    Parameters
    ----------
    T, slots : int
        At least 1.  Time grows as T² · slots: see `closed_form` beyond a thousand steps.
    keeps : "state" or "step", optional

    Returns
    -------
    int
    """
    T, slots = check_cost(T, slots, keeps)
    beyond = 0 if keeps == "state" else 1  # step y itself need not be run again if it is kept
    t = np.arange(T + 1)
    cost = t * (t + 1) // 2  # C(t, 1) for every t from 0 to T
    for _ in range(min(slots, T) - 1):
        fewer, cost = cost, np.minimum(t, 1)  # C(t, m - 1), and C(t, m), known so far for t = 0 and 1
        for n in range(2, T + 1):
            y = t[1 : n + beyond]
            cost[n] = np.min(y + fewer[n - y] + cost[y - beyond])
    return int(cost[T])


def closed_form(T: int, slots: int, keeps: str = "state") -> int:
    """Return the number that `forward_cost` gives, from binomial coefficients, for any T.

    With r the least number for which C(m + r, r) ≥ t, let p(t, m) = r t - C(m + r, r - 1)
    (Griewank and Walther 2000).  Slots for states cost T + p(T, m), slots for steps p(T + 1, m).

    Parameters and errors are those of `forward_cost`.
    """
    T, slots = check_cost(T, slots, keeps)
    return _cost(T, slots, keeps)


def schedule(T: int, slots: int, keeps: str = "state") -> Iterator[Action]:
    """Yield the actions that backpropagate T steps with the fewest forward steps.

    Parameters and errors are those of `forward_cost`; any T will do.
    """
    T, slots = check_cost(T, slots, keeps)
    return _with_states(T, slots) if keeps == "state" else _with_steps(T, slots)


def backward(
    cell: Cell,
    params: Any,
    x: Array,
    state0: Any,
    loss_gradient: LossGradient,
    actions: Iterable[Action],
) -> Gradient:
    """Full BPTT that does what a schedule says.

    Parameters
    ----------
    cell : Cell
    params : the cell's Params
    x : array (T, N, D)
    state0 : the cell's state
    loss_gradient : callable
        ``loss_gradient(h, start) -> loss, dh, extra``, called once for every step, the last first.
    actions : iterable of Action
        Such as ``schedule(len(x), slots)``.

    Returns
    -------
    Gradient
        That of ``bptt.full_gradient``.
    """
    check_whole(cell, params, x, state0, loss_gradient, "zero_state", "step", "step_backward")
    loss, grads, extra = 0.0, nested.zeros_like(params), None
    dstate = cell.zero_state(params, x.shape[1])
    kept = {0: (state0, None)}
    for kind, start, stop in check_actions(actions, len(x)):
        if kind == "drop":
            del kept[stop]
            continue
        state, cache = kept[start]
        for x_t in x[start:stop]:
            state, cache = cell.step(params, x_t, state)
        if kind != "back":
            kept[stop] = (state, cache if kind == "keep step" else None)
        else:
            loss_t, dh, extra_t = loss_of(loss_gradient, hidden(state)[None], stop - 1)
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            loss, grads, extra = loss + loss_t, nested.add(grads, grads_t), add_extra(extra, extra_t)
    return Gradient(loss, grads, extra)


def _with_states(T: int, slots: int) -> Iterator[Action]:
    """Yield the schedule of `schedule` where slots hold states; one of them holds that before the first step."""
    left: list[tuple[int, int, int]] = []  # parts still to do: start, steps, slots
    a, t, m = 0, T, slots
    while True:
        while t > 1 and m > 1:
            y = _split(t, m, "state")
            yield Action("keep state", a, a + y)
            left.append((a, y, m))
            a, t, m = a + y, t - y, m - 1
        for stop in range(a + t, a, -1):
            yield Action("back", a, stop)
        if not left:
            return
        yield Action("drop", a, a)
        a, t, m = left.pop()


def _with_steps(T: int, slots: int) -> Iterator[Action]:
    """Yield the schedule of `schedule` where slots hold steps."""
    left: list[tuple[int, int, int]] = []
    a, t, m = 0, T, slots
    while True:
        while t > 0:
            y = _split(t, m, "step")
            yield Action("keep step", a, a + y)
            left.append((a, y - 1, m))
            a, t, m = a + y, t - y, m - 1
        if not left:
            return
        a, t, m = left.pop()
        yield Action("back", a + t + 1, a + t + 1)
        yield Action("drop", a + t + 1, a + t + 1)


@lru_cache(maxsize=4096)  # the same few parts recur
def _split(t: int, m: int, keeps: str) -> int:
    """Return the first y at which the minimum of `forward_cost` lies: its terms fall, then rise, with y."""
    beyond = 0 if keeps == "state" else 1  # slots for steps: step y itself needs no running again
    if m == 1:
        return t  # only slots for steps come here: the one slot is for the last step

    def cost(y: int) -> int:
        return y + _cost(t - y, m - 1, keeps) + _cost(y - beyond, m, keeps)

    low, high = 1, t - 1 + beyond
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if cost(middle) <= cost(middle + 1) else (middle + 1, high)
    return low


def _cost(t: int, m: int, keeps: str) -> int:
    """Return the closed form: the forward steps that t steps cost with m slots."""
    if t == 0:
        return 0
    if keeps == "step":
        return _repeats(t + 1, m)
    return t + _repeats(t, m)


def _repeats(t: int, m: int) -> int:
    """Return p(t, m) = r t - C(m + r, r - 1), r the least with C(m + r, r) ≥ t."""
    r = 0
    while comb(m + r, r) < t:
        r += 1
    return r * t - (comb(m + r, r - 1) if r else 0)


def check_cost(T: int, slots: int, keeps: str) -> tuple[int, int]:
    """Return T and slots as ints if `forward_cost` can take these, else raise ValueError."""
    if not isinstance(keeps, str) or keeps not in ("state", "step"):
        raise ValueError(f"keeps must be 'state' or 'step', got {shown(keeps)}")
    return check_size("T", T), check_size("slots", slots)


def check_segment(cell: Any, params: Any, x: Array, state0: Any, loss_gradient: Any, segment: int | None) -> int:
    """Return the steps of a segment if `backward_sqrt` can take these, else raise ValueError."""
    check_whole(cell, params, x, state0, loss_gradient, "zero_state", "forward", "backward")
    return isqrt(len(x) - 1) + 1 if segment is None else check_size("segment", segment)


def check_actions(actions: Iterable[Action], T: int) -> Iterator[Action]:
    """Yield the actions if they backpropagate T steps, the last first, from what they keep; else raise ValueError."""
    if not isinstance(actions, Iterable) or (isinstance(actions, np.ndarray) and actions.ndim == 0):
        raise ValueError(f"actions must be such as schedule(T, slots) gives, got {kind_of(actions)}")
    kept, left = {0: False}, T  # whether a slot holds a cache as well; the steps still to be backpropagated
    for action in actions:
        kind, start, stop = action if _is_action(action) else ("", 0, 0)
        ready = {
            "keep state": start in kept and start < stop <= T,
            "keep step": start in kept and start < stop <= T,
            "back": start in kept and stop == left and (start < stop or (start == stop and kept[start])),
            "drop": stop in kept,
        }
        if not ready.get(kind, False):
            raise ValueError(
                f"actions: cannot do {shown(action)} with what is kept at {sorted(kept)}, {left} steps of T = {T} left"
            )
        if kind == "drop":
            del kept[stop]
        elif kind == "back":
            left -= 1
        else:
            kept[stop] = kind == "keep step"
        yield action
    if left:
        raise ValueError(f"actions leave the first {left} steps of T = {T} without a backward pass")


def _is_action(value: object) -> bool:
    """Say whether `value` is a kind and two steps, counted in whole numbers."""
    if not isinstance(value, tuple) or len(value) != 3 or not isinstance(value[0], str):
        return False
    return all(isinstance(step, (int, np.integer)) and not isinstance(step, bool) for step in value[1:])
