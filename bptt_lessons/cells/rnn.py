"""The plain (Elman) recurrent cell: one hidden state, one activation.

    z_t = x_t W_xh + h_{t-1} W_hh + b_h,        h_t = tanh z_t

`step` and `step_backward` are one step each way, as the lessons write them.
`forward` and `backward` give the same numbers for a whole sequence, fast: every
product that does not wait for its neighbour in time is one product over all T·N rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Arguments, Array, check_fits, data, optional, start
from bptt_lessons.cells.activations import TANH, Activation, check_activation
from bptt_lessons.cells.init import uniform


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them."""

    W_xh: Annotated[Array, "D H"]
    W_hh: Annotated[Array, "H H"]
    b_h: Annotated[Array, "H"]


class Cache(NamedTuple):
    """What one step remembers for its backward pass."""

    x: Annotated[Array, "N D"]
    h_prev: Annotated[Array, "N H"]
    h: Annotated[Array, "N H"]


class Tape(NamedTuple):
    """What a whole sequence remembers: the caches of all steps, stacked."""

    x: Annotated[Array, "T N D"]
    h_prev: Annotated[Array, "T N H"]  # h_0 ... h_{T-1}
    h: Annotated[Array, "T N H"]  # h_1 ... h_T; shares its memory with h_prev


def init(rng: np.random.Generator, D: int, H: int, dtype: Any = np.float64) -> Params:
    """Draw all parameters uniformly between -1/√H and 1/√H.

    Parameters
    ----------
    rng : numpy.random.Generator
    D, H : int
        Inputs and hidden units, at least 1.
    dtype : real floating dtype
    """
    D, H = check_fits(D=D, H=H)
    bound = H**-0.5
    return Params(
        uniform(rng, D, H, bound, dtype),
        uniform(rng, H, H, bound, dtype),
        uniform(rng, 1, H, bound, dtype)[0],
    )


check_params = Arguments(params=Params)


def zero_state(params: Params, N: int) -> Array:
    """Return the state of N sequences before their first step: zeros of shape (N, H)."""
    check_params(params)
    return np.zeros(check_fits(N=N, H=len(params.W_hh)), np.result_type(*params))


check_step = Arguments(params=Params, x="N D", h_prev="N H", activation=check_activation)


def step(params: Params, x: Array, h_prev: Array, activation: Activation = TANH) -> tuple[Array, Cache]:
    """Take one step: h_t from x_t and h_{t-1}.

    Parameters
    ----------
    params : Params
    x : array (N, D)
    h_prev : array (N, H)
    activation : Activation, optional
        tanh unless said otherwise.

    Returns
    -------
    h : array (N, H)
    cache : Cache
        What `step_backward` needs.
    """
    check_step(params, x, h_prev, activation)
    z = x @ params.W_xh + h_prev @ params.W_hh + params.b_h
    h = activation.value(z)
    return h, Cache(x, h_prev, h)


check_step_backward = Arguments(params=Params, cache=Cache, dh="N H", activation=check_activation)


def step_backward(
    params: Params, cache: Cache, dh: Array, activation: Activation = TANH
) -> tuple[Params, Array, Array]:
    """Take one step back: from dL/dh_t, whole, to everything that h_t was made of.

    Parameters
    ----------
    params : Params
    cache : Cache
        From `step`.
    dh : array (N, H)
        The total gradient dL/dh_t: from the loss at t and from all later steps.

    Returns
    -------
    grads : Params
        This step's part of the gradient of the parameters.
    dx : array (N, D)
    dh_prev : array (N, H)
        What reaches h_{t-1} through this step.
    """
    check_step_backward(params, cache, dh, activation)
    dz = dh * activation.derivative(cache.h)
    grads = Params(W_xh=cache.x.T @ dz, W_hh=cache.h_prev.T @ dz, b_h=dz.sum(axis=0))
    dx = dz @ params.W_xh.T
    dh_prev = dz @ params.W_hh.T
    return grads, dx, dh_prev


