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

from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_array, check_fits, check_plain, check_precision, check_size, shown

PLUS, MINUS = 10, 13  # units with u = +1, and with u = -1


class Params(NamedTuple):
    """The one parameter, or a gradient with respect to it."""

    theta: Array  # (1,)


class Cache(NamedTuple):
    """What one step remembers for its way back: the step is linear, so only its input, for the shape of dx."""

    x: Array  # (N, D)


def matrix(H: int = PLUS + MINUS) -> Array:
    """Return A (H, H) = ½ I + ½ on the first superdiagonal, each row of which says what one unit takes over."""
    H, _ = check_fits(H=H, columns=H)
    return 0.5 * (np.eye(H) + np.eye(H, k=1))


def influence() -> Array:
    """Return u (H,): +1 ten times, then -1 thirteen times."""
    return np.concatenate([np.ones(PLUS), -np.ones(MINUS)])


A = matrix()
U = influence()


def zero_state(params: Params, N: int) -> Array:
    """Return the state of N nets: zeros of shape (N, 23)."""
    check_params(params)
    return np.zeros(check_fits(N=N, H=PLUS + MINUS), params.theta.dtype)


def step(params: Params, x: Array, h_prev: Array) -> tuple[Array, Cache]:
    """Take one step of N nets; x (N, D) is not used."""
    check_params(params)
    check_array("x", x, "N D")
    check_array("h_prev", h_prev, "N H", {"N": len(x), "H": PLUS + MINUS})
    check_precision(theta=params.theta, h_prev=h_prev)
    real = params.theta.real.dtype
    return h_prev @ A.T.astype(real) + params.theta * U.astype(real), Cache(x)


def step_backward(params: Params, cache: Cache, dh: Array) -> tuple[Params, Array, Array]:
    """Take one step back: return grads, dx (zeros) and dh_prev."""
    check_params(params)
    if not isinstance(cache, Cache):
        raise ValueError(f"cache must be influence_balancing.Cache(x), got {type(cache).__name__}")
    check_array("cache.x", cache.x, "N D")
    check_array("dh", dh, "N H", {"N": len(cache.x), "H": PLUS + MINUS})
    check_precision(theta=params.theta, dh=dh)
    real = params.theta.real.dtype
    return Params(np.sum(dh @ U.astype(real), keepdims=True)), np.zeros_like(cache.x), dh @ A.astype(real)


def loss_gradient(h: Array, start: int) -> tuple[Any, Array, None]:
    """Sum of the losses ½ (h[first] - 1)² over steps and nets, and its gradient; the same at any `start`."""
    check_array("h", h, "T N H", {"H": PLUS + MINUS})
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


def check_params(params: Params) -> None:
    """Raise ValueError unless `params` holds one number."""
    if not isinstance(params, Params):
        raise ValueError(f"params must be influence_balancing.Params(theta), got {type(params).__name__}")
    theta = params.theta
    if not isinstance(theta, np.ndarray) or theta.shape != (1,) or theta.dtype.kind not in "fc":
        raise ValueError(f"params.theta must be a floating array of shape (1,), got {shown(theta)}")
    check_plain("params.theta", theta)
