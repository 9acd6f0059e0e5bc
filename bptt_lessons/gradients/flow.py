"""How a gradient flows back through time: through one step, and through many.

One step back multiplies dL/dh_t by the transpose of the step's Jacobian
J_t[n, i, j] = ∂h_t[n, j] / ∂h_{t-1}[n, i] = W_hh[i, j] · slope(h_t[n, j]); many steps
multiply by the product of many Jacobians (Pascanu, Mikolov and Bengio 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bptt_lessons.arguments import (
    Arguments,
    Array,
    check_has,
    check_plain,
    check_positive,
    check_size,
    check_solvable,
    kind_of,
)
from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import TANH, Activation, check_activation
from bptt_lessons.cells.init import check_square
from bptt_lessons.cells.unrolled import Cell, check_caches, check_dstate, hidden

STATES = {axes: Arguments(params=rnn.Params, h=axes, activation=check_activation) for axes in ("N H", "T N H")}


def check_states(params: rnn.Params, h: Array, axes: str, activation: Activation) -> None:
    """Raise ValueError unless `h` holds states of a net with these parameters."""
    STATES[axes](params, h, activation)


def step_jacobian(params: rnn.Params, h: Array, activation: Activation = TANH) -> Array:
    """Jacobian of one step of the plain cell: how each new unit depends on each old one.

    Parameters
    ----------
    params : rnn.Params
    h : array (N, H)
        The state *after* the step.
    activation : Activation, optional

    Returns
    -------
    J : array (N, H, H)
        ``J[n, i, j]`` = ∂h_t[n, j] / ∂h_{t-1}[n, i], so that dh_{t-1} = dh_t Jᵀ.
    """
    check_states(params, h, "N H", activation)
    J: Array = params.W_hh * activation.derivative(h)[:, None, :]
    return J


def jacobian_products(params: rnn.Params, h: Array, activation: Activation = TANH) -> Array:
    """Products of step Jacobians, from every state to the last one.

    Parameters
    ----------
    params : rnn.Params
    h : array (T, N, H)
        The states h_1 ... h_T.
    activation : Activation, optional

    Returns
    -------
    P : array (T, N, H, H)
        ``P[s]`` is J_{s+2} ⋯ J_T in the equations' count from 1: ∂h_T[n, j] / ∂h[s][n, i];
        ``P[-1]`` is the identity.  It takes T · N · H² numbers of memory.
    """
    check_states(params, h, "T N H", activation)
    T, N, H = h.shape
    P = np.empty((T, N, H, H), np.result_type(h, *params))
    P[-1] = np.eye(H)
    for s in range(T - 2, -1, -1):
        P[s] = step_jacobian(params, h[s + 1], activation) @ P[s + 1]
    return P


def operator_norms(matrices: Array) -> Array:
    """Largest singular value of each matrix in (..., H, H): the most that it stretches any vector."""
    check_matrices(matrices)
    norms: Array = np.linalg.norm(matrices, 2, axis=(-2, -1))
    return norms


def gradient_norms(cell: Cell, params: Any, caches: Sequence[Any], dstate_T: Any) -> Array:
    """Length of the gradient with respect to every state, for a loss at the last step only.

    Parameters
    ----------
    cell : Cell
    params : the cell's Params
    caches : sequence of T caches
        From ``unrolled.forward``.
    dstate_T : like the cell's state
        dL/dh_T: for the plain cell an array (N, H).

    Returns
    -------
    norms : array (T, N)
        ``norms[s]`` is the 2-norm of dL/dh for each sequence, h the hidden state after step s
        (counted from 0); the last row is that of `dstate_T` itself.
    """
    check_flow(cell, params, caches, dstate_T)
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        size = np.abs(hidden(dstate))  # squares of 1e-170 would be 0, hence a power of two near the largest for a unit
        unit = np.ldexp(size.dtype.type(1), np.frexp(size.max(axis=1, keepdims=True))[1] - 1)
        norms.append(np.linalg.norm(size / unit, axis=1) * unit[:, 0])
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


def spectral_radius(W: Array) -> float:
    """Largest absolute value among the eigenvalues of W (H, H), which may be complex: it rules the long run."""
    check_square("W", W)
    return float(np.max(np.abs(np.linalg.eigvals(W))))


def largest_singular_value(W: Array) -> float:
    """The most that W (H, H) stretches any vector, in either direction: it rules the bound."""
    check_square("W", W)
    return float(np.linalg.norm(W, 2))


def bound(W_hh: Array, gamma: float, lags: int) -> Array:
    """Upper bound (γ σ_max)^lag of ‖∂h_T / ∂h_{T-lag}‖, for lag 0 ... `lags` - 1.

    Source: Pascanu, Mikolov and Bengio 2013, section 2.1.

    Parameters
    ----------
    W_hh : array (H, H)
    gamma : float
        Largest slope of the activation: ``Activation.gamma``.
    lags : int

    Returns
    -------
    array (lags,)
    """
    check_square("W_hh", W_hh)
    factor = check_positive("gamma", gamma) * largest_singular_value(W_hh)
    power: Array = factor ** np.arange(check_size("lags", lags))
    return power


def check_matrices(matrices: Any) -> None:
    """Raise ValueError unless `operator_norms` can take these."""
    if not isinstance(matrices, np.ndarray) or matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2]:
        raise ValueError(f"matrices has {kind_of(matrices)}, expected (..., H, H)")
    check_plain("matrices", matrices)
    if matrices.size == 0:
        raise ValueError(f"matrices has shape {matrices.shape}, expected (..., H, H), every size at least 1")
    check_solvable("matrices", matrices)


def check_flow(cell: Cell, params: Any, caches: Sequence[Any], dstate_T: Any) -> None:
    """Raise ValueError unless `gradient_norms` can take these."""
    check_has("cell", cell, "step_backward")
    check_caches(caches)
    check_dstate(cell, params, caches, dstate_T)