check_sequence = Arguments(params=Params, x=data("T N D"), h0=start("N H"), activation=check_activation)


def forward(
    params: Params, x: Array, h0: Array | None = None, activation: Activation = TANH
) -> tuple[Array, Array, Tape]:
    """Run the cell over a whole sequence.

    Parameters
    ----------
    params : Params
    x : array (T, N, D)
    h0 : array (N, H), optional
        State before the first step; zeros if left out.
    activation : Activation, optional

    Returns
    -------
    h : array (T, N, H)
        A view of the tape: copy it before writing into it.
    h_T : array (N, H)
    tape : Tape
    """
    check_sequence(params, x, h0, activation)
    (T, N, D), H = x.shape, len(params.W_hh)
    h = np.empty((T + 1, N, H), np.result_type(x, *params, x if h0 is None else h0))
    h[0] = 0 if h0 is None else h0
    z = h[1:]  # one buffer for both: each h_t overwrites its z_t
    np.matmul(x.reshape(T * N, D), params.W_xh, out=z.reshape(T * N, H))
    z += params.b_h
    recurrent = np.empty_like(h[0])
    for h_prev, z_t in zip(h[:-1], z, strict=True):
        np.dot(h_prev, params.W_hh, out=recurrent)
        z_t += recurrent
        activation.value(z_t, out=z_t)
    return h[1:], h[-1].copy(), Tape(x, h[:-1], h[1:])  # a copy: a carried state must not keep the tape alive


check_tape = Arguments(params=Params, tape=Tape, dh="T N H", dh_T=optional("N H"), activation=check_activation)


def backward(
    params: Params, tape: Tape, dh: Array, dh_T: Array | None = None, activation: Activation = TANH
) -> tuple[Params, Array, Array]:
    """Backpropagate through the whole sequence.

    Parameters
    ----------
    params : Params
    tape : Tape
        From `forward`.
    dh : array (T, N, H)
        The loss's own gradient at every step.
    dh_T : array (N, H), optional
        What reaches the last state from beyond it; zeros if left out.
    activation : Activation, optional

    Returns
    -------
    grads : Params
    dx : array (T, N, D)
    dh_0 : array (N, H)
    """
    check_tape(params, tape, dh, dh_T, activation)
    (T, N, D), H = tape.x.shape, len(params.W_hh)
    dz = np.empty((T, N, H), np.result_type(tape.h, dh, *params, dh if dh_T is None else dh_T))
    activation.derivative(tape.h, out=dz)
    dh_next = np.empty_like(dz[0])
    dh_next[:] = 0 if dh_T is None else dh_T
    W_hh_T = params.W_hh.T.copy()  # in its own memory: BLAS takes up to twice as long to read it across
    for dz_t, dh_t in zip(dz[::-1], dh[::-1], strict=True):
        dh_next += dh_t
        dz_t *= dh_next
        np.dot(dz_t, W_hh_T, out=dh_next)
    rows = dz.reshape(T * N, H)
    grads = Params(
        W_xh=tape.x.reshape(T * N, D).T @ rows,
        W_hh=tape.h_prev.reshape(T * N, H).T @ rows,
        b_h=rows.sum(axis=0),
    )
    return grads, (rows @ params.W_xh.T).reshape(T, N, D), dh_next


def with_activation(activation: Activation) -> BoundCell:
    """Return this cell with another activation, for code that takes any cell."""
    check_activation("activation", activation)
    return BoundCell(
        init,
        zero_state,
        partial(step, activation=activation),
        partial(step_backward, activation=activation),
        partial(forward, activation=activation),
        partial(backward, activation=activation),
    )


class BoundCell(NamedTuple):
    """The functions of the cell with the activation filled in."""

    init: Callable[..., Params]
    zero_state: Callable[..., Array]
    step: Callable[..., tuple[Array, Cache]]
    step_backward: Callable[..., tuple[Params, Array, Array]]
    forward: Callable[..., tuple[Array, Array, Tape]]
    backward: Callable[..., tuple[Params, Array, Array]]
