"""The LSTM with coupled gates: what comes in is what was forgotten, i = 1 - f.

All else is ``lstm``.  Its columns are f, g, o: a quarter fewer parameters.
``unrolled.looped(lstm_coupled)`` has `forward` and `backward`.

Source: Greff et al. 2017, variant CIFG.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Arguments, Array, check_fits
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.init import uniform
from bptt_lessons.cells.lstm import State, check_forget_bias


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them; columns in the order f, g, o."""

    W_xh: Annotated[Array, "D 3H"]
    W_hh: Annotated[Array, "H 3H"]
    b_h: Annotated[Array, "3H"]


class Cache(NamedTuple):
    """What one step remembers for its backward pass."""

    x: Annotated[Array, "N D"]
    h_prev: Annotated[Array, "N H"]
    c_prev: Annotated[Array, "N H"]
    f: Annotated[Array, "N H"]
    g: Annotated[Array, "N H"]
    o: Annotated[Array, "N H"]
    tanh_c: Annotated[Array, "N H"]


def init(rng: np.random.Generator, D: int, H: int, forget_bias: float = 1.0, dtype: Any = np.float64) -> Params:
    """Draw W_xh, then W_hh, uniformly between -1/√H and 1/√H; biases are zero but for the forget gate's."""
    check_forget_bias(forget_bias)
    D, H = check_fits(D=D, H=H)
    bound = H**-0.5
    W_xh = uniform(rng, D, 3 * H, bound, dtype)
    W_hh = uniform(rng, H, 3 * H, bound, dtype)
    b_h = np.zeros(3 * H, dtype)
    b_h[:H] = forget_bias
    return Params(W_xh, W_hh, b_h)


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
    z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 3, axis=1)
    f, g, o = sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + (1 - f) * g
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return State(h, c), Cache(x, h_prev, c_prev, f, g, o, tanh_c)


check_step_backward = Arguments(params=Params, cache=Cache, dstate=State)


def step_backward(params: Params, cache: Cache, dstate: State) -> tuple[Params, Array, State]:
    """Take one step back from dL/dh_t, whole, and what reaches c_t from step t + 1; return grads, dx, dstate_prev."""
    check_step_backward(params, cache, dstate)
    x, h_prev, c_prev, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_f = dc * (c_prev - g) * f * (1 - f)
    dz_g = dc * (1 - f) * (1 - g**2)
    dz_o = dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_f, dz_g, dz_o], axis=1)
    grads = Params(W_xh=x.T @ dz, W_hh=h_prev.T @ dz, b_h=dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(h=dz @ params.W_hh.T, c=dc * f)
