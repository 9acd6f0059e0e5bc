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


def lstm_step_by_one_product(params, x, state):
    z = np.hstack([x, state.h, np.ones((len(x), 1))]) @ np.vstack(params)
    i, f, g, o = np.moveaxis(z.reshape(len(x), 4, -1), 1, 0)
    i, f, o = sigmoid(np.stack([i, f, o]))
    c = state.c.copy()
    c *= f
    c += i * np.tanh(g)
    return lstm.State(c=c, h=o * np.tanh(c)), lstm.Cache(x, state.h, state.c, i, f, np.tanh(g), o, np.tanh(c))


def lstm_init_by_random_numbers(rng, D, H, forget_bias):
    W_xh = (2 * rng.random((D, 4 * H)) - 1) / math.sqrt(H)
    W_hh = (2 * rng.random((H, 4 * H)) - 1) / math.sqrt(H)
    b_h = np.concatenate([np.zeros(H), np.full(H, forget_bias), np.zeros(2 * H)])
    return W_xh, W_hh, b_h


def lstm_init_from_one_draw(rng, D, H, forget_bias):
    W = rng.uniform(-(H**-0.5), H**-0.5, (D + H, 4 * H))
    return lstm.Params(W[:D], W[D:], np.repeat([0, forget_bias, 0, 0], H))


def lstm_init_with_a_bias_in_rows(rng, D, H, forget_bias):
    bound = 1 / np.sqrt(H)
    W_xh, W_hh = (rng.uniform(-bound, bound, size=(rows, 4 * H)) for rows in (D, H))
    b_h = np.zeros((4, H))
    b_h[1] += forget_bias
    return lstm.Params(W_xh, W_hh, b_h.ravel())


def half_life_by_sides(b):
    b = np.asarray(b)
    softplus = np.where(b > 0, np.log1p(np.exp(-np.abs(b))), np.log1p(np.exp(-np.abs(b))) - b)
    return np.log(2) / softplus


def half_life_in_base_two(b):
    return 1 / np.logaddexp2(0, -np.asarray(b) / np.log(2))


def half_life_entry_by_entry(b):
    out = [math.log(0.5) / (min(v, 0) - math.log1p(math.exp(-abs(v)))) for v in np.ravel(b)]
    return np.reshape(out, np.shape(b))


def half_life_by_log1p_and_a_straight_line_for_shut_gates(b):
    return np.log(2) / np.where(b < -700, -b, np.log1p(np.exp(-np.maximum(b, -700))))


