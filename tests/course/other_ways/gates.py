"""Answers to the exercises on LSTM and GRU (lessons 06 and 07), right and wrong, as people write them."""

import math

import numpy as np

from bptt_lessons.cells import gru, lstm
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.nested import zeros_like


def lstm_step_by_slices(params, x, state):
    H = state.h.shape[1]
    z = x @ params.W_xh + state.h @ params.W_hh + params.b_h
    i = sigmoid(z[:, :H])
    f = sigmoid(z[:, H : 2 * H])
    g = np.tanh(z[:, 2 * H : 3 * H])
    o = sigmoid(z[:, 3 * H :])
    c = f * state.c + i * g
    tanh_c = np.tanh(c)
    return lstm.State(o * tanh_c, c), lstm.Cache(x, state.h, state.c, i, f, g, o, tanh_c)


def lstm_step_with_a_product_for_each_gate(params, x, state):
    W_xh, W_hh, b_h = (np.split(p, 4, axis=-1) for p in params)
    z = [x @ W_xh[k] + state[0] @ W_hh[k] + b_h[k] for k in range(4)]
    i, f, o = (1 / (1 + np.exp(-z[k])) for k in (0, 1, 3))
    g = np.tanh(z[2])
    c = np.add(f * state[1], i * g)
    cache = {"x": x, "h_prev": state[0], "c_prev": state[1], "i": i, "f": f, "g": g, "o": o, "tanh_c": np.tanh(c)}
    return (np.tanh(c) * o, c), lstm.Cache(**cache)


def lstm_step_in_scalars(params, x, state):
    W_xh, W_hh, b_h = params
    N, H = state.h.shape
    i, f, g, o, c, tanh_c, h = np.zeros((7, N, H))
    for n, j in np.ndindex(N, H):
        z = [x[n] @ W_xh[:, k] + state.h[n] @ W_hh[:, k] + b_h[k] for k in (j, H + j, 2 * H + j, 3 * H + j)]
        i[n, j], f[n, j], o[n, j] = (0.5 + 0.5 * math.tanh(z[k] / 2) for k in (0, 1, 3))
        g[n, j] = math.tanh(z[2])
        c[n, j] = f[n, j] * state.c[n, j] + i[n, j] * g[n, j]
        tanh_c[n, j] = math.tanh(c[n, j])
        h[n, j] = o[n, j] * tanh_c[n, j]
    return [h.tolist(), c.tolist()], [x, state.h, state.c, i, f, g, o, tanh_c]


def lstm_init_by_random_numbers(rng, D, H, forget_bias):
    W_xh = (2 * rng.random((D, 4 * H)) - 1) / math.sqrt(H)
    W_hh = (2 * rng.random((H, 4 * H)) - 1) / math.sqrt(H)
    b_h = np.concatenate([np.zeros(H), np.full(H, forget_bias), np.zeros(2 * H)])
    return W_xh, W_hh, b_h


def lstm_init_from_one_draw(rng, D, H, forget_bias):
    W = rng.uniform(-(H**-0.5), H**-0.5, (D + H, 4 * H))
    return lstm.Params(W[:D], W[D:], np.repeat([0, forget_bias, 0, 0], H))


def half_life_in_base_two(b):
    return 1 / np.logaddexp2(0, -np.asarray(b) / np.log(2))


def half_life_entry_by_entry(b):
    out = [math.log(0.5) / (min(v, 0) - math.log1p(math.exp(-abs(v)))) for v in np.ravel(b)]
    return np.reshape(out, np.shape(b))


def half_life_by_log1p_and_a_straight_line_for_shut_gates(b):
    return np.log(2) / np.where(b < -700, -b, np.log1p(np.exp(-np.maximum(b, -700))))


def lstm_step_backward_gate_by_gate(params, cache, dstate):
    H = cache.f.shape[1]
    do = dstate.h * cache.tanh_c
    dc = dstate.c + dstate.h * cache.o * (1 - cache.tanh_c**2)
    df, di, dg, dc_prev = dc * cache.c_prev, dc * cache.g, dc * cache.i, dc * cache.f
    dz = np.zeros((len(dc), 4 * H), order="F")
    dz[:, :H] = di * cache.i * (1 - cache.i)
    dz[:, H : 2 * H] = df * cache.f * (1 - cache.f)
    dz[:, 2 * H : 3 * H] = dg * (1 - cache.g**2)
    dz[:, 3 * H :] = do * cache.o * (1 - cache.o)
    grads = lstm.Params(W_xh=cache.x.T @ dz, W_hh=cache.h_prev.T @ dz, b_h=np.sum(dz, 0))
    return grads, dz @ params.W_xh.T, lstm.State(dz @ params.W_hh.T, dc_prev)


