"""The GRU as Cho et al. 2014 finally define it: the reset gate multiplies the state before the product, not after it.

    g_t = tanh(x_t W_xg + b_g + (r_t ⊙ h_{t-1}) W_hg + b_hg)

All else is ``gru``, whose parameters and initialisation it shares, and which is PyTorch's definition.
``unrolled.looped(gru_reset_first)`` has `forward` and `backward`.

Source: Cho et al. 2014 in the third version (arXiv 1406.1078v3), as Keras's documentation of its two variants has it.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from bptt_lessons.arguments import Arguments, Array
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.gru import Params, check_step, init, zero_state

__all__ = ["Cache", "Params", "init", "step", "step_backward", "zero_state"]


class Cache(NamedTuple):
    """What one step remembers for its backward pass."""

    x: Annotated[Array, "N D"]
    h_prev: Annotated[Array, "N H"]
    r: Annotated[Array, "N H"]
    u: Annotated[Array, "N H"]
    g: Annotated[Array, "N H"]


def step(params: Params, x: Array, h_prev: Array) -> tuple[Array, Cache]:
    """Take one step: h_t (N, H) from x_t (N, D) and h_{t-1} (N, H)."""
    check_step(params, x, h_prev)
    H = h_prev.shape[1]
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u = np.split(h_prev @ params.W_hh[:, : 2 * H], 2, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    g = np.tanh(x_g + (r * h_prev) @ params.W_hh[:, 2 * H :] + params.b_hg)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g)


check_step_backward = Arguments(params=Params, cache=Cache, dh="N H")


def step_backward(params: Params, cache: Cache, dh: Array) -> tuple[Params, Array, Array]:
    """Take one step back from the total dL/dh_t (N, H); return grads, dx (N, D), dh_prev (N, H)."""
    check_step_backward(params, cache, dh)
    x, h_prev, r, u, g = cache
    H = dh.shape[1]
    W_hru, W_hg = params.W_hh[:, : 2 * H], params.W_hh[:, 2 * H :]
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dreset = dz_g @ W_hg.T  # the gradient of r ⊙ h_{t-1}
    dz_r = dreset * h_prev * r * (1 - r)
    dz_ru = np.concatenate([dz_r, dz_u], axis=1)
    dz = np.concatenate([dz_ru, dz_g], axis=1)
    dW_hh = np.concatenate([h_prev.T @ dz_ru, (r * h_prev).T @ dz_g], axis=1)
    grads = Params(W_xh=x.T @ dz, W_hh=dW_hh, b_h=dz.sum(axis=0), b_hg=dz_g.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz_ru @ W_hru.T + dreset * r + dh * u
