"""The LSTM: a cell state that is only scaled and added to, and three gates that rule it.

    i_t, f_t, g_t, o_t = σ, σ, tanh, σ of  x_t W_xh + h_{t-1} W_hh + b_h,  four blocks of H columns
    c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t,        h_t = o_t ⊙ tanh c_t

`step` and `step_backward` are one step each way, as the lessons write them.
`forward` and `backward` give the same numbers for a whole sequence, fast: every product
that does not wait for its neighbour in time is one product over the rows of many steps.

Source: Hochreiter and Schmidhuber 1997; the forget gate: Gers, Schmidhuber and Cummins 2000.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import (
    Arguments,
    Array,
    check_fits,
    check_numbers,
    check_size,
    data,
    is_real,
    optional,
    shown,
    start,
)
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.init import uniform
from bptt_lessons.cells.stretches import project, stretches


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them; columns in the order i, f, g, o."""

    W_xh: Annotated[Array, "D 4H"]
    W_hh: Annotated[Array, "H 4H"]
    b_h: Annotated[Array, "4H"]


class State(NamedTuple):
    """What one step passes to the next, or a gradient with respect to it."""

    h: Annotated[Array, "N H"]  # what the rest of the net sees
    c: Annotated[Array, "N H"]  # what the cell keeps to itself


class Cache(NamedTuple):
    """What one step remembers for its backward pass."""

    x: Annotated[Array, "N D"]
    h_prev: Annotated[Array, "N H"]
    c_prev: Annotated[Array, "N H"]
    i: Annotated[Array, "N H"]  # input gate: how much of the candidate comes in
    f: Annotated[Array, "N H"]  # forget gate: how much of the old content stays
    g: Annotated[Array, "N H"]  # the candidate
    o: Annotated[Array, "N H"]  # output gate: how much of the content is shown
    tanh_c: Annotated[Array, "N H"]  # tanh c_t


class Tape(NamedTuple):
    """What a whole sequence remembers: the caches of all steps, stacked."""

    x: Annotated[Array, "T N D"]
    h_prev: Annotated[Array, "T N H"]  # h_0 ... h_{T-1}
    c_prev: Annotated[Array, "T N H"]  # c_0 ... c_{T-1}
    i: Annotated[Array, "T N H"]
    f: Annotated[Array, "T N H"]
    g: Annotated[Array, "T N H"]
    o: Annotated[Array, "T N H"]
    tanh_c: Annotated[Array, "T N H"]


def init(rng: np.random.Generator, D: int, H: int, forget_bias: float = 1.0, dtype: Any = np.float64) -> Params:
    """Draw W_xh, then W_hh, uniformly between -1/√H and 1/√H; biases are zero but for the forget gate's.

    Source of the forget bias of 1: Gers et al. 2000; Jozefowicz, Zaremba and Sutskever 2015.

    Parameters
    ----------
    rng : numpy.random.Generator
    D, H : int
        Inputs and hidden units, at least 1.
    forget_bias : float, optional
        Bias of the forget gate at the start: σ of it is how much of c stays from step to step.
    dtype : real floating dtype
    """
    check_forget_bias(forget_bias)
    D, H = check_size("D", D), check_size("H", H)
    bound = H**-0.5
    W_xh = uniform(rng, D, 4 * H, bound, dtype)
    W_hh = uniform(rng, H, 4 * H, bound, dtype)
    b_h = np.zeros(4 * H, dtype)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


def memory_half_life(b: Any) -> Any:
    """Steps after which half of a content is left, for a forget gate held open by its bias alone.

    Such a gate is f = σ(b) at every step, so that fⁿ = ½ after n = ln 2 / ln(1 + e^-b) steps.

    Parameters
    ----------
    b : float, or array of any shape
        Bias of the forget gate.

    Returns
    -------
    float, or array of the shape of `b`
    """
    check_bias(b)
    return float(np.log(2)) / np.logaddexp(0, -b)  # a plain float keeps float32


check_params = Arguments(params=Params)