def lstm_step_backward_recomputing_the_step(params, cache, dstate):
    z = cache.x @ params.W_xh + cache.h_prev @ params.W_hh + params.b_h
    i, f, g, o = (a(part) for a, part in zip((sigmoid, sigmoid, np.tanh, sigmoid), np.split(z, 4, axis=1), strict=True))
    c = f * cache.c_prev + i * g
    dc = dstate.c + dstate.h * o / np.cosh(c) ** 2
    parts = [(dc * g, i), (dc * cache.c_prev, f), (dstate.h * np.tanh(c), o)]
    dz_i, dz_f, dz_o = (d * s - d * s**2 for d, s in parts)
    dz = np.hstack([dz_i, dz_f, dc * i * (1 + g) * (1 - g), dz_o])
    return (
        [cache.x.T @ dz, cache.h_prev.T @ dz, np.ones(len(dz)) @ dz],
        (params.W_xh @ dz.T).T,
        ((params.W_hh @ dz.T).T, f * dc),
    )


def lstm_step_backward_sequence_by_sequence(params, cache, dstate):
    grads, dx, dh_prev, dc_prev = zeros_like(params), [], [], []
    for x, h_prev, c_prev, i, f, g, o, tanh_c, dh, dc in zip(*cache, *dstate, strict=True):
        dc = dc + dh * o * (1 - tanh_c**2)
        dz = np.concatenate(
            [dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)]
        )
        grads.W_xh[:] += np.outer(x, dz)
        grads.W_hh[:] += np.outer(h_prev, dz)
        grads.b_h[:] += dz
        dx.append(params.W_xh @ dz)
        dh_prev.append(params.W_hh @ dz)
        dc_prev.append(dc * f)
    return grads, dx, (dh_prev, dc_prev)


def gru_step_by_slices(params, x, h_prev):
    H = h_prev.shape[1]
    z, W_hg = x @ params.W_xh + params.b_h, params.W_hh[:, 2 * H :]
    gates = sigmoid(z[:, : 2 * H] + h_prev @ params.W_hh[:, : 2 * H])
    r, u = gates[:, :H], gates[:, H:]
    s = h_prev @ W_hg + params.b_hg
    g = np.tanh(z[:, 2 * H :] + r * s)
    return h_prev * u + g - u * g, gru.Cache(x, h_prev, r, u, g, s)


def gru_step_with_a_product_for_each_gate(params, x, h_prev):
    (W_xr, W_xu, W_xg), (W_hr, W_hu, W_hg), (b_r, b_u, b_g) = (np.split(p, 3, axis=-1) for p in params[:3])
    r = 1 / (1 + np.exp(-(x @ W_xr + h_prev @ W_hr + b_r)))
    u = 1 / (1 + np.exp(-(x @ W_xu + h_prev @ W_hu + b_u)))
    s = h_prev @ W_hg + params[3]
    g = np.tanh(x @ W_xg + b_g + r * s)
    return [(g + u * (h_prev - g)).tolist(), (x, h_prev, r, u, g, s)]


def gru_step_taking_a_sum_apart(params, x, h_prev):
    H = len(params.b_hg)
    s = h_prev @ params.W_hh[:, -H:] + params.b_hg
    z = x @ params.W_xh + h_prev @ params.W_hh + params.b_h
    r, u, z_g = sigmoid(z[:, :H]), sigmoid(z[:, H:-H]), z[:, -H:] - s + params.b_hg
    g = np.tanh(np.asfortranarray(z_g + r * s))
    return (1 - u) * g + u * h_prev, gru.Cache(s=s, g=g, u=u, r=r, h_prev=h_prev.copy(), x=x.copy())


def gru_step_backward_gate_by_gate(params, cache, dh):
    x, h_prev, r, u, g, s = cache
    W_hr, W_hu, W_hg = np.split(params.W_hh, 3, axis=1)
    W_xr, W_xu, W_xg = np.split(params.W_xh, 3, axis=1)
    dg, du = dh * (1 - u), dh * h_prev - dh * g
    a_g = dg * (1 - g * g)
    dr, ds = a_g * s, a_g * r
    a_r, a_u = dr * r * (1 - r), du * u * (1 - u)
    dW_xh = np.hstack([x.T @ a_r, x.T @ a_u, x.T @ a_g])
    dW_hh = np.hstack([h_prev.T @ a_r, h_prev.T @ a_u, h_prev.T @ ds])
    db_h = np.hstack([a_r.sum(0), a_u.sum(0), a_g.sum(0)])
    dh_prev = dh * u + a_r @ W_hr.T + a_u @ W_hu.T + ds @ W_hg.T
    return (dW_xh, dW_hh, db_h, ds.sum(0)), a_r @ W_xr.T + a_u @ W_xu.T + a_g @ W_xg.T, dh_prev


