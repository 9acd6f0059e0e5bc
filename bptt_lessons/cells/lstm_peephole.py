"""The LSTM with peepholes: the gates see the cell state, each unit its own.

    i_t = σ(z_i + w_ci ⊙ c_{t-1}),  f_t = σ(z_f + w_cf ⊙ c_{t-1}),  o_t = σ(z_o + w_co ⊙ c_t)

All else is ``lstm``.  ``unrolled.looped(lstm_peephole)`` has `forward` and `backward`.

Source: Gers and Schmidhuber 2000.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Arguments, Array, check_fits
from bptt_lessons.cells import lstm
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.lstm import State


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them; columns in the order i, f, g, o."""

    W_xh: Annotated[Array, "D 4H"]
    W_hh: Annotated[Array, "H 4H"]
    b_h: Annotated[Array, "4H"]
    w_ci: Annotated[Array, "H"]
    w_cf: Annotated[Array, "H"]
    w_co: Annotated[Array, "H"]


class Cache(NamedTuple):
    """What one step remembers for its backward pass."""

    x: Annotated[Array, "N D"]
    h_prev: Annotated[Array, "N H"]
    c_prev: Annotated[Array, "N H"]
    i: Annotated[Array, "N H"]
    f: Annotated[Array, "N H"]
    g: Annotated[Array, "N H"]
    o: Annotated[Array, "N H"]
    c: Annotated[Array, "N H"]
    tanh_c: Annotated[Array, "N H"]


def init(rng: np.random.Generator, D: int, H: int, forget_bias: float = 1.0, dtype: Any = np.float64) -> Params:
    """Draw what ``lstm.init`` draws; the peepholes start at zero, so at first this is the plain LSTM."""
    return Params(*lstm.init(rng, D, H, forget_bias, dtype), *np.zeros((3, H), dtype))


check_params = Arguments(params=Params)


def zero_state(params: Params, N: int) -> State:
    """Return the state of N sequences before their first step: h and c are zeros of shape (N, H)."""
    check_params(params)
    zeros = np.zeros(check_fits(N=N, H=len(params.W_hh)), np.result_type(*params))
    return State(zeros, zeros.copy())


check_step = Arguments(params=Params, x="N D", state=State)


def step(params: Params, x: Array, state: State) -> tuple[State, Cache]:
    """Take one step: h_t and c_t (N, H) from x_t (N, D), h_{t-1} and c_{t-1}."""
    check_step(params, x, state)
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g = sigmoid(z_i + params.w_ci * c_prev), sigmoid(z_f + params.w_cf * c_prev), np.tanh(z_g)
    c = f * c_prev + i * g
    o = sigmoid(z_o + params.w_co * c)
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, c, tanh_c)


check_step_backward = Arguments(params=Params, cache=Cache, dstate=State)


def step_backward(params: Params, cache: Cache, dstate: State) -> tuple[Params, Array, State]:
    """Take one step back from dL/dh_t, whole, and what reaches c_t from step t + 1; return grads, dx, dstate_prev."""
    check_step_backward(params, cache, dstate)
    x, h_prev, c_prev, i, f, g, o, c, tanh_c = cache
    dh, dc = dstate
    dz_o = dh * tanh_c * o * (1 - o)
    dc = dc + dh * o * (1 - tanh_c**2) + dz_o * params.w_co  # a third path into c_t: through the output gate
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_prev * f * (1 - f)
    dz_g = dc * i * (1 - g**2)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(
        W_xh=x.T @ dz,
        W_hh=h_prev.T @ dz,
        b_h=dz.sum(axis=0),
        w_ci=(dz_i * c_prev).sum(axis=0),
        w_cf=(dz_f * c_prev).sum(axis=0),
        w_co=(dz_o * c).sum(axis=0),
    )
    dc_prev = dc * f + dz_i * params.w_ci + dz_f * params.w_cf
    return grads, dz @ params.W_xh.T, State(h=dz @ params.W_hh.T, c=dc_prev)