def zero_state(params: Params, N: int) -> State:
    """Return the state of N sequences before their first step: h and c are zeros of shape (N, H)."""
    check_params(params)
    zeros = np.zeros(check_fits(N=N, H=len(params.W_hh)), np.result_type(*params))
    return State(zeros, zeros.copy())


check_step = Arguments(params=Params, x="N D", state=State)


def step(params: Params, x: Array, state: State) -> tuple[State, Cache]:
    """Take one step: h_t and c_t from x_t, h_{t-1} and c_{t-1}.

    Parameters
    ----------
    params : Params
    x : array (N, D)
    state : State
        h and c of the step before, (N, H) each.

    Returns
    -------
    state : State
    cache : Cache
        What `step_backward` needs.
    """
    check_step(params, x, state)
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, tanh_c)


check_step_backward = Arguments(params=Params, cache=Cache, dstate=State)


def step_backward(params: Params, cache: Cache, dstate: State) -> tuple[Params, Array, State]:
    """Take one step back: from dL/dh_t and dL/dc_t to everything that they were made of.

    Parameters
    ----------
    params : Params
    cache : Cache
        From `step`.
    dstate : State
        h: the total gradient dL/dh_t; c: what reaches c_t from step t + 1, not through h_t.

    Returns
    -------
    grads : Params
        This step's part of the gradient of the parameters.
    dx : array (N, D)
    dstate_prev : State
        What reaches h_{t-1} and c_{t-1} through this step.
    """
    check_step_backward(params, cache, dstate)
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)  # two paths into c_t: from c_{t+1}, and through h_t
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_prev * f * (1 - f)
    dz_g = dc * i * (1 - g**2)
    dz_o = dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(W_xh=x.T @ dz, W_hh=h_prev.T @ dz, b_h=dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(h=dz @ params.W_hh.T, c=dc * f)


check_sequence = Arguments(params=Params, x=data("T N D"), state0=start(State))


def forward(params: Params, x: Array, state0: State | None = None) -> tuple[Array, State, Tape]:
    """Run the cell over a whole sequence.

    Parameters
    ----------
    params : Params
    x : array (T, N, D)
    state0 : State, optional
        h and c before the first step, (N, H) each; zeros if left out.

    Returns
    -------
    h : array (T, N, H)
        A view of the tape: copy it before writing into it.
    state_T : State
    tape : Tape

    Raises
    ------
    ValueError
        If a shape or dtype does not fit, or `x` or `state0` holds a NaN.
    """
    check_sequence(params, x, state0)
    (T, N, _), H = x.shape, len(params.W_hh)
    dtype = np.result_type(x, *params, *(state0 or ()))
    h, tanh_c = np.empty((T + 1, N, H), dtype), np.empty((T, N, H), dtype)
    # A step lies in memory as c_{t-1}, g, f, i, o, each (N, H) in one piece, because NumPy is quick in one piece only:
    # so [c g] ⊙ [f i] is one product, and the σ's are one stretch.  The c of the next step is where this one ends.
    blocks = np.empty((5 * T + 1, N, H), dtype)
    c, g, f, i, o = (blocks[k::5] for k in range(5))
    h[0], c[0] = state0 or (0, 0)
    # σ(z) = ½ + ½ tanh(z/2): with the halves multiplied in beforehand, one tanh serves all four gates
    half, halves = np.array(0.5, dtype), np.array([1, 0.5, 0.5, 0.5], dtype)[:, None]
    packed = (np.take(W.reshape(-1, 4, H), [2, 1, 0, 3], axis=1) * halves for W in params)
    W_xh, W_hh, b_h = (W_gfio.reshape(W.shape) for W_gfio, W in zip(packed, params, strict=True))
    z, parts = np.empty((N, 4 * H), dtype), np.empty((2, N, H), dtype)
    z_blocks, (kept, new) = z.reshape(N, 4, H).swapaxes(0, 1), parts
    steps = blocks[:-1].reshape(T, 5, N, H)
    views = zip(h[:-1], steps[:, 1:], steps[:, 2:], steps[:, :2], steps[:, 2:4], o, c[1:], tanh_c, h[1:], strict=True)
    for from_x, (h_prev, gfio, fio, c_g, f_i, o_t, c_t, tanh_c_t, h_t) in zip(
        project(x, W_xh, b_h), views, strict=True
    ):
        h_prev.dot(W_hh, out=z)
        z += from_x
        np.tanh(z, out=z)
        gfio[:] = z_blocks
        fio *= half
        fio += half
        np.multiply(c_g, f_i, out=parts)
        np.add(kept, new, out=c_t)
        np.tanh(c_t, out=tanh_c_t)
        np.multiply(o_t, tanh_c_t, out=h_t)
    # copies: a carried state must not keep the tape alive
    return h[1:], State(h[-1].copy(), c[-1].copy()), Tape(x, h[:-1], c[:-1], i, f, g, o, tanh_c)


check_tape = Arguments(params=Params, tape=Tape, dh="T N H", dstate_T=optional(State))


def backward(params: Params, tape: Tape, dh: Array, dstate_T: State | None = None) -> tuple[Params, Array, State]:
    """Backpropagate through the whole sequence.

    Parameters
    ----------
    params : Params
    tape : Tape
        From `forward`.
    dh : array (T, N, H)
        The loss's own gradient at every step.
    dstate_T : State, optional
        What reaches the last state from beyond it; zeros if left out.

    Returns
    -------
    grads : Params
    dx : array (T, N, D)
    dstate_0 : State

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_tape(params, tape, dh, dstate_T)
    (T, N, D), H = tape.x.shape, len(params.W_hh)
    dtype = np.result_type(*tape, dh, *params, *(dstate_T or ()))
    dW_xh, dW_hh, db_h = (np.zeros(W.shape, dtype) for W in params)
    dx = np.empty((T, N, D), dtype)
    dh_next, dc, through_h = np.empty((3, N, H), dtype)
    dh_next[:], dc[:] = dstate_T or (0, 0)
    blocks = dz_i, dz_f, dz_g, dz_o = np.empty((4, N, H), dtype)  # one step's, each in one piece
    W_hh_T = params.W_hh.T.copy()  # in its own memory: BLAS takes up to twice as long to read it across
    for part in reversed(stretches(T, N)):
        c_prev, i, f, g, o, tanh_c = (np.ascontiguousarray(a[part]) for a in tape[2:])
        dz = np.empty((len(i), N, 4 * H), dtype)
        into = (o * (1 - tanh_c * tanh_c), g * i * (1 - i), c_prev * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o))
        views = zip(*(a[::-1] for a in (dh[part], *into, f, dz, dz.reshape(-1, N, 4, H).swapaxes(1, 2))), strict=True)
        for dh_t, into_c, into_i, into_f, into_g, into_o, f_t, dz_t, dz_t_blocks in views:
            dh_next += dh_t
            np.multiply(into_c, dh_next, out=through_h)
            dc += through_h
            np.multiply(into_i, dc, out=dz_i)
            np.multiply(into_f, dc, out=dz_f)
            np.multiply(into_g, dc, out=dz_g)
            np.multiply(into_o, dh_next, out=dz_o)
            dc *= f_t
            dz_t_blocks[:] = blocks
            dz_t.dot(W_hh_T, out=dh_next)
        rows = dz.reshape(-1, 4 * H)
        dW_xh += tape.x[part].reshape(-1, D).T @ rows
        dW_hh += tape.h_prev[part].reshape(-1, H).T @ rows
        db_h += rows.sum(axis=0)
        np.matmul(rows, params.W_xh.T, out=dx[part].reshape(-1, D))
    return Params(dW_xh, dW_hh, db_h), dx, State(dh_next.copy(), dc.copy())


def check_bias(b: Any) -> None:
    """Raise ValueError unless `b` is a real number or a real floating array."""
    check_numbers("b", b)
    if np.iscomplexobj(b):
        raise ValueError(f"b must be real, got {type(b).__name__} of complex numbers")


def check_forget_bias(forget_bias: object) -> None:
    """Raise ValueError unless `forget_bias` is a finite real number."""
    if not is_real(forget_bias):
        raise ValueError(f"forget_bias must be a finite number, got {shown(forget_bias)}")