def gru_step_backward_with_replace(params, cache, dh):
    H = dh.shape[1]
    dz = np.empty((len(dh), 3 * H))
    dz[:, 2 * H :] = dh * (1 - cache.u) * (1 - cache.g**2)
    dz[:, :H] = dz[:, 2 * H :] * cache.s * cache.r * (1 - cache.r)
    dz[:, H : 2 * H] = dh * (cache.h_prev - cache.g) * cache.u * (1 - cache.u)
    dz_h = dz.copy()
    dz_h[:, 2 * H :] *= cache.r
    grads = params._replace(b_h=dz.sum(0), b_hg=dz_h[:, 2 * H :].sum(0))
    grads = grads._replace(W_xh=np.einsum("nd,nk->dk", cache.x, dz), W_hh=np.einsum("nh,nk->hk", cache.h_prev, dz_h))
    return grads, dz @ params.W_xh.T, dz_h @ params.W_hh.T + cache.u * dh


def gru_step_backward_sequence_by_sequence(params, cache, dh):
    grads, dx, dh_prev = [np.zeros(p.shape) for p in params], [], []
    for x, h_prev, r, u, g, s, d in zip(*cache, dh, strict=True):
        a_g = d * (1 - u) * (1 - g**2)
        a = np.concatenate([a_g * s * r * (1 - r), d * (h_prev - g) * u * (1 - u), a_g])
        a_h = np.concatenate([a[: -len(r)], a_g * r])
        for total, part in zip(grads, (np.outer(x, a), np.outer(h_prev, a_h), a, a_g * r), strict=True):
            total += part
        dx.append(params.W_xh @ a)
        dh_prev.append(params.W_hh @ a_h + u * d)
    return grads, dx, dh_prev


RIGHT: dict[str, list] = {
    "lstm.step": [lstm_step_by_slices, lstm_step_with_a_product_for_each_gate, lstm_step_in_scalars],
    "lstm.init": [lstm_init_by_random_numbers, lstm_init_from_one_draw],
    "lstm.memory_half_life": [
        half_life_in_base_two,
        half_life_entry_by_entry,
        half_life_by_log1p_and_a_straight_line_for_shut_gates,
    ],
    "lstm.step_backward": [
        lstm_step_backward_gate_by_gate,
        lstm_step_backward_recomputing_the_step,
        lstm_step_backward_sequence_by_sequence,
    ],
    "gru.step": [gru_step_by_slices, gru_step_with_a_product_for_each_gate, gru_step_taking_a_sum_apart],
    "gru.step_backward": [
        gru_step_backward_gate_by_gate,
        gru_step_backward_with_replace,
        gru_step_backward_sequence_by_sequence,
    ],
}


# Mistakes of the catalogue, written otherwise than there.


def lstm_step_as_cs231n_packs_it(params, x, state):
    z, H = x @ params.W_xh + state.h @ params.W_hh + params.b_h, state.h.shape[1]
    i, f, o, g = sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H]), sigmoid(z[:, 2 * H : 3 * H]), np.tanh(z[:, 3 * H :])
    c = f * state.c + i * g
    return lstm.State(o * np.tanh(c), c), lstm.Cache(x, state.h, state.c, i, f, g, o, np.tanh(c))


def lstm_step_with_a_reshape_that_interleaves(params, x, state):
    z = x @ params.W_xh + state.h @ params.W_hh + params.b_h
    i, f, g, o = np.moveaxis(z.reshape(len(x), -1, 4), 2, 0)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * state.c + i * g
    return lstm.State(o * np.tanh(c), c), lstm.Cache(x, state.h, state.c, i, f, g, o, np.tanh(c))


