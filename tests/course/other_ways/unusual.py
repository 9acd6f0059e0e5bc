"""Right answers in styles that few would choose, one for each exercise or more: block matrices, accumulate and reduce,
deques, generators, recursion, closures and numbers one at a time."""

import itertools
import math
import operator
from collections import ChainMap, Counter
from functools import cache, partial, reduce

import numpy as np

from bptt_lessons.cells.rnn import Cache, Params
from bptt_lessons.cells.unrolled import add_to_hidden, hidden
from bptt_lessons.nested import add, map_arrays, named_arrays, zeros_like
from bptt_lessons.training import readout
from bptt_lessons.training.loop import Model, Session, check_finite
from bptt_lessons.training.losses import softmax_cross_entropy, softmax_cross_entropy_gradient
from bptt_lessons.training.optim import AdamState

# --- the first network ----------------------------------------------------------------------------------------


def sigmoid_by_vectorize(z):
    return np.vectorize(lambda v: 1 / (1 + math.exp(-v)) if v > 0 else 1 - 1 / (1 + math.exp(v)), otypes=[float])(z)


def step_by_a_block_matrix(params, x, h_prev):
    D, H = params.W_xh.shape
    N = len(x)
    W = np.block([[params.W_xh, np.zeros((D, D))], [params.W_hh, np.zeros((H, D))]])  # with columns that nothing uses
    h = np.tanh((np.c_[x, h_prev] @ W)[:, :H] + np.ones((N, 1)) @ params.b_h[None])
    return h, (x, h_prev, h)


class StepAsAnObject:
    """A callable object that remembers what it has computed."""

    def __init__(self):
        self.known = {}

    def __call__(self, params, x, h_prev):
        key = tuple(a.tobytes() for a in (*params, x, h_prev))
        if key not in self.known:
            z = sum(map(np.matmul, (x, h_prev), params[:2]), params.b_h)
            self.known[key] = np.tanh(z)
        return self.known[key], Cache(x, h_prev, self.known[key])


def unrolled_forward_by_accumulate(cell, params, x, state0):
    steps = list(itertools.accumulate(x, lambda last, x_t: cell.step(params, x_t, last[0]), initial=(state0, None)))[1:]
    states, caches = zip(*steps, strict=True)
    return map(hidden, states), states[-1], iter(caches)


def readout_forward_by_kron(params, h):
    T, N, H = h.shape
    y = np.kron(np.eye(N), params.W_hy.T) @ h.reshape(T, N * H).T
    return y.T.reshape(T, N, -1) + params.b_y


def mse_with_a_masked_array(y, target, mask):
    return np.ma.mean(np.ma.array((y - target) ** 2, mask=~np.broadcast_to(mask[..., None], y.shape)))


def cross_entropy_by_one_row_at_a_time(y, target):
    def nats(row, k):
        return reduce(np.logaddexp, row) - row[k]

    return np.vectorize(nats, signature="(k),()->()")(y, target).mean()


def mse_gradient_by_complex_steps(y, target, mask):
    def loss(v):
        return sum((v[t, n] - target[t, n]) @ (v[t, n] - target[t, n]) for t, n in np.argwhere(mask)) / kept

    kept, dy = mask.sum() * y.shape[2], np.zeros_like(y)
    for place in np.ndindex(y.shape):
        moved = y.astype(complex)
        moved[place] += 1e-30j
        dy[place] = loss(moved).imag / 1e-30
    return dy


def cross_entropy_gradient_by_differences_of_logits(y, target):
    """p_k = 1 / Σ_j exp(y_j - y_k), which overflows to 0 where it should."""
    with np.errstate(over="ignore"):
        p = 1 / np.exp(y[..., None, :] - y[..., :, None]).sum(axis=-1)
    np.subtract.at(p, (*np.indices(target.shape), target), 1)
    return p / len(target) / len(target[0])


# --- backward -------------------------------------------------------------------------------------------------


def readout_backward_in_one_product(params, h, dy):
    T, N, H = h.shape
    rows = np.concatenate([h, np.ones((T, N, 1))], axis=2).reshape(T * N, H + 1)
    both = np.linalg.multi_dot([np.eye(H + 1), rows.T, dy.reshape(T * N, -1)])
    return (both[:-1], both[-1]), np.inner(dy, params.W_hy)


def rnn_step_backward_by_one_block(params, cache, dh):
    rows = np.hstack([cache.x, cache.h_prev, np.ones((len(dh), 1))])
    dz = dh * (1 - cache.h**2)
    D, H = params.W_xh.shape
    from_rows = np.split(rows.T @ dz, [D, D + H])
    dx, dh_prev = np.hsplit(dz @ np.vstack(params[:2]).T, [D])
    return Params(*from_rows[:2], from_rows[2].ravel()), dx, dh_prev


