"""The GRU: one state, moved towards a candidate as far as a gate lets it.

    r_t, u_t = σ of  x_t W_xh + b_h + h_{t-1} W_hh,  the first two blocks of H columns
    s_t = h_{t-1} W_hg + b_hg,  W_hg being the third block of W_hh
    g_t = tanh(x_t W_xg + b_g + r_t ⊙ s_t),        h_t = (1 - u_t) ⊙ g_t + u_t ⊙ h_{t-1}

The reset gate r multiplies *after* the product with W_hg, as in PyTorch (whose names
for r, u, g are r, z, n).  ``gru_reset_first`` is the other definition, which multiplies before it.

`step` and `step_backward` are one step each way, as the lessons write them.
`forward` and `backward` give the same numbers for a whole sequence, fast: every product
that does not wait for its neighbour in time is one product over the rows of many steps.

Source: Cho et al. 2014 in the first version (arXiv 1406.1078v1), as Keras's documentation of its two variants has it.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Arguments, Array, check_fits, data, optional, start
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.init import uniform
from bptt_lessons.cells.stretches import project, stretches


class Params(NamedTuple):
    """Parameters of the cell, or a gradient with respect to them; columns in the order r, u, g."""

    W_xh: Annotated[Array, "D 3H"]
    W_hh: Annotated[Array, "H 3H"]
    b_h: Annotated[Array, "3H"]
    b_hg: Annotated[Array, "H"]  # inside the reset gate's product


class Cache(NamedTuple):
    """What one step remembers for its backward pass."""

    x: Annotated[Array, "N D"]
    h_prev: Annotated[Array, "N H"]
    r: Annotated[Array, "N H"]  # reset gate: how much of the old state the candidate sees
    u: Annotated[Array, "N H"]  # update gate: how much of the old state stays
    g: Annotated[Array, "N H"]  # the candidate
    s: Annotated[Array, "N H"]  # h_{t-1} W_hg + b_hg, what the reset gate multiplies


class Tape(NamedTuple):
    """What a whole sequence remembers: the caches of all steps, stacked."""

    x: Annotated[Array, "T N D"]
    h_prev: Annotated[Array, "T N H"]  # h_0 ... h_{T-1}
    r: Annotated[Array, "T N H"]
    u: Annotated[Array, "T N H"]
    g: Annotated[Array, "T N H"]
    s: Annotated[Array, "T N H"]


def init(rng: np.random.Generator, D: int, H: int, dtype: Any = np.float64) -> Params:
    """Draw W_xh, then W_hh, uniformly between -1/√H and 1/√H; biases are zero.

    Parameters
    ----------
    rng : numpy.random.Generator
    D, H : int
        Inputs and hidden units, at least 1.
    dtype : real floating dtype
    """
    D, H = check_fits(D=D, H=H)
    bound = H**-0.5
    W_xh = uniform(rng, D, 3 * H, bound, dtype)
    W_hh = uniform(rng, H, 3 * H, bound, dtype)
    return Params(W_xh, W_hh, np.zeros(3 * H, dtype), np.zeros(H, dtype))


check_params = Arguments(params=Params)


def zero_state(params: Params, N: int) -> Array:
    """Return the state of N sequences before their first step: zeros of shape (N, H)."""
    check_params(params)
    return np.zeros(check_fits(N=N, H=len(params.W_hh)), np.result_type(*params))


check_step = Arguments(params=Params, x="N D", h_prev="N H")


def step(params: Params, x: Array, h_prev: Array) -> tuple[Array, Cache]:
    """Take one step: h_t from x_t and h_{t-1}.

    Parameters
    ----------
    params : Params
    x : array (N, D)
    h_prev : array (N, H)

    Returns
    -------
    h : array (N, H)
    cache : Cache
        What `step_backward` needs.
    """
    check_step(params, x, h_prev)
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


check_cache = Arguments(params=Params, cache=Cache, dh="N H")


def step_backward(params: Params, cache: Cache, dh: Array) -> tuple[Params, Array, Array]:
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
        What reaches h_{t-1} through this step, along all its paths.
    """
    check_cache(params, cache, dh)
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r = dz_g * s * r * (1 - r)
    ds = dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)  # the reset gate lies between h_{t-1} and the candidate
    grads = params._replace(W_xh=x.T @ from_x, W_hh=h_prev.T @ from_h, b_h=from_x.sum(axis=0), b_hg=ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


check_sequence = Arguments(params=Params, x=data("T N D"), h0=start("N H"))


def forward(params: Params, x: Array, h0: Array | None = None) -> tuple[Array, Array, Tape]:
    """Run the cell over a whole sequence.

    Parameters
    ----------
    params : Params
    x : array (T, N, D)
    h0 : array (N, H), optional
        State before the first step; zeros if left out.

    Returns
    -------
    h : array (T, N, H)
        A view of the tape: copy it before writing into it.
    h_T : array (N, H)
    tape : Tape

    Raises
    ------
    ValueError
        If a shape or dtype does not fit, or `x` or `h0` holds a NaN.
    """
    check_sequence(params, x, h0)
    (T, N, _), H = x.shape, len(params.W_hh)
    dtype = np.result_type(x, *params, x if h0 is None else h0)
    h = np.empty((T + 1, N, H), dtype)
    h[0] = 0 if h0 is None else h0
    # A step lies in memory as r, u, s, g, each (N, H) in one piece, because NumPy is quick in one piece only
    steps = np.empty((T, 4, N, H), dtype)
    r, u, s, g = steps.swapaxes(0, 1)
    # σ(z) = ½ + ½ tanh(z/2): with the halves multiplied in beforehand, NumPy's fast tanh serves every gate
    half, scale = np.array(0.5, dtype), np.repeat(np.array([0.5, 0.5, 1], dtype), H)
    W_xh, W_hh, b_h = params.W_xh * scale, params.W_hh * scale, params.b_h * scale
    b_hg = np.repeat(params.b_hg[None], N, axis=0)
    recurrent, from_x, kept = np.empty((N, 3 * H), dtype), np.empty((3, N, H), dtype), np.empty((N, H), dtype)
    recurrent_blocks, x_ru, x_g = recurrent.reshape(N, 3, H).swapaxes(0, 1), from_x[:2], from_x[2]
    views = zip(h[:-1], steps[:, :3], steps[:, :2], r, u, s, g, h[1:], strict=True)
    for z_x, (h_prev, rus, ru, r_t, u_t, s_t, g_t, h_t) in zip(project(x, W_xh, b_h), views, strict=True):
        h_prev.dot(W_hh, out=recurrent)
        rus[:] = recurrent_blocks
        from_x[:] = z_x.reshape(N, 3, H).swapaxes(0, 1)
        ru += x_ru
        np.tanh(ru, out=ru)
        ru *= half
        ru += half
        s_t += b_hg
        np.multiply(r_t, s_t, out=g_t)
        g_t += x_g
        np.tanh(g_t, out=g_t)
        np.subtract(h_prev, g_t, out=kept)
        kept *= u_t
        np.add(g_t, kept, out=h_t)
    return h[1:], h[-1].copy(), Tape(x, h[:-1], r, u, g, s)  # a copy: a carried state must not keep the tape alive


check_tape = Arguments(params=Params, tape=Tape, dh="T N H", dh_T=optional("N H"))


def backward(params: Params, tape: Tape, dh: Array, dh_T: Array | None = None) -> tuple[Params, Array, Array]:
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

    Returns
    -------
    grads : Params
    dx : array (T, N, D)
    dh_0 : array (N, H)

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_tape(params, tape, dh, dh_T)
    (T, N, D), H = tape.x.shape, len(params.W_hh)
    dtype = np.result_type(*tape, dh, *params, dh if dh_T is None else dh_T)
    dW_xh, dW_hh, db_h, db_hg = (np.zeros(W.shape, dtype) for W in params)
    dx = np.empty((T, N, D), dtype)
    dh_next, through_s = np.empty((2, N, H), dtype)
    dh_next[:] = 0 if dh_T is None else dh_T
    # In the order g, r, u, s the first three columns of blocks are what x sees and the last three what h sees
    blocks = dz_g, dz_r, dz_u, ds = np.empty((4, N, H), dtype)
    W_xh_T = np.concatenate([params.W_xh[:, 2 * H :], params.W_xh[:, : 2 * H]], axis=1).T
    W_hh_T = params.W_hh.T.copy()  # in its own memory: BLAS takes up to twice as long to read it across
    for part in reversed(stretches(T, N)):
        h_prev, r, u, g, s = (np.ascontiguousarray(a[part]) for a in tape[1:])
        dz = np.empty((len(r), N, 4 * H), dtype)
        into = ((1 - u) * (1 - g * g), s * r * (1 - r), (h_prev - g) * u * (1 - u))
        all_blocks = dz.reshape(-1, N, 4, H).swapaxes(1, 2)
        views = zip(*(a[::-1] for a in (dh[part], *into, r, u, dz[:, :, H:], all_blocks)), strict=True)
        for dh_t, into_g, into_r, into_u, r_t, u_t, dz_t, dz_t_blocks in views:
            dh_next += dh_t
            np.multiply(into_g, dh_next, out=dz_g)
            np.multiply(into_u, dh_next, out=dz_u)
            np.multiply(into_r, dz_g, out=dz_r)
            np.multiply(r_t, dz_g, out=ds)
            dz_t_blocks[:] = blocks
            dz_t.dot(W_hh_T, out=through_s)
            dh_next *= u_t
            dh_next += through_s
        rows = dz.reshape(-1, 4 * H)
        rows_x, rows_h, sums = rows[:, : 3 * H], rows[:, H:], rows.sum(axis=0)
        dW_xh += tape.x[part].reshape(-1, D).T @ rows_x
        dW_hh += h_prev.reshape(-1, H).T @ rows_h
        db_h += sums[: 3 * H]
        db_hg += sums[3 * H :]
        np.matmul(rows_x, W_xh_T, out=dx[part].reshape(-1, D))
    dW_xh = np.concatenate([dW_xh[:, H:], dW_xh[:, :H]], axis=1)
    return Params(dW_xh, dW_hh, np.concatenate([db_h[H:], db_h[:H]]), db_hg), dx, dh_next.copy()
