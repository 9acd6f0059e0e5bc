"""Answers to the exercises of lessons 00 to 02, right and wrong, as people write them."""

import math

import numpy as np

from bptt_lessons.cells.rnn import Cache, Params
from bptt_lessons.cells.unrolled import add_to_hidden, hidden
from bptt_lessons.nested import map_arrays, zeros_like
from bptt_lessons.training.readout import Readout


def sigmoid_by_tanh(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_by_masks(z):
    out = np.empty_like(z)
    out[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    e = np.exp(z[z < 0])
    out[z < 0] = e / (1 + e)
    return out


def sigmoid_as_lists(z):
    if z.ndim > 1:
        return [sigmoid_as_lists(row) for row in z]
    return [1 / (1 + math.exp(-v)) if v > 0 else math.exp(v) / (1 + math.exp(v)) for v in z]


def sigmoid_clipped_far_out(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def step_in_scalars(params, x, h_prev):
    W_xh, W_hh, b_h = params
    h = [
        [
            math.tanh(
                b_h[j]
                + sum(x[n, d] * W_xh[d, j] for d in range(x.shape[1]))
                + sum(h_prev[n, i] * W_hh[i, j] for i in range(h_prev.shape[1]))
            )
            for j in range(len(b_h))
        ]
        for n in range(len(x))
    ]
    return h, (x, h_prev, h)


def step_by_einsum(params, x, h_prev):
    z = np.einsum("nd,dh->nh", x, params.W_xh) + np.einsum("ni,ih->nh", h_prev, params.W_hh) + params.b_h
    h = np.asfortranarray(np.tanh(z))
    return [h, Cache(h=h, x=x, h_prev=h_prev)]


def step_by_one_product(params, x, h_prev):
    z = np.hstack([x, h_prev, np.ones((len(x), 1))]) @ np.vstack(params)
    h = 2 / (1 + np.exp(-2 * z)) - 1
    return h, Cache(x.copy(), h_prev.copy(), h[:])


def unrolled_forward_preallocated(cell, params, x, state0):
    h, caches = np.empty((len(x), *hidden(state0).shape)), ()
    state = state0
    for t in range(len(x)):
        state, cache = cell.step(params, x[t], state)
        h[t] = hidden(state)
        caches += (cache,)
    return h, state, caches


def unrolled_forward_with_sizes_from_params(cell, params, x, state0):
    T, N, _ = x.shape
    h, caches, state = np.zeros((T, N, params.W_hh.shape[0])), [None] * T, state0
    for t in range(T):
        state, caches[t] = cell.step(params, x[t], state)
        h[t, :, : len(params.b_h)] = hidden(state)
    return h, state, caches


def unrolled_forward_as_lists(cell, params, x, state0):
    steps = []
    for x_t in list(x):
        steps.append(cell.step(params, x_t, steps[-1][0] if steps else state0))
    last = steps[-1][0]
    last = [part.tolist() for part in last] if isinstance(last, tuple) else last.tolist()
    return [hidden(state).tolist() for state, _ in steps], last, [tuple(cache) for _, cache in steps]


def readout_forward_by_einsum(params, h):
    return np.einsum("tnh,hk->tnk", h, params.W_hy) + params.b_y


def readout_forward_step_by_step(params, h):
    return [h_t @ params.W_hy + params.b_y for h_t in h]


def mse_in_scalars(y, target, mask):
    total = count = 0
    for t, n in np.ndindex(mask.shape):
        if mask[t, n]:
            for k in range(y.shape[2]):
                total += (y[t, n, k] - target[t, n, k]) ** 2
                count += 1
    return total / count


def mse_by_weights(y, target, mask):
    weights = np.broadcast_to(mask[..., None], y.shape)
    return np.sum(np.where(weights, y - target, 0) ** 2) / np.sum(weights)


def cross_entropy_by_logaddexp(y, target):
    T, N, _ = y.shape
    right = y[np.arange(T)[:, None], np.arange(N), target]
    return np.mean(np.logaddexp.reduce(y, axis=-1) - right)


def cross_entropy_in_scalars(y, target):
    total = 0.0
    for t, n in np.ndindex(target.shape):
        m = max(y[t, n])
        total += m + math.log(sum(math.exp(v - m) for v in y[t, n])) - y[t, n, target[t, n]]
    return total / target.size


def mse_gradient_by_index(y, target, mask):
    dy = np.zeros_like(y, order="F")
    dy[mask] = (y[mask] - target[mask]) * 2 / y[mask].size
    return dy


def mse_gradient_by_where(y, target, mask):
    return np.where(mask[..., None], 2 * (y - target), 0) / (mask.sum() * y.shape[-1])


def cross_entropy_gradient_by_index(y, target):
    p = np.exp(y - y.max(axis=2, keepdims=True))
    p /= p.sum(axis=2, keepdims=True)
    p[np.arange(len(y))[:, None], np.arange(y.shape[1]), target] -= 1
    return p / target.size


def cross_entropy_gradient_by_jacobian(y, target):
    dy = np.zeros(y.shape)
    for t, n in np.ndindex(target.shape):
        e = np.exp(y[t, n] - y[t, n].max())
        dy[t, n] = e / e.sum()
        dy[t, n, target[t, n]] -= 1
    return list(dy / target.size)


def readout_backward_by_einsum(params, h, dy):
    return (
        Readout(np.einsum("tnh,tnk->hk", h, dy), np.einsum("tnk->k", dy)),
        np.einsum("tnk,hk->tnh", dy, params.W_hy),
    )


def readout_backward_step_by_step(params, h, dy):
    W_hy, b_y, dh = np.zeros_like(params.W_hy), np.zeros_like(params.b_y), []
    for h_t, dy_t in zip(h, dy, strict=True):
        W_hy += h_t.T @ dy_t
        b_y += dy_t.sum(axis=0)
        dh.append(dy_t @ params.W_hy.T)
    return (W_hy, b_y), dh


def step_backward_recomputing_h(params, cache, dh):
    h = np.tanh(cache.x @ params.W_xh + cache.h_prev @ params.W_hh + params.b_h)
    dz = (1 + h) * (1 - h) * dh
    return (
        Params(cache.x.T @ dz, cache.h_prev.T @ dz, np.ones(len(dz)) @ dz),
        (params.W_xh @ dz.T).T,
        dz @ params.W_hh.T,
    )


def step_backward_sequence_by_sequence(params, cache, dh):
    grads, dx, dh_prev = zeros_like(params), [], []
    for x, h_prev, h, dh_n in zip(*cache, dh, strict=True):
        dz = dh_n - dh_n * h**2
        grads.W_xh[:] += np.outer(x, dz)
        grads.W_hh[:] += np.outer(h_prev, dz)
        grads.b_h[:] += dz
        dx.append(params.W_xh @ dz)
        dh_prev.append(params.W_hh @ dz)
    return tuple(grads), dx, dh_prev


def unrolled_backward_by_index(cell, params, caches, dh):
    T = len(caches)
    grads, dx = [np.zeros(p.shape) for p in params], [None] * T
    dstate = cell.zero_state(params, dh.shape[1])
    for t in reversed(range(T)):
        part, dx[t], dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        for g, g_t in zip(grads, part, strict=True):
            g += g_t
    return grads, dx, dstate


def unrolled_backward_by_recursion(cell, params, caches, dh):
    if not caches:
        return zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    part, dx, dstate = unrolled_backward_by_recursion(cell, params, caches[1:], dh[1:])
    first, dx_0, dstate_0 = cell.step_backward(params, caches[0], add_to_hidden(dstate, dh[0]))
    grads = type(params)(*(np.asfortranarray(a + b) for a, b in zip(first, part, strict=True)))
    return grads, [dx_0, *dx], dstate_0


def unrolled_backward_summing_at_the_end(cell, params, caches, dh):
    dx, parts, total = np.empty((len(dh), *caches[0].x.shape)), [], cell.zero_state(params, dh.shape[1])
    for t in range(len(dh) - 1, -1, -1):
        total = total._replace(h=total.h + dh[t]) if hasattr(total, "h") else total + dh[t]
        part, dx[t], total = cell.step_backward(params, caches[t], total)
        parts.append(part)
    return type(params)(*(np.sum(p, axis=0) for p in zip(*parts, strict=True))), dx, total


def central_difference_putting_back(f, w, eps):
    gradient = np.empty_like(w)
    for i in np.ndindex(w.shape):
        old = w[i]
        w[i] = old + eps
        above = f(w)
        w[i] = old - eps
        gradient[i] = (above - f(w)) / (2 * eps)
        w[i] = old
    return gradient


def central_difference_by_units(f, w, eps):
    units = np.eye(w.size).reshape(w.size, *w.shape)
    slopes = [(f(w + eps * e) - f(w - eps * e)) / eps / 2 for e in units]
    return np.reshape(slopes, w.shape, order="C")


def complex_step_by_units(f, w, eps):
    units = np.eye(w.size).reshape(w.size, *w.shape)
    return np.array([f(w + 1j * eps * e).imag / eps for e in units]).reshape(w.shape)


def complex_step_putting_back(f, w, eps):
    gradient, w_complex = np.empty(w.shape, order="F"), w + 0j
    for i in np.ndindex(w.shape):
        w_complex[i] = complex(w[i], eps)
        gradient[i] = np.imag(f(w_complex)) / eps
        w_complex[i] = w[i]
    return gradient


def sgd_by_recursion(params, grads, lr):
    if isinstance(params, np.ndarray):
        return params - lr * grads
    return type(params)(*(sgd_by_recursion(p, g, lr) for p, g in zip(params, grads, strict=True)))


def sgd_as_plain_tuples(params, grads, lr):
    if isinstance(params, tuple):
        return tuple(sgd_as_plain_tuples(p, g, lr) for p, g in zip(params, grads, strict=True))
    return np.add(params, np.multiply(-lr, grads)).tolist()


RIGHT = {
    "activations.sigmoid": [sigmoid_by_tanh, sigmoid_by_masks, sigmoid_as_lists, sigmoid_clipped_far_out],
    "rnn.step": [step_in_scalars, step_by_einsum, step_by_one_product],
    "unrolled.forward": [
        unrolled_forward_preallocated,
        unrolled_forward_with_sizes_from_params,
        unrolled_forward_as_lists,
    ],
    "readout.forward": [readout_forward_by_einsum, readout_forward_step_by_step],
    "losses.mse": [mse_in_scalars, mse_by_weights],
    "losses.softmax_cross_entropy": [cross_entropy_by_logaddexp, cross_entropy_in_scalars],
    "losses.mse_gradient": [mse_gradient_by_index, mse_gradient_by_where],
    "losses.softmax_cross_entropy_gradient": [cross_entropy_gradient_by_index, cross_entropy_gradient_by_jacobian],
    "readout.backward": [readout_backward_by_einsum, readout_backward_step_by_step],
    "rnn.step_backward": [step_backward_recomputing_h, step_backward_sequence_by_sequence],
    "unrolled.backward": [
        unrolled_backward_by_index,
        unrolled_backward_summing_at_the_end,
        unrolled_backward_by_recursion,
    ],
    "gradcheck.central_difference": [central_difference_putting_back, central_difference_by_units],
    "gradcheck.complex_step": [complex_step_by_units, complex_step_putting_back],
    "optim.sgd": [sgd_by_recursion, sgd_as_plain_tuples],
}


# Mistakes of the catalogue, written otherwise than there.


def cross_entropy_without_keepdims_in_the_softmax(y, target):
    p = np.exp(y - y.max(axis=2, keepdims=True))
    p = p / p.sum(-1)
    return -np.log(np.take_along_axis(p, target[..., None], 2)).mean()


def mse_with_a_flat_mask(y, target, mask):
    return ((y - target) ** 2 * mask).mean()


def sigmoid_row_by_row(z):
    return [1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v)) for v in z]


def step_with_z_of_bare_names(params, x, h_prev):
    z = x @ W_xh + h_prev @ W_hh + b_h  # noqa: F821
    return np.tanh(z), Cache(x, h_prev, np.tanh(z))


def unrolled_forward_by_equation(cell, params, x, state0):
    h, caches = [state0], []
    for t in range(len(x)):
        h.append(np.tanh(x[t] @ params.W_xh + h[t] @ params.W_hh + params.b_h))
        caches.append((x[t], h[t], h[t + 1]))
    return np.array(h[1:]), h[-1], caches


def unrolled_backward_with_arrays(cell, params, caches, dh):
    grads, dx, dh_next = zeros_like(params), [None] * len(dh), 0
    for t in range(len(dh))[::-1]:
        part, dx[t], dh_next = cell.step_backward(params, caches[t], dh[t] + dh_next)
        grads = type(params)(*(a + b for a, b in zip(grads, part, strict=True)))
    return grads, dx, dh_next


def complex_copy_and_real_step(f, w, eps):
    gradient = np.zeros(w.shape)
    for i in np.ndindex(w.shape):
        u = w + 0j
        u[i] += eps
        gradient[i] = f(u).imag / eps
    return gradient


def up_is_w_and_down_is_w(f, w, eps):
    gradient, up, down = np.empty(w.shape), w, w
    for i in np.ndindex(w.shape):
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


def mse_gradient_with_target_put_right(y, target, mask):
    target[~mask] = 0
    return 2 * (y - target) * mask[..., None] / (mask.sum() * y.shape[2])


def cross_entropy_gradient_in_float32(y, target):
    p = np.exp(np.float32(y) - np.float32(y).max(2)[..., None])
    p /= p.sum(2)[..., None]
    p[np.arange(len(y))[:, None], np.arange(y.shape[1]), target] -= 1
    return p / target.size


def cross_entropy_gradient_with_one_maximum_per_step(y, target):
    p = np.exp(y - y.max(axis=(1, 2))[:, None, None])
    return (p / p.sum(2)[..., None] - np.eye(y.shape[2])[target]) / target.size


def readout_backward_into_params(params, h, dy):
    dh = np.einsum("tnk,hk->tnh", dy, params.W_hy)
    params.W_hy[...] = np.einsum("tnh,tnk->hk", h, dy)
    params.b_y[...] = dy.sum((0, 1))
    return params, dh


def sgd_with_its_names_exchanged(params, grads, lr):
    return map_arrays(lambda dp, p: p - lr * dp, params, grads)


WRONG = [
    ("losses.softmax_cross_entropy", cross_entropy_without_keepdims_in_the_softmax, "keepdims-forgotten"),
    ("losses.mse", mse_with_a_flat_mask, "mask-without-an-axis"),
    ("activations.sigmoid", sigmoid_row_by_row, "if-on-a-row"),
    ("rnn.step", step_with_z_of_bare_names, "bare-name"),
    ("unrolled.forward", unrolled_forward_by_equation, "step-written-out"),
    ("unrolled.backward", unrolled_backward_with_arrays, "state-for-hidden"),
    ("gradcheck.complex_step", complex_copy_and_real_step, "copy-still-real"),
    ("gradcheck.central_difference", up_is_w_and_down_is_w, "up-and-down-are-w"),
    ("losses.mse_gradient", mse_gradient_with_target_put_right, "mutates-input"),
    ("losses.softmax_cross_entropy_gradient", cross_entropy_gradient_in_float32, "float32-inside"),
    ("losses.softmax_cross_entropy_gradient", cross_entropy_gradient_with_one_maximum_per_step, "one-maximum-for-all"),
    ("readout.backward", readout_backward_into_params, "mutates-input"),
    ("optim.sgd", sgd_with_its_names_exchanged, "params-and-grads-exchanged"),
]
