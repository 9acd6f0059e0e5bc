"""A leaky cell: another cell than the RNN, for cases that show whether a loop really uses its `cell`.

    c_t = x_t W_xh + h_{t-1} W_hh + b_h + decay * c_{t-1},        h_t = tanh c_t

Its state has two parts, like the LSTM's.  Its parameters begin with W_xh, W_hh and b_h, as every
cell's of the course do, so that sizes may be read off them; a fourth follows, as in the GRU.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them."""

    W_xh: Array  # (D, H)
    W_hh: Array  # (H, H)
    b_h: Array  # (H,)
    decay: Array  # (H,)


class State(NamedTuple):
    """What one step hands to the next, or a gradient with respect to it."""

    h: Array  # (N, H)
    c: Array  # (N, H)


class Cache(NamedTuple):
    """What one step remembers for its way back."""

    x: Array  # (N, D)
    h_prev: Array  # (N, H)
    c_prev: Array  # (N, H)
    h: Array  # (N, H)


def zero_state(params: Params, N: int) -> State:
    """Return the state of N sequences before their first step: zeros."""
    zeros = np.zeros((N, len(params.decay)), params.decay.dtype)
    return State(zeros, zeros.copy())


def step(params: Params, x: Array, state: State) -> tuple[State, Cache]:
    """Take one step."""
    c = x @ params.W_xh + state.h @ params.W_hh + params.b_h + params.decay * state.c
    h = np.tanh(c)
    return State(h, c), Cache(x, state.h, state.c, h)


def step_backward(params: Params, cache: Cache, dstate: State) -> tuple[Params, Array, State]:
    """Take one step back."""
    dc = dstate.h * (1 - cache.h**2) + dstate.c
    grads = Params(cache.x.T @ dc, cache.h_prev.T @ dc, dc.sum(axis=0), (cache.c_prev * dc).sum(axis=0))
    return grads, dc @ params.W_xh.T, State(dc @ params.W_hh.T, dc * params.decay)
