"""The LSTM with peepholes: the gates see the cell state, each unit its own.

    i_t = σ(z_i + w_ci ⊙ c_{t-1}),  f_t = σ(z_f + w_cf ⊙ c_{t-1}),  o_t = σ(z_o + w_co ⊙ c_t)

All else is ``lstm``.  ``unrolled.looped(lstm_peephole)`` has `forward` and `backward`.

Source: Gers and Schmidhuber 2000.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_array, check_fits, check_precision
from bptt_lessons.cells import lstm
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.lstm import State, check_state


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them; columns in the order i, f, g, o."""

    W_xh: Array  # (D, 4H)
    W_hh: Array  # (H, 4H)
    b_h: Array  # (4H,)
    w_ci: Array  # (H,)
    w_cf: Array  # (H,)
    w_co: Array  # (H,)


class Cache(NamedTuple):
    """What one step remembers for its way back."""

    x: Array  # (N, D)
    h_prev: Array  # (N, H)
    c_prev: Array  # (N, H)
    i: Array  # (N, H)
    f: Array  # (N, H)
    g: Array  # (N, H)
    o: Array  # (N, H)
    c: Array  # (N, H)
    tanh_c: Array  # (N, H)


def init(rng: np.random.Generator, D: int, H: int, forget_bias: float = 1.0, dtype: Any = np.float64) -> Params:
    """Draw what ``lstm.init`` draws; the peepholes start at zero, so at first this is the plain LSTM.

    Raises
    ------
    ValueError
        If a size is below 1, `forget_bias` no finite number or the dtype not a real floating one.
    """
    return Params(*lstm.init(rng, D, H, forget_bias, dtype), *np.zeros((3, H), dtype))


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
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g = sigmoid(z_i + params.w_ci * c_prev), sigmoid(z_f + params.w_cf * c_prev), np.tanh(z_g)
    c = f * c_prev + i * g
    o = sigmoid(z_o + params.w_co * c)
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, c, tanh_c)


def step_backward(params: Params, cache: Cache, dstate: State) -> tuple[Params, Array, State]:
    """Take one step back from dL/dh_t, whole, and what reaches c_t from step t + 1; return grads, dx, dstate_prev.

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_step_backward(params, cache, dstate)
    x, h_prev, c_prev, i, f, g, o, c, tanh_c = cache
    dh, dc = dstate
    dz_o = dh * tanh_c * o * (1 - o)
    dc = dc + dh * o * (1 - tanh_c**2) + dz_o * params.w_co  # a third road into c_t: through the output gate
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


def check_params(params: Params) -> dict[str, int]:
    """Return the sizes D and H of the parameters, or raise ValueError."""
    if not isinstance(params, Params):
        found = f"{type(params).__module__}.{type(params).__name__}"
        raise ValueError(f"params must be lstm_peephole.Params({', '.join(Params._fields)}), got {found}")
    sizes = lstm.check_params(lstm.Params(*params[:3]))
    for name in ("w_ci", "w_cf", "w_co"):
        check_array(name, getattr(params, name), "H", sizes)
    return sizes


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
        raise ValueError(f"cache must be lstm_peephole.Cache({', '.join(Cache._fields)}), got {type(cache).__name__}")
    check_array("cache.x", cache.x, "N D", sizes)
    sizes["N"] = len(cache.x)
    for name, array in list(cache._asdict().items())[1:]:
        check_array(f"cache.{name}", array, "N H", sizes)
    check_state("dstate", dstate, sizes)
    check_precision(**params._asdict(), **cache._asdict(), **{"dstate.h": dstate.h, "dstate.c": dstate.c})