def unrolled_backward_by_linearity(cell, params, caches, dh):
    """One backward pass for each step's own loss, and the sum of all."""
    T, N = dh.shape[:2]
    total, dx, dstate_0 = zeros_like(params), np.zeros((T, *caches[0].x.shape)), cell.zero_state(params, N)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in reversed(range(t + 1)):
            part, dx_s, dstate = cell.step_backward(params, caches[s], dstate)
            total, dx[s] = add(total, part), dx[s] + dx_s
        dstate_0 = map_arrays(np.add, dstate_0, dstate)
    return total, dx, dstate_0


def central_difference_by_a_generator(f, w, eps):
    def slopes():
        for unit in np.eye(w.size):
            there, back = (f(w + sign * eps * unit.reshape(w.shape)) for sign in (1, -1))
            yield (there - back) / (2 * eps)

    return np.fromiter(slopes(), float, w.size).reshape(w.shape)


def complex_step_by_apply_along_axis(f, w, eps):
    units = np.identity(w.size)
    flat = np.apply_along_axis(lambda unit: np.imag(f(w + 1j * eps * unit.reshape(w.shape))) / eps, 1, units)
    return np.asfortranarray(flat.reshape(w.shape))


def sgd_as_one_long_vector(params, grads, lr):
    long, slopes = (np.concatenate([a.ravel() for _, a in named_arrays(tree)]) for tree in (params, grads))
    pieces = iter(np.split(long - lr * slopes, np.cumsum([a.size for _, a in named_arrays(params)])))
    return map_arrays(lambda p: next(pieces).reshape(p.shape), params)


# --- flow -----------------------------------------------------------------------------------------------------


def gradient_norms_by_accumulate(cell, params, caches, dstate_T):
    back = itertools.accumulate(
        caches[:0:-1], lambda dstate, step: cell.step_backward(params, step, dstate)[2], initial=dstate_T
    )
    return [[math.hypot(*row) for row in hidden(dstate)] for dstate in [*back][::-1]]


def clip_with_hypot(grads, max_norm):
    norm = math.hypot(*(v for _, a in named_arrays(grads) for v in a.flat))
    return map_arrays(lambda a: a / max(1.0, norm / max_norm), grads)


# --- memory ---------------------------------------------------------------------------------------------------


def tape_bytes_by_products(T, N, D, H, itemsize):
    return math.prod((T, N, D, itemsize)) + math.prod((T + 1, N, H, itemsize))