def lstm_step_that_unpacks_c_first(params, x, state):
    c, h = state
    i, f, g, o = np.split(x @ params.W_xh + h @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c_next = c * f + g * i
    return (np.tanh(c_next) * o, c_next), lstm.Cache(x, h, c, i, f, g, o, np.tanh(c_next))


def lstm_init_as_pytorch_does(rng, D, H, forget_bias):
    W_xh, W_hh, b_h = (rng.uniform(-(H**-0.5), H**-0.5, shape) for shape in ((D, 4 * H), (H, 4 * H), 4 * H))
    b_h[H : 2 * H] += forget_bias
    return lstm.Params(W_xh, W_hh, b_h)


def lstm_init_from_a_draw_with_a_gate_axis(rng, D, H, forget_bias):
    W_xh, W_hh = (np.concatenate(rng.uniform(-1, 1, (4, rows, H)) / np.sqrt(H), axis=1) for rows in (D, H))
    return lstm.Params(W_xh, W_hh, np.concatenate([np.zeros(H), np.full(H, forget_bias), np.zeros(2 * H)]))


def half_life_by_logaddexp_of_terms(b):
    return -np.log(0.5) / np.logaddexp(np.exp(0.0), np.exp(-b))


def half_life_by_a_plain_sigmoid(b):
    return -np.log(2) / np.log(1 / (1 + np.exp(-b)))


def lstm_step_backward_with_one_bias_row_for_each_sequence(params, cache, dstate):
    grads, dx, dstate_prev = lstm.step_backward(params, cache, dstate)
    parts = [
        lstm.step_backward(params, lstm.Cache(*(a[[n]] for a in cache)), lstm.State(*(a[[n]] for a in dstate)))
        for n in range(len(dx))
    ]
    return grads._replace(b_h=[part[0].b_h for part in parts]), dx, dstate_prev


def gru_step_from_the_paper(params, x, h_prev):
    (W_xr, W_xu, W_xg), (W_hr, W_hu, W_hg), (b_r, b_u, b_g) = (np.split(p, 3, axis=-1) for p in params[:3])
    r, u = sigmoid(x @ W_xr + h_prev @ W_hr + b_r), sigmoid(x @ W_xu + h_prev @ W_hu + b_u)
    s = (r * h_prev) @ W_hg + params.b_hg
    g = np.tanh(x @ W_xg + b_g + s)
    return u * h_prev + (1 - u) * g, gru.Cache(x, h_prev, r, u, g, s)


def gru_step_moved_towards_g_by_u(params, x, h_prev):
    _, cache = gru.step(params, x, h_prev)
    return h_prev + cache.u * (cache.g - h_prev), cache


def gru_step_with_keras_packing(params, x, h_prev):
    H = h_prev.shape[1]
    z, q = x @ params.W_xh + params.b_h, h_prev @ params.W_hh
    u, r, s = sigmoid(z[:, :H] + q[:, :H]), sigmoid((z + q)[:, H : 2 * H]), q[:, 2 * H :] + params.b_hg
    g = np.tanh(z[:, 2 * H :] + r * s)
    return u * h_prev + (1 - u) * g, (x, h_prev, r, u, g, s)


def gru_step_backward_that_leaves_b_hg(params, cache, dh):
    grads, dx, dh_prev = gru.step_backward(params, cache, dh)
    return params._replace(W_hh=grads.W_hh, b_h=grads.b_h, W_xh=grads.W_xh), dx, dh_prev


WRONG: list[tuple] = [
    ("lstm.step", lstm_step_as_cs231n_packs_it, "gates-in-the-order-i-f-o-g"),
    ("lstm.step", lstm_step_with_a_reshape_that_interleaves, "gates-interleaved"),
    ("lstm.step", lstm_step_that_unpacks_c_first, "state-taken-apart-the-other-way-round"),
    ("lstm.init", lstm_init_from_a_draw_with_a_gate_axis, "drawn-gate-by-gate"),
    ("lstm.init", lstm_init_as_pytorch_does, "forget-bias-added-to-drawn-biases"),
    ("lstm.memory_half_life", half_life_by_logaddexp_of_terms, "terms-for-exponents"),
    ("lstm.memory_half_life", half_life_by_a_plain_sigmoid, "log-of-sigmoid"),
    ("lstm.step_backward", lstm_step_backward_with_one_bias_row_for_each_sequence, "bias-not-summed-over-the-batch"),
    ("gru.step", gru_step_from_the_paper, "reset-gate-before-the-product"),
    ("gru.step", gru_step_moved_towards_g_by_u, "u-and-one-minus-u-exchanged"),
    ("gru.step", gru_step_with_keras_packing, "r-and-u-exchanged"),
    ("gru.step_backward", gru_step_backward_that_leaves_b_hg, "b-hg-itself"),
]
