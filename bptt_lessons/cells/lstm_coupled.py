"""The LSTM with coupled gates: what comes in is what was forgotten, i = 1 - f.

All else is ``lstm``.  Its columns are f, g, o: a quarter fewer parameters.
``unrolled.looped(lstm_coupled)`` has `forward` and `backward`.

Source: Greff et al. 2017, variant CIFG.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_array, check_fits, check_precision
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.init import uniform
from bptt_lessons.cells.lstm import State, check_forget_bias, check_state


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them; columns in the order f, g, o."""

    W_xh: Array  # (D, 3H)
    W_hh: Array  # (H, 3H)
    b_h: Array  # (3H,)


class Cache(NamedTuple):
    """What one step remembers for its way back."""

    x: Array  # (N, D)
    h_prev: Array  # (N, H)
    c_prev: Array  # (N, H)
    f: Array  # (N, H)
    g: Array  # (N, H)
    o: Array  # (N, H)
    tanh_c: Array  # (N, H)


def init(rng: np.random.Generator, D: int, H: int, forget_bias: float = 1.0, dtype: Any = np.float64) -> Params:
    """Draw W_xh, then W_hh, uniformly between -1/√H and 1/√H; biases are zero but for the forget gate's.

    Raises
    ------
    ValueError
        If a size is below 1, `forget_bias` no finite number or the dtype not a real floating one.
    """
    check_forget_bias(forget_bias)
    D, H = check_fits(D=D, H=H)
    bound = H**-0.5
    W_xh = uniform(rng, D, 3 * H, bound, dtype)
    W_hh = uniform(rng, H, 3 * H, bound, dtype)
    b_h = np.zeros(3 * H, dtype)
    b_h[:H] = forget_bias
    return Params(W_xh, W_hh, b_h)


def zero_state(params: Params, N: int) -> State:
    """Return the state of N sequences before their first step: h and c are zeros of shape (N, H)."""
    sizes = check_params(params)
    zeros = np.zeros(check_fits(N=N, H=sizes["H"]), np.result_type(*params))
    return State(zeros, zeros.copy())


def step(params: Params, x: Array, state: State) -> tuple[State, Cache]:
    """Take one step: h_t and c_t (N, H) from x_t (N, D), h_{t-1} and c_{t-1}.

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_step(params, x, state)
    h_prev, c_prev = state
    z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 3, axis=1)
    f, g, o = sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + (1 - f) * g
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return State(h, c), Cache(x, h_prev, c_prev, f, g, o, tanh_c)


def step_backward(params: Params, cache: Cache, dstate: State) -> tuple[Params, Array, State]:
    """Take one step back from dL/dh_t, whole, and what reaches c_t from step t + 1; return grads, dx, dstate_prev.

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
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


def check_params(params: Params) -> dict[str, int]:
    """Return the sizes D and H of the parameters, or raise ValueError."""
    if not isinstance(params, Params):
        found = f"{type(params).__module__}.{type(params).__name__}"
        raise ValueError(f"params must be lstm_coupled.Params(W_xh, W_hh, b_h), got {found}")
    check_array("W_hh", params.W_hh, "H 3H")
    H = len(params.W_hh)
    check_array("W_hh", params.W_hh, "H 3H", {"H": H, "3H": 3 * H})
    check_array("W_xh", params.W_xh, "D 3H", {"3H": 3 * H})
    check_array("b_h", params.b_h, "3H", {"3H": 3 * H})
    return {"D": len(params.W_xh), "H": H}


def check_step(params: Params, x: Array, state: State) -> None:
    """Raise ValueError unless `step` can take these."""
    sizes = check_params(params)
    check_array("x", x, "N D", sizes)
    check_state("state", state, sizes | {"N": len(x)})
    check_precision(**params._asdict(), x=x, **{"state.h": state.h, "state.c": state.c})


def check_step_backward(params: Params, cache: Cache, dstate: State) -> None:
    """Raise ValueError unless `step_backward` can take these."""
    sizes = check_params(params)
    if not isinstance(cache, Cache):
        raise ValueError(f"cache must be lstm_coupled.Cache({', '.join(Cache._fields)}), got {type(cache).__name__}")
    check_array("cache.x", cache.x, "N D", sizes)
    sizes["N"] = len(cache.x)
    for name, array in list(cache._asdict().items())[1:]:
        check_array(f"cache.{name}", array, "N H", sizes)
    check_state("dstate", dstate, sizes)
    check_precision(**params._asdict(), **cache._asdict(), **{"dstate.h": dstate.h, "dstate.c": dstate.c})