def backward_sqrt_by_reduce(cell, params, x, state0, loss_gradient, segment):
    starts = range(0, len(x), segment)
    states = itertools.accumulate(
        starts, lambda state, s: cell.forward(params, x[s : s + segment], state)[1], initial=state0
    )

    def back(so_far, place):
        (start, state), (loss, grads, extra, dstate) = place, so_far
        h, _, tape = cell.forward(params, x[start : start + segment], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, dstate = cell.backward(params, tape, dh, dstate)
        return loss + loss_k, add(grads, grads_k), extra_k if extra is None else add(extra, extra_k), dstate

    pairs = list(zip(starts, states, strict=False))
    return reduce(back, reversed(pairs), (0.0, zeros_like(params), None, None))[:3]


def checkpointed_backward_with_a_chain_of_maps(cell, params, x, state0, loss_gradient, actions):
    shelves, dstate, parts = ChainMap({0: (state0, None)}), cell.zero_state(params, x.shape[1]), []
    for action in actions:
        if action.kind == "drop":
            shelves = ChainMap({k: v for k, v in shelves.items() if k != action.stop})
            continue
        run = ((lambda last, x_t: cell.step(params, x_t, last[0])), x[action.start : action.stop])
        state, step = reduce(*run, shelves[action.start])
        if action.kind.startswith("keep"):
            shelves = shelves.new_child({action.stop: (state, step if action.kind.endswith("step") else None)})
        else:
            loss, dh, extra = loss_gradient(hidden(state)[np.newaxis], action.stop - 1)
            grads, _, dstate = cell.step_backward(params, step, add_to_hidden(dstate, *dh))
            parts.append((loss, grads, extra))
    losses, grads, extras = zip(*parts, strict=True)
    return sum(losses), reduce(add, grads), reduce(add, extras)


# --- truncation -----------------------------------------------------------------------------------------------


def contributions_by_one_step_losses(cell, params, caches, dh):
    def part(t, s):
        if s > t:
            return zeros_like(params)
        return cell.step_backward(params, caches[s], arriving(t, s))[0]

    @cache
    def arriving(t, s):
        if s == t:
            return add_to_hidden(cell.zero_state(params, dh.shape[1]), dh[t])
        return cell.step_backward(params, caches[s + 1], arriving(t, s + 1))[2]

    steps = range(len(dh))
    return type(params)(*([[part(t, s)[i] for s in steps] for t in steps] for i in range(len(params))))


def windows_by_a_generator(T, k):
    yield from itertools.pairwise(sorted({T, *range(0, T, k)}))


def sliding_by_pairs_of_steps(cell, params, x, state0, loss_gradient, k1, k2):
    """The part of each step's loss through each use within its horizon, one backward pass for every step."""
    T, caches, h, state = len(x), [], [], state0
    for x_t in x:
        state, step = cell.step(params, x_t, state)
        caches.append(step)
        h.append(hidden(state))
    blocks = [(s, loss_gradient(np.array(h[s : s + k1]), s)) for s in range(0, T, k1)]
    grads = zeros_like(params)
    for start, (_, dh, _) in blocks:
        first = max(0, start + len(dh) - k2)
        for t in range(start, start + len(dh)):
            dstate = add_to_hidden(cell.zero_state(params, x.shape[1]), dh[t - start])
            for s in range(t, first - 1, -1):
                part, _, dstate = cell.step_backward(params, caches[s], dstate)
                grads = add(grads, part)
    return sum(b[1][0] for b in blocks), grads, reduce(add, (b[1][2] for b in blocks))


def stream_by_strides(stream, N):
    T = len(stream) // N
    first, *others = stream.strides
    return np.lib.stride_tricks.as_strided(
        stream, (T, N, *stream.shape[1:]), (first, T * first, *others), writeable=False
    )


def randomised_by_factors(cell, params, x, state0, loss_gradient, cuts, probability):
    factor = np.full(len(x), 1 / (1 - probability))
    factor[list(cuts)] = 0
    edges, caches, state, losses = [0, *cuts, len(x)], [], state0, []
    for start, stop in itertools.pairwise(edges):
        h = []
        for x_t in x[start:stop]:
            state, step = cell.step(params, x_t, state)
            caches.append(step)
            h.append(hidden(state))
        losses.append(loss_gradient(np.stack(h), start))
    dh = np.concatenate([one[1] for one in losses])
    grads, dstate = zeros_like(params), cell.zero_state(params, x.shape[1])
    for t in range(len(x) - 1, -1, -1):
        part, _, dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        grads, dstate = add(grads, part), map_arrays(partial(np.multiply, factor[t]), dstate)
    return sum(one[0] for one in losses), grads, reduce(add, (one[2] for one in losses))


# --- gates ----------------------------------------------------------------------------------------------------


def lstm_step_with_a_gate_axis(params, x, state):
    H = state.h.shape[1]
    W = np.vstack([params.W_xh, params.W_hh]).reshape(-1, 4, H)
    z = np.einsum("nd,dgh->gnh", np.hstack([x, state.h]), W) + params.b_h.reshape(4, 1, H)
    i, f, g, o = (np.tanh(v) if k == 2 else 0.5 + 0.5 * np.tanh(v / 2) for k, v in enumerate(z))
    c = np.sum([f * state.c, i * g], axis=0)
    tanh_c = np.tanh(c)
    return (o * tanh_c, c), (x, state.h, state.c, i, f, g, o, tanh_c)


def lstm_init_by_repeating_a_mark(rng, D, H, forget_bias):
    draw = partial(rng.uniform, -1 / math.sqrt(H), 1 / math.sqrt(H))
    return [draw((rows, 4 * H)) for rows in (D, H)] + [np.kron([0, 1, 0, 0], np.full(H, forget_bias))]


def lstm_step_backward_with_a_gate_axis(params, cache, dstate):
    gates = np.stack(cache[3:7])
    slopes = np.where(np.array([0, 0, 1, 0])[:, None, None], 1 - gates**2, gates * (1 - gates))
    dc = dstate.c + dstate.h * cache.o * (1 - cache.tanh_c**2)
    dz = slopes * np.stack([dc * cache.g, dc * cache.c_prev, dc * cache.i, dstate.h * cache.tanh_c])
    flat = dz.transpose(1, 0, 2).reshape(len(dc), -1)
    W_xh, W_hh = (np.einsum("nd,gnh->dgh", a, dz).reshape(a.shape[1], -1) for a in (cache.x, cache.h_prev))
    return (W_xh, W_hh, flat.sum(0)), np.inner(flat, params.W_xh), (np.inner(flat, params.W_hh), cache.f * dc)


def gru_step_in_scalars(params, x, h_prev):
    def sigma(v):
        return 0.5 * (1 + math.tanh(v / 2))

    (N, _), H = x.shape, h_prev.shape[1]
    r, u, g, s, h = (np.empty((N, H)) for _ in range(5))
    for n, j in itertools.product(range(N), range(H)):
        from_x = [params.b_h[k] + sum(map(operator.mul, x[n], params.W_xh[:, k])) for k in (j, H + j, 2 * H + j)]
        from_h = [sum(map(operator.mul, h_prev[n], params.W_hh[:, k])) for k in (j, H + j, 2 * H + j)]
        r[n, j], u[n, j] = sigma(from_x[0] + from_h[0]), sigma(from_x[1] + from_h[1])
        s[n, j] = from_h[2] + params.b_hg[j]
        g[n, j] = math.tanh(from_x[2] + r[n, j] * s[n, j])
        h[n, j] = g[n, j] + u[n, j] * (h_prev[n, j] - g[n, j])
    return h, [x, h_prev, r, u, g, s]


def gru_step_backward_by_blocks(params, cache, dh):
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g * g)
    parts = [dz_g * s * r * (1 - r), dh * (h_prev - g) * u * (1 - u), dz_g]
    from_h = [*parts[:2], dz_g * r]
    W_x, W_h = (np.hsplit(W, 3) for W in params[:2])
    grads = (
        np.block([[x.T @ p for p in parts]]),
        np.block([[h_prev.T @ p for p in from_h]]),
        np.block([p.sum(0) for p in parts]),
        from_h[2].sum(0),
    )
    dx = sum(p @ W.T for p, W in zip(parts, W_x, strict=True))
    return grads, dx, sum((p @ W.T for p, W in zip(from_h, W_h, strict=True)), dh * u)