def half_life_by_logarithm_of_a_reduced_sum(b):
    b = np.asarray(b)
    return -np.log(0.5) / np.logaddexp.reduce(np.stack([np.zeros(b.shape), -b]), axis=0)


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
    "lstm.step": [
        lstm_step_by_slices,
        lstm_step_with_a_product_for_each_gate,
        lstm_step_in_scalars,
        lstm_step_by_one_product,
    ],
    "lstm.init": [lstm_init_by_random_numbers, lstm_init_from_one_draw, lstm_init_with_a_bias_in_rows],
    "lstm.memory_half_life": [
        half_life_by_sides,
        half_life_in_base_two,
        half_life_entry_by_entry,
        half_life_by_log1p_and_a_straight_line_for_shut_gates,
        half_life_by_logarithm_of_a_reduced_sum,
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


def lstm_step_with_the_sigmoid_of_everything(params, x, state):
    gates = sigmoid(x @ params.W_xh + state.h @ params.W_hh + params.b_h)
    i, f, g, o = np.array_split(gates, 4, axis=1)
    c = f * state.c + i * g
    tanh_c = np.tanh(c)
    return (o * tanh_c, c), (x, state.h, state.c, i, f, g, o, tanh_c)


def lstm_step_with_a_tanh_that_stays_in_c(params, x, state):
    i, f, g, o = np.split(x @ params.W_xh + state.h @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    tanh_c = np.tanh(f * state.c + i * g)
    return lstm.State(h=o * tanh_c, c=tanh_c), lstm.Cache(x, state.h, state.c, i, f, g, o, tanh_c)


def lstm_step_with_brackets_round_both_terms(params, x, state):
    i, f, g, o = np.split(x @ params.W_xh + state.h @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * state.c + f * i * g
    return lstm.State(o * np.tanh(c), c), lstm.Cache(x, state.h, state.c, i, f, g, o, np.tanh(c))


def lstm_step_with_a_bias_for_x_and_one_for_h(params, x, state):
    z = (x @ params.W_xh + params.b_h) + (state.h @ params.W_hh + params.b_h)
    i, f, g, o = np.split(z, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * state.c + i * g
    return lstm.State(o * np.tanh(c), c), lstm.Cache(x, state.h, state.c, i, f, g, o, np.tanh(c))


def lstm_step_that_unpacks_c_first(params, x, state):
    c, h = state
    i, f, g, o = np.split(x @ params.W_xh + h @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c_next = c * f + g * i
    return (np.tanh(c_next) * o, c_next), lstm.Cache(x, h, c, i, f, g, o, np.tanh(c_next))


def lstm_step_that_keeps_the_old_c(params, x, state):
    i, f, g, o = np.split(x @ params.W_xh + state.h @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    tanh_c = np.tanh(f * state.c + i * g)
    return state._replace(h=o * tanh_c), lstm.Cache(x, *state, i, f, g, o, tanh_c)


def lstm_step_with_the_sigmoid_of_everything_and_tanh_after_it(params, x, state):
    H = state.h.shape[1]
    gates = sigmoid(x @ params.W_xh + state.h @ params.W_hh + params.b_h)
    i, f, g, o = gates[:, :H], gates[:, H : 2 * H], np.tanh(gates[:, 2 * H : 3 * H]), gates[:, 3 * H :]
    c = f * state.c + i * g
    return lstm.State(o * np.tanh(c), c), lstm.Cache(x, state.h, state.c, i, f, g, o, np.tanh(c))


def lstm_step_that_shows_before_it_changes_c(params, x, state):
    i, f, g, o = np.split(x @ params.W_xh + state.h @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = state.c
    tanh_c = np.tanh(c)
    h = o * tanh_c
    c = f * c + i * g
    return lstm.State(h, c), lstm.Cache(x, state.h, state.c, i, f, g, o, tanh_c)


def lstm_init_as_pytorch_does(rng, D, H, forget_bias):
    W_xh, W_hh, b_h = (rng.uniform(-(H**-0.5), H**-0.5, shape) for shape in ((D, 4 * H), (H, 4 * H), 4 * H))
    b_h[H : 2 * H] += forget_bias
    return lstm.Params(W_xh, W_hh, b_h)


def lstm_init_with_full(rng, D, H, forget_bias):
    bound = np.power(H, -0.5)
    return rng.uniform(-bound, bound, (D, 4 * H)), rng.uniform(-bound, bound, (H, 4 * H)), np.full(4 * H, forget_bias)


def lstm_init_with_repeat_in_the_wrong_order(rng, D, H, forget_bias):
    bound = 1 / H**0.5
    W_xh, W_hh = rng.uniform(-bound, bound, (D, 4 * H)), rng.uniform(-bound, bound, (H, 4 * H))
    return lstm.Params(W_xh, W_hh, np.repeat([forget_bias, 0.0, 0.0, 0.0], H))


def lstm_init_with_tile_for_repeat(rng, D, H, forget_bias):
    bound = 1 / H**0.5
    W_xh, W_hh = rng.uniform(-bound, bound, (D, 4 * H)), rng.uniform(-bound, bound, (H, 4 * H))
    return lstm.Params(W_xh, W_hh, np.tile([0.0, forget_bias, 0.0, 0.0], H))


def lstm_init_from_one_draw_with_h_first(rng, D, H, forget_bias):
    W = rng.uniform(-(H**-0.5), H**-0.5, (H + D, 4 * H))
    return lstm.Params(W[H:], W[:H], np.repeat([0.0, forget_bias, 0.0, 0.0], H))


def lstm_init_with_bound_over_h(rng, D, H, forget_bias):
    W_xh, W_hh = (2 * rng.random((rows, 4 * H)) / H - 1 / H for rows in (D, H))
    return lstm.Params(W_xh, W_hh, np.repeat([0.0, forget_bias, 0.0, 0.0], H))


def lstm_init_from_four_draws(rng, D, H, forget_bias):
    b, b_h = 1 / np.sqrt(H), np.zeros(4 * H)
    W_xh, W_hh = (
        np.concatenate(
            [
                rng.uniform(-b, b, (rows, H)),
                rng.uniform(-b, b, (rows, H)),
                rng.uniform(-b, b, (rows, H)),
                rng.uniform(-b, b, (rows, H)),
            ],
            axis=1,
        )
        for rows in (D, H)
    )
    b_h[H : 2 * H] = forget_bias
    return lstm.Params(W_xh, W_hh, b_h)


def lstm_init_from_a_draw_with_a_gate_axis(rng, D, H, forget_bias):
    W_xh, W_hh = (np.concatenate(rng.uniform(-1, 1, (4, rows, H)) / np.sqrt(H), axis=1) for rows in (D, H))
    return lstm.Params(W_xh, W_hh, np.concatenate([np.zeros(H), np.full(H, forget_bias), np.zeros(2 * H)]))


def lstm_init_with_both_weights_of_a_gate_at_once(rng, D, H, forget_bias):
    W_xh, W_hh, b = [], [], H**-0.5
    for _ in "ifgo":
        W_xh.append(rng.uniform(-b, b, (D, H)))
        W_hh.append(rng.uniform(-b, b, (H, H)))
    b_h = np.repeat([0.0, forget_bias, 0.0, 0.0], H)
    return lstm.Params(np.concatenate(W_xh, axis=1), np.concatenate(W_hh, axis=1), b_h)


def half_life_by_a_clipped_gate(b):
    return -np.log(2) / np.log(np.clip(1 / (1 + np.exp(-b)), 1e-12, None))


def half_life_by_log_of_one_more_but_for_shut_gates(b):
    return np.log(2) / np.where(b < -30, -b, np.log(1 + np.exp(-b)))


def half_life_by_log_of_one_more_taken_at_positive_b_only(b):
    return np.log(2) / (np.log(1 + np.exp(-np.abs(b))) + np.maximum(-np.asarray(b), 0))


def half_life_by_log_of_the_gate_but_for_shut_gates(b):
    return -np.log(2) / np.where(b < -500, b, np.log(1 / (1 + np.exp(-b))))


def half_life_by_logaddexp_of_terms(b):
    return -np.log(0.5) / np.logaddexp(np.exp(0.0), np.exp(-b))


def half_life_cut_down(b):
    return int(np.log(0.5) / np.log(1 / (1 + np.exp(-b))))


def half_life_of_an_array_always(b):
    b = np.array(b, ndmin=1)
    return np.log(2) / np.logaddexp(0, -b)


def half_life_by_log1p_of_exp(b):
    return np.log(2) / np.log1p(np.exp(-b))


def half_life_by_a_plain_sigmoid(b):
    return -np.log(2) / np.log(1 / (1 + np.exp(-b)))


def half_life_of_what_is_let_go(b):
    return np.log(0.5) / np.log(1 / (1 + np.exp(b)))


def half_life_without_its_minus(b):
    return np.log(2) / np.log(sigmoid(np.asarray(b)))


def half_life_by_log2(b):
    return -1 / np.log(sigmoid(np.asarray(b)))


def half_life_in_whole_steps(b):
    return np.ceil(np.log(0.5) / np.log(1 / (1 + np.exp(-b))))


def half_life_without_its_minus_by_logaddexp(b):
    return np.log(0.5) / np.logaddexp(-np.asarray(b), 0)


def half_life_by_log2_and_log1p(b):
    return np.log2(2) / np.log1p(np.exp(-b))


def half_life_by_log2_and_logaddexp(b):
    return -np.log2(0.5) / np.logaddexp(0, -b)


def half_life_in_log10_and_ln(b):
    return np.log10(2) / np.log(1 + np.exp(-b))


def half_life_rounded_to_whole_steps(b):
    return np.rint(np.log(2) / np.log(1 + np.exp(-b)))


def half_life_with_ln_a_half_below(b):
    return -np.log(sigmoid(np.asarray(b))) / np.log(2)


def half_life_by_the_tangent(b):
    return 1 / (2 * (1 - 1 / (1 + np.exp(-b))))


def half_life_of_a_lifetime(b):
    return 1 + np.exp(b)


def lstm_back(dc=None, dz=None, dc_prev=None, order="ifgo", own="c_prev"):
    """Build a step back whose parts can be put wrong one by one."""

    def step_backward(params, cache, dstate):
        x, h_prev, c_prev, i, f, g, o, tanh_c = cache
        k = {"x": x, "h_prev": h_prev, "c_prev": c_prev, "i": i, "f": f, "g": g, "o": o, "tanh_c": tanh_c}
        k |= {"dh": dstate.h, "dc_next": dstate.c, "c": f * c_prev + i * g, "np": np}
        k["dc"] = eval(dc or "dc_next + dh * o * (1 - tanh_c * tanh_c)", k)
        gates = {
            "i": k["dc"] * g * (i - i**2),
            "f": k["dc"] * k[own] * (f - f**2),
            "g": k["dc"] * i * (1 - g**2),
            "o": k["dh"] * tanh_c * (o - o**2),
        }
        gates |= {name: eval(text, k) for name, text in (dz or {}).items()}
        rows = np.hstack([gates[name] for name in order])
        grads = (x.T @ rows, h_prev.T @ rows, rows.sum(axis=0))
        return grads, rows @ params.W_xh.T, (rows @ params.W_hh.T, eval(dc_prev or "dc * f", k))

    return step_backward


def lstm_step_backward_into_the_gradient_given(params, cache, dstate):
    dstate.c[:] += dstate.h * cache.o * (1 - cache.tanh_c**2)
    return lstm.step_backward(
        params, cache, lstm.State(dstate.h, dstate.c - dstate.h * cache.o * (1 - cache.tanh_c**2))
    )


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


def gru_step_with_r_on_the_whole_sum(params, x, h_prev):
    z_r, z_u, z_g = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 3, axis=1)
    r, u, s = sigmoid(z_r), sigmoid(z_u), np.split(h_prev @ params.W_hh, 3, axis=1)[2] + params.b_hg
    g = np.tanh(r * (z_g + params.b_hg))
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


def gru_step_without_b_g(params, x, h_prev):
    (W_xr, W_xu, W_xg), (W_hr, W_hu, W_hg), (b_r, b_u, _) = (np.split(p, 3, axis=-1) for p in params[:3])
    r, u = sigmoid(x @ W_xr + h_prev @ W_hr + b_r), sigmoid(x @ W_xu + h_prev @ W_hu + b_u)
    s = h_prev @ W_hg + params.b_hg
    g = np.tanh(x @ W_xg + r * s)
    return u * h_prev + (1 - u) * g, gru.Cache(x, h_prev, r, u, g, s)


def gru_step_made_of(r="sigmoid(z_r)", u="sigmoid(z_u)", s="h_prev @ W_hg + b_hg"):
    """Build a step whose parts can be put wrong one by one."""

    def step(params, x, h_prev):
        z_x, z_h = np.split(x @ params.W_xh + params.b_h, 3, axis=1), np.split(h_prev @ params.W_hh, 3, axis=1)
        k = {"sigmoid": sigmoid, "np": np, "h_prev": h_prev, "b_hg": params.b_hg}
        k |= {"z_r": z_x[0] + z_h[0], "z_u": z_x[1] + z_h[1], "W_hg": np.split(params.W_hh, 3, axis=1)[2]}
        k["r"], k["u"] = eval(r, k), eval(u, k)
        k["s"] = eval(s, k)
        g = np.tanh(z_x[2] + k["r"] * k["s"])
        return g + k["u"] * (h_prev - g), gru.Cache(x, h_prev, k["r"], k["u"], g, k["s"])

    return step


def gru_step_backward_that_leaves_b_hg(params, cache, dh):
    grads, dx, dh_prev = gru.step_backward(params, cache, dh)
    return params._replace(W_hh=grads.W_hh, b_h=grads.b_h, W_xh=grads.W_xh), dx, dh_prev


def gru_step_backward_with_columns(x_order, h_order):
    """Build a step back that puts the gates' gradients side by side in the given orders."""

    def step_backward(params, cache, dh):
        x, h_prev, r, u, g, s = cache
        d = {"g": dh * (1 - u) * (1 - g * g), "u": dh * (h_prev - g) * (u - u * u)}
        d |= {"r": d["g"] * s * (r - r * r), "s": d["g"] * r}
        from_x, from_h = (np.hstack([d[name] for name in order]) for order in (x_order, h_order))
        grads = (x.T @ from_x, h_prev.T @ from_h, from_x.sum(0), d["s"].sum(0))
        return grads, from_x @ params.W_xh.T, u * dh + from_h @ params.W_hh.T

    return step_backward


def gru_back(dz_g="dh * (1 - u) * (1 - g * g)", dz_u="dh * (h_prev - g) * u * (1 - u)", **parts):
    """Build a step back whose parts can be put wrong one by one."""

    def step_backward(params, cache, dh):
        k = {**cache._asdict(), "dh": dh, "np": np}
        k["dz_g"], k["dz_u"] = eval(dz_g, k), eval(dz_u, k)
        k["dz_r"] = eval(parts.get("dz_r", "dz_g * s * (r - r * r)"), k)
        k["ds"] = eval(parts.get("ds", "dz_g * r"), k)
        from_x = np.hstack([k["dz_r"], k["dz_u"], eval(parts.get("to_x", "dz_g"), k)])
        from_h = np.hstack([k["dz_r"], k["dz_u"], eval(parts.get("to_h", "ds"), k)])
        grads = cache.x.T @ from_x, cache.h_prev.T @ from_h, from_x.sum(0), eval(parts.get("b_hg", "ds.sum(0)"), k)
        return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + eval(parts.get("direct", "u * dh"), k)

    return step_backward


WRONG: list[tuple] = [
    ("lstm.step", lstm_step_as_cs231n_packs_it, "gates-in-the-order-i-f-o-g"),
    ("lstm.step", lstm_step_with_a_reshape_that_interleaves, "gates-interleaved"),
    ("lstm.step", lstm_step_with_the_sigmoid_of_everything, "sigmoid-for-g"),
    ("lstm.step", lstm_step_with_a_tanh_that_stays_in_c, "tanh-c-carried"),
    ("lstm.step", lstm_step_with_brackets_round_both_terms, "forget-gate-on-the-candidate"),
    ("lstm.step", lstm_step_with_a_bias_for_x_and_one_for_h, "bias-twice"),
    ("lstm.step", lstm_step_that_unpacks_c_first, "state-taken-apart-the-other-way-round"),
    ("lstm.step", lstm_step_that_keeps_the_old_c, "c-not-carried"),
    (
        "lstm.step",
        lstm_step_with_the_sigmoid_of_everything_and_tanh_after_it,
        "tanh-of-sigmoid-for-g",
    ),
    ("lstm.step", lstm_step_that_shows_before_it_changes_c, "c-prev-shown-and-cached"),
    ("lstm.init", lstm_init_from_four_draws, "drawn-gate-by-gate"),
    ("lstm.init", lstm_init_from_a_draw_with_a_gate_axis, "drawn-gate-by-gate"),
    ("lstm.init", lstm_init_with_both_weights_of_a_gate_at_once, "drawn-in-turn-gate-by-gate"),
    ("lstm.init", lstm_init_as_pytorch_does, "forget-bias-added-to-drawn-biases"),
    ("lstm.init", lstm_init_with_full, "forget-bias-on-all"),
    ("lstm.init", lstm_init_with_repeat_in_the_wrong_order, "forget-bias-on-i"),
    ("lstm.init", lstm_init_with_tile_for_repeat, "forget-bias-on-every-fourth"),
    ("lstm.init", lstm_init_from_one_draw_with_h_first, "w-hh-drawn-first"),
    ("lstm.init", lstm_init_with_bound_over_h, "bound-not-rooted"),
    ("lstm.memory_half_life", half_life_by_log1p_of_exp, "log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_by_a_clipped_gate, "gate-kept-off-zero"),
    ("lstm.memory_half_life", half_life_by_log_of_one_more_but_for_shut_gates, "safe-at-the-shut-end-only"),
    ("lstm.memory_half_life", half_life_by_log_of_one_more_taken_at_positive_b_only, "safe-at-the-shut-end-only"),
    (
        "lstm.memory_half_life",
        half_life_by_log_of_the_gate_but_for_shut_gates,
        "logarithm-of-a-gate-that-is-one",
    ),
    ("lstm.memory_half_life", half_life_by_logaddexp_of_terms, "terms-for-exponents"),
    ("lstm.memory_half_life", half_life_cut_down, "cut-by-int"),
    ("lstm.memory_half_life", half_life_of_an_array_always, "an-axis-more"),
    ("lstm.memory_half_life", half_life_by_a_plain_sigmoid, "log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_of_what_is_let_go, "sign-of-b-and-log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_without_its_minus, "negative-and-log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_by_log2, "time-constant-and-log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_in_whole_steps, "rounded-up-and-log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_without_its_minus_by_logaddexp, "negative"),
    ("lstm.memory_half_life", half_life_by_log2_and_log1p, "time-constant-and-log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_by_log2_and_logaddexp, "time-constant"),
    ("lstm.memory_half_life", half_life_in_log10_and_ln, "base-ten-above-and-log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_rounded_to_whole_steps, "rounded"),
    ("lstm.memory_half_life", half_life_with_ln_a_half_below, "upside-down-and-log-of-sigmoid"),
    ("lstm.memory_half_life", half_life_by_the_tangent, "subtracted-at-every-step"),
    ("lstm.memory_half_life", half_life_of_a_lifetime, "mean-lifetime"),
    ("lstm.step_backward", lstm_step_backward_into_the_gradient_given, "mutates-input"),
    (
        "lstm.step_backward",
        lstm_step_backward_with_one_bias_row_for_each_sequence,
        "bias-not-summed-over-the-batch",
    ),
    ("lstm.step_backward", lstm_back(dc="dc_next"), "no-road-through-h"),
    ("lstm.step_backward", lstm_back(dc="dh * o * (1 - tanh_c**2)"), "dc-next-forgotten"),
    ("lstm.step_backward", lstm_back(dc="dc_next + dh"), "dh-added-to-dc-as-it-is"),
    ("lstm.step_backward", lstm_back(dc="dc_next + dh * o - dh * o * c**2"), "slope-at-c"),
    ("lstm.step_backward", lstm_back(dc_prev="dc"), "f-missing-in-dc-prev"),
    ("lstm.step_backward", lstm_back(dc_prev="dc_next * f"), "dc-prev-before-the-road-through-h"),
    ("lstm.step_backward", lstm_back(dz={"o": "dh * c * (o - o * o)"}), "o-with-c-for-tanh-c"),
    ("lstm.step_backward", lstm_back(dz={"o": "dh * (o - o * o)"}), "o-without-tanh-c"),
    ("lstm.step_backward", lstm_back(own="c"), "f-with-new-c"),
    ("lstm.step_backward", lstm_back(own="h_prev"), "f-with-h-prev"),
    ("lstm.step_backward", lstm_back(dz={"g": "dc * i * (g - g * g)"}), "slope-of-sigmoid-for-g"),
    ("lstm.step_backward", lstm_back(dc="dc_next + dh * o * (1 - tanh_c)**2"), "difference-squared"),
    ("lstm.step_backward", lstm_back(dz={"o": "dh * tanh_c * (1 - o * o)"}), "slope-of-tanh-for-o"),
    ("lstm.step_backward", lstm_back(dz={"f": "dc_next * c_prev * (f - f**2)"}), "f-from-dc-next"),
    ("lstm.step_backward", lstm_back(own="f"), "f-by-itself"),
    ("lstm.step_backward", lstm_back(dz={"i": "dc * i * (i - i**2)"}), "i-by-itself"),
    ("lstm.step_backward", lstm_back(dz={"g": "dc * g * (1 - g**2)"}), "g-by-itself"),
    ("lstm.step_backward", lstm_back(order="ifog"), "packed-i-f-o-g"),
    ("lstm.step_backward", lstm_back(order="figo"), "packed-f-i-g-o"),
    ("gru.step", gru_step_from_the_paper, "reset-gate-before-the-product"),
    ("gru.step", gru_step_with_r_on_the_whole_sum, "x-part-reset-too"),
    ("gru.step", gru_step_moved_towards_g_by_u, "u-and-one-minus-u-exchanged"),
    ("gru.step", gru_step_with_keras_packing, "r-and-u-exchanged"),
    ("gru.step", gru_step_without_b_g, "b-g-forgotten"),
    ("gru.step", gru_step_made_of(u="np.tanh(z_u)"), "tanh-for-u"),
    ("gru.step", gru_step_made_of(r="np.tanh(z_r)"), "tanh-for-r"),
    ("gru.step", gru_step_made_of(r="sigmoid(z_u)"), "r-from-the-second-block"),
    ("gru.step", gru_step_made_of(u="sigmoid(z_r)"), "u-from-the-first-block"),
    ("gru.step", gru_step_made_of(s="(h_prev * r) @ W_hg + b_hg"), "reset-twice"),
    ("gru.step_backward", gru_step_backward_that_leaves_b_hg, "b-hg-itself"),
    ("gru.step_backward", gru_step_backward_with_columns("urg", "rus"), "packed-u-r-g-for-x"),
    ("gru.step_backward", gru_step_backward_with_columns("rug", "urs"), "packed-u-r-s-for-h"),
    ("gru.step_backward", gru_back(direct="0"), "direct-road-forgotten"),
    ("gru.step_backward", gru_back(direct="dh - u * dh"), "direct-road-with-one-minus-u"),
    ("gru.step_backward", gru_back(dz_u="dh * (g - h_prev) * u * (1 - u)"), "sign-of-the-difference"),
    ("gru.step_backward", gru_back(dz_g="dh * u * (1 - g**2)"), "u-for-one-minus-u"),
    ("gru.step_backward", gru_back(dz_g="dh * (1 - u) * g * (1 - g)"), "slope-of-sigmoid-for-g"),
    ("gru.step_backward", gru_back(dz_r="dz_g * h_prev * (r - r**2)"), "h-prev-for-s"),
    ("gru.step_backward", gru_back(ds="dz_g + 0"), "r-forgotten-in-ds"),
    ("gru.step_backward", gru_back(to_h="dz_g"), "dz-g-for-ds"),
    ("gru.step_backward", gru_back(to_x="ds"), "ds-for-dz-g-with-x"),
    ("gru.step_backward", gru_back(b_hg="dz_g.sum(0)"), "b-hg-from-dz-g"),
]
