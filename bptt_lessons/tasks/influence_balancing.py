"""Influence balancing: a linear net on which truncation points the wrong way
(Tallec and Ollivier 2017: both "Unbiasing truncated backpropagation through time" and
"Unbiased online recurrent optimization" use it).

    h_t = h_{t-1} Aᵀ + θ u,        L_t = ½ (h_t[first] - 1)²

A = ½ I + ½ on the first superdiagonal, so every unit passes what it holds on to the unit
before it.  u is +1 for the first units and -1 for the rest: a parameter that lifts the
first unit soon lowers it in the long run.

The net is a cell like any other, with one parameter, θ: its input is not used.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Arguments, Array, check_fits, check_size

PLUS, MINUS = 10, 13  # units with u = +1, and with u = -1


class Params(NamedTuple):
    """The one parameter, or a gradient with respect to it."""

    theta: Annotated[Array, "1"]


class Cache(NamedTuple):
    """What one step remembers for its backward pass: the step is linear, so only its input, for the shape of dx."""

    x: Annotated[Array, "N D"]


def matrix(H: int = PLUS + MINUS) -> Array:
    """Return A (H, H) = ½ I + ½ on the first superdiagonal, whose rows say what each unit takes over."""
    H, _ = check_fits(H=H, columns=H)
    return 0.5 * (np.eye(H) + np.eye(H, k=1))


def influence() -> Array:
    """Return u (H,): +1 ten times, then -1 thirteen times."""
    return np.concatenate([np.ones(PLUS), -np.ones(MINUS)])


A = matrix()
U = influence()

SIZES = {"H": PLUS + MINUS}
check_params = Arguments(SIZES, params=Params)
check_step = Arguments(SIZES, params=Params, x="N D", h_prev="N H")
check_step_backward = Arguments(SIZES, params=Params, cache=Cache, dh="N H")
check_states = Arguments(SIZES, h="T N H")


def zero_state(params: Params, N: int) -> Array:
    """Return the state of N nets: zeros of shape (N, 23)."""
    check_params(params)
    return np.zeros(check_fits(N=N, H=PLUS + MINUS), params.theta.dtype)


def step(params: Params, x: Array, h_prev: Array) -> tuple[Array, Cache]:
    """Take one step of N nets; x (N, D) is not used."""
    check_step(params, x, h_prev)
    real = params.theta.real.dtype
    return h_prev @ A.T.astype(real) + params.theta * U.astype(real), Cache(x)


def step_backward(params: Params, cache: Cache, dh: Array) -> tuple[Params, Array, Array]:
    """Take one step back: return grads, dx (zeros) and dh_prev."""
    check_step_backward(params, cache, dh)
    real = params.theta.real.dtype
    return Params(np.sum(dh @ U.astype(real), keepdims=True)), np.zeros_like(cache.x), dh @ A.astype(real)


def loss_gradient(h: Array, start: int) -> tuple[Any, Array, None]:
    """Sum of the losses ½ (h[first] - 1)² over steps and nets, and its gradient; the same at any `start`."""
    check_states(h)
    off = h[..., 0] - 1
    dh = np.zeros_like(h)
    dh[..., 0] = off
    return 0.5 * np.sum(off * off), dh, None


def sensitivity(steps: int) -> float:
    """Return dh[first]/dθ as a gradient sees it that goes back `steps` steps: Σ over j < steps of (A^j u)[first].

    Its sign is the sign of the step that gradient descent takes.  Over all steps it is -6, the
    sum of the geometric series (I - A)⁻¹ u, so that the optimum, where h[first] = 1, is at θ = -1/6.
    """
    total, pushed = 0.0, U
    for _ in range(check_size("steps", steps)):
        total += float(pushed[0])
        pushed = A @ pushed
    return total