# --- tasks and training ---------------------------------------------------------------------------------------


def adding_by_permutations(rng, T, N):
    numbers = 1 - rng.random((N, T)).T[::-1]
    halves = [rng.permuted(np.tile(np.arange(length) == 0, (N, 1)), axis=1).T for length in (T // 2, T - T // 2)]
    marks = np.concatenate(halves).astype(float)
    total = (numbers * marks).sum(axis=0)
    mask = np.arange(T)[:, None] * np.ones(N) == T - 1
    return np.stack([numbers * (numbers < 1), marks], axis=-1), np.broadcast_to(total[:, None], (T, N, 1)), mask


def fit_by_reduce(session, batches, gradient, update, on_update=None):
    def one(session, batch):
        loss, grads = gradient(session.model, batch)
        check_finite(loss, len(session.losses))
        session = Session(*update(session.model, grads, session.memory), session.state, (*session.losses, loss))
        if on_update is not None:
            on_update(len(session.losses), loss)
        return session

    return reduce(one, batches, session)


def adam_as_one_long_vector(params, grads, state, lr, decay_mean, decay_square, eps):
    def long(tree):
        return np.concatenate([np.ravel(a) for _, a in named_arrays(tree)])

    def built(vector):
        pieces = iter(np.split(vector, np.cumsum([a.size for _, a in named_arrays(params)])))
        return map_arrays(lambda p: next(pieces).reshape(p.shape), params)

    w, dw, m, v = map(long, (params, grads, state.mean, state.square))
    t = state.updates + 1
    m, v = m + (1 - decay_mean) * (dw - m), v + (1 - decay_square) * (dw**2 - v)
    w = w - lr * m / -np.expm1(t * math.log(decay_mean)) / (np.sqrt(v / (1 - decay_square**t)) + eps)
    return built(w), AdamState(t, built(m), built(v))


def copying_by_choosing_and_padding(rng, gap, N):
    message = rng.choice(np.arange(8), (10, N), shuffle=False)
    symbols = np.insert(np.pad(message, ((0, gap + 9), (0, 0)), constant_values=8), gap + 9, 9, axis=0)
    target = np.pad(message, ((gap + 10, 0), (0, 0)), constant_values=8)
    return (symbols[..., None] == np.arange(10)) + 0.0, target, ~np.zeros_like(target, dtype=bool)


def encode_by_comparing(text, alphabet):
    letters = np.array(list(text))[:, None] == np.array(list(alphabet))
    return letters @ np.arange(len(alphabet))


def truncated_by_reduce(cell, session, symbols, k, update):
    rows = np.eye(len(session.model.readout.b_y), dtype=session.model.readout.b_y.dtype)

    def window(session, start):
        model, memory, state, losses = session
        read, said = symbols[:-1][start : start + k], symbols[1:][start : start + k]
        h, state, tape = cell.forward(model.cell, rows[read], state)
        y = readout.forward(model.readout, h)
        losses += (softmax_cross_entropy(y, said).item(),)
        check_finite(losses[-1], len(losses) - 1)
        d_readout, dh = readout.backward(model.readout, h, softmax_cross_entropy_gradient(y, said))
        return Session(*update(model, Model(cell.backward(model.cell, tape, dh)[0], d_readout), memory), state, losses)

    return reduce(window, range(0, len(symbols) - 1, k), session)


def bits_by_counting_windows(cell, model, symbols, k):
    T, K = len(symbols) - 1, len(model.readout.b_y)
    one_hot, weights, bits, state = np.eye(K, dtype=model.readout.b_y.dtype), Counter(), {}, None
    for t in range(T):
        weights[t // k] += 1
    for window, steps in sorted(weights.items()):
        piece = symbols[window * k : window * k + steps + 1]
        h, state, _ = cell.forward(model.cell, one_hot[piece[:-1]], state)
        bits[window] = softmax_cross_entropy(readout.forward(model.readout, h), piece[1:]) / math.log(2)
    return np.average([bits[w] for w in sorted(bits)], weights=[weights[w] for w in sorted(bits)])


def sample_by_takewhile(y, temperature, u):
    for row, share in zip(y, u, strict=True):
        weights = np.exp((row - max(row)) / temperature)
        edges = itertools.accumulate(weights / math.fsum(weights))
        yield sum(1 for _ in itertools.takewhile(lambda edge, share=share: edge <= share, edges))


RIGHT: dict[str, list] = {
    "activations.sigmoid": [sigmoid_by_vectorize],
    "rnn.step": [step_by_a_block_matrix, StepAsAnObject()],
    "unrolled.forward": [unrolled_forward_by_accumulate],
    "readout.forward": [readout_forward_by_kron],
    "losses.mse": [mse_with_a_masked_array],
    "losses.softmax_cross_entropy": [cross_entropy_by_one_row_at_a_time],
    "losses.mse_gradient": [mse_gradient_by_complex_steps],
    "losses.softmax_cross_entropy_gradient": [cross_entropy_gradient_by_differences_of_logits],
    "readout.backward": [readout_backward_in_one_product],
    "rnn.step_backward": [rnn_step_backward_by_one_block],
    "unrolled.backward": [unrolled_backward_by_linearity],
    "gradcheck.central_difference": [central_difference_by_a_generator],
    "gradcheck.complex_step": [complex_step_by_apply_along_axis],
    "optim.sgd": [sgd_as_one_long_vector],
    "flow.step_jacobian": [],
    "flow.gradient_norms": [gradient_norms_by_accumulate],
    "flow.spectral_radius": [],
    "optim.clip_by_global_norm": [clip_with_hypot],
    "init.orthogonal": [],
    "checkpointing.tape_bytes": [tape_bytes_by_products],
    "checkpointing.backward_sqrt": [backward_sqrt_by_reduce],
    "checkpointing.forward_cost": [],
    "checkpointing.backward": [checkpointed_backward_with_a_chain_of_maps],
    "tbptt.contributions": [contributions_by_one_step_losses],
    "tbptt.windows": [windows_by_a_generator],
    "tbptt.windowed_gradient": [],
    "tbptt.sliding_gradient": [sliding_by_pairs_of_steps],
    "tbptt.stream_batches": [stream_by_strides],
    "tbptt.randomised_gradient": [randomised_by_factors],
    "lstm.step": [lstm_step_with_a_gate_axis],
    "lstm.memory_half_life": [],
    "lstm.init": [lstm_init_by_repeating_a_mark],
    "lstm.step_backward": [lstm_step_backward_with_a_gate_axis],
    "gru.step": [gru_step_in_scalars],
    "gru.step_backward": [gru_step_backward_by_blocks],
    "adding.sequences": [adding_by_permutations],
    "loop.fit": [fit_by_reduce],
    "optim.adam": [adam_as_one_long_vector],
    "copying.sequences": [copying_by_choosing_and_padding],
    "text.encode": [encode_by_comparing],
    "loop.bits_per_symbol": [bits_by_counting_windows],
    "loop.truncated_epoch": [truncated_by_reduce],
    "text.sample": [sample_by_takewhile],
}
