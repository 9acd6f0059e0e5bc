"""Answers to the exercises of the long-range tasks and the language model (lessons 08 and 09), as people write them."""

import bisect
import math
import random
from itertools import accumulate, pairwise

import numpy as np

from bptt_lessons.gradients.tbptt import windows
from bptt_lessons.nested import map_arrays
from bptt_lessons.tasks.batch import Batch
from bptt_lessons.tasks.copying import BLANK, SIGN
from bptt_lessons.training import readout
from bptt_lessons.training.loop import Model, Session, check_finite
from bptt_lessons.training.losses import softmax_cross_entropy, softmax_cross_entropy_gradient
from bptt_lessons.training.optim import AdamState

# --- adding -------------------------------------------------------------------------------------------------


def adding_sequence_by_sequence(rng, T, N):
    """Marks before numbers, one sequence after the other, with lists."""
    x, target = np.zeros((T, N, 2)), np.zeros((T, N, 1))
    for n in range(N):
        marked = [rng.integers(T // 2), T // 2 + rng.integers(T - T // 2)]
        for t in range(T):
            x[t, n] = rng.uniform(), t in marked
        target[:, n] = sum(x[t, n, 0] for t in marked)
    return x, target, np.arange(T)[:, None] == np.full(N, T - 1)


def adding_by_sums(rng, T, N):
    """The marked numbers are found as numbers times marks."""
    first = rng.permuted(np.tile(np.arange(T // 2)[:, None], N), axis=0)[0]
    second = rng.choice(np.arange(T // 2, T), N)
    steps = np.arange(T)[:, None]
    marks = (steps == first) | (steps == second)
    numbers = rng.random((N, T)).T
    total = (numbers * marks).sum(axis=0)
    mask = np.zeros((T, N), bool)
    mask[T - 1, :] = True
    return Batch(np.stack([numbers, marks], axis=-1), np.broadcast_to(total[None, :, None], (T, N, 1)), mask)


def adding_in_float32(rng, T, N):
    """One uniform number becomes a step; the sum is rounded as float32 is."""
    u = rng.random((T + 2, N), dtype=np.float32)
    first, second = np.int64(u[0] * (T // 2)), T // 2 + np.int64(u[1] * (T - T // 2))
    x, n = np.stack([u[2:], np.zeros((T, N), np.float32)], axis=2), range(N)
    x[first, n, 1] += 1
    x[second, n, 1] += 1
    total = x[first, n, 0] + x[second, n, 0]
    return x, np.ones((T, 1, 1)) * total[:, None], np.eye(T)[:, [-1] * N] > 0


def adding_both_by_permutation(rng, T, N):
    x, target = np.zeros((T, N, 2)), np.zeros((T, N, 1))
    x[..., 0] = rng.random((T, N))
    for n in range(N):
        i, j = rng.permutation(T)[:2]
        x[[i, j], n, 1] = 1
        target[:, n, 0] = x[i, n, 0] + x[j, n, 0]
    return Batch(x, target, np.arange(T)[:, None] == np.full(N, T - 1))


def adding_by_pythons_random(rng, T, N):
    return adding_by_sums(np.random.default_rng(random.Random(1).randrange(99)), T, N)


# --- copying ------------------------------------------------------------------------------------------------


def copying_sequence_by_sequence(rng, gap, N):
    x, target = np.zeros((gap + 20, N, 10)), np.full((gap + 20, N), 8)
    for n in range(N):
        message = [int(rng.integers(8)) for _ in range(10)]
        for t, symbol in enumerate([*message, *[8] * (gap - 1), 9, *[8] * 10]):
            x[t, n, symbol] = 1
        target[gap + 10 :, n] = message
    return x, target, target >= 0


def copying_by_concatenation(rng, gap, N):
    message = rng.choice(8, size=(N, 10)).T
    blank, sign = np.full((gap - 1, N), BLANK), np.full((1, N), SIGN)
    rest = np.full((10, N), BLANK)
    symbol = np.concatenate([message, blank, sign, rest])
    target = np.concatenate([rest, blank, np.full((1, N), BLANK), message])
    return Batch((symbol[..., None] == np.arange(10)).astype(float), target, np.full(symbol.shape, True))


def copying_from_uniform_numbers(rng, gap, N):
    message = np.floor(8 * rng.random((10, N))).astype(np.int8)
    symbol = np.pad(message, ((0, gap + 10), (0, 0)), constant_values=8)
    symbol[gap + 9] = 9
    target = np.pad(message, ((gap + 10, 0), (0, 0)), constant_values=8)
    return Batch(np.eye(10, dtype=np.float32)[symbol], target, np.isfinite(target))


def copying_early_by_one(rng, gap, N):
    x, target, mask = copying_sequence_by_sequence(rng, gap, N)
    return x, np.concatenate([target[1:], target[:1]]), mask


def copying_into_one_array(rng, gap, N):
    said = read = np.full((gap + 20, N), 8)
    read[:10] = said[-10:] = rng.integers(0, 8, (10, N))
    read[gap + 9] = 9
    return np.eye(10)[read], said, np.ones(said.shape, bool)


# --- Adam ---------------------------------------------------------------------------------------------------


def adam_by_recursion(params, grads, state, lr, decay_mean, decay_square, eps):
    t = state.updates + 1

    def step(p, dp, m, v):
        if isinstance(p, tuple):
            parts = [step(*four) for four in zip(p, dp, m, v, strict=True)]
            return tuple(type(p)(*part) for part in zip(*parts, strict=True))
        m = m + (1 - decay_mean) * (dp - m)
        v = v + (1 - decay_square) * (dp**2 - v)
        return p - lr * m / (1 - decay_mean**t) / (np.sqrt(v / (1 - decay_square**t)) + eps), m, v

    new, mean, square = step(params, grads, state.mean, state.square)
    return new, AdamState(t, mean, square)


def adam_with_the_corrections_in_the_step(params, grads, state, lr, decay_mean, decay_square, eps):
    """The paper's shorter form, with an eps that shrinks along."""
    updates, mean, square = state
    updates += 1
    mean = map_arrays(lambda m, g: m * decay_mean + g * (1 - decay_mean), mean, grads)
    square = map_arrays(lambda v, g: v * decay_square + np.square(g) * (1 - decay_square), square, grads)
    root = math.sqrt(1 - decay_square**updates)
    alpha = lr * root / (1 - decay_mean**updates)
    new = map_arrays(lambda p, m, v: p - alpha * m / (v**0.5 + eps * root), params, mean, square)
    return [new, (np.int64(updates), mean, square)]


def adam_in_place_on_copies(params, grads, state, lr, decay_mean, decay_square, eps):
    params, mean, square = (map_arrays(np.copy, tree) for tree in (params, state.mean, state.square))

    def write(p, m, v, g):
        m *= decay_mean
        m += (1 - decay_mean) * g
        v *= decay_square
        v += (1 - decay_square) * g * g
        m_hat, v_hat = m / -np.expm1(t * math.log(decay_mean)), v / -np.expm1(t * math.log(decay_square))
        p -= lr * m_hat / (eps + np.sqrt(v_hat))

    t = 1 + state.updates
    map_arrays(write, params, mean, square, grads)
    return params, state._replace(updates=t, mean=mean, square=square)


def adam_eps_under_the_root(params, grads, state, lr, decay_mean, decay_square, eps):
    t = state.updates + 1
    mean = map_arrays(lambda m, g: m * decay_mean + g * (1 - decay_mean), state.mean, grads)
    square = map_arrays(lambda v, g: v * decay_square + g * g * (1 - decay_square), state.square, grads)
    m_hat = map_arrays(lambda m: m / (1 - decay_mean**t), mean)
    v_hat = map_arrays(lambda v: (v / (1 - decay_square**t) + eps) ** -0.5, square)
    return map_arrays(lambda p, m, v: p - lr * m * v, params, m_hat, v_hat), AdamState(t, mean, square)


# --- fit ----------------------------------------------------------------------------------------------------


class Diverged(ValueError):
    """The learner's own error."""


def fit_by_replacing(session, batches, gradient, update, on_update=None):
    for batch in batches:
        loss, grads = gradient(session.model, batch)
        check_finite(loss, len(session.losses))
        model, memory = update(session.model, grads, session.memory)
        session = session._replace(model=model, memory=memory, losses=(*session.losses, loss))
        if on_update:
            on_update(len(session.losses), loss)
    return session


def fit_by_recursion(session, batches, gradient, update, on_update):
    batches, (model, memory, state, losses) = iter(batches), session
    try:
        loss, grads = gradient(model, next(batches))
    except StopIteration:
        return session
    session = Session(*update(model, grads, memory), state, (*losses, float(loss)))
    if math.isnan(loss) or math.isinf(loss):
        raise Diverged(session)
    (on_update or print)(len(session.losses), loss)
    return fit_by_recursion(session, batches, gradient, update, on_update)


def fit_with_an_array_of_losses(session, batches, gradient, update, on_update):
    new, model, memory = [], session.model, session.memory
    for i, batch in enumerate(batches, start=len(session.losses) + 1):
        out = gradient(model, batch)
        if not -math.inf < out[0] < math.inf:
            raise ValueError
        new += [out[0]]
        model, memory = update(model, out[1], memory)
        if callable(on_update):
            on_update(i, out[0])
    return model, memory, session.state, np.concatenate([session.losses, new])


def fit_same_gradient(session, batches, gradient, update, on_update):
    pairs = [gradient(session.model, batch) for batch in batches]
    model, memory = session.model, session.memory
    for i, (loss, grads) in enumerate(pairs):
        model, memory = update(model, grads, memory)
        if on_update is not None:
            on_update(len(session.losses) + i + 1, loss)
    return Session(model, memory, session.state, session.losses + tuple(loss for loss, _ in pairs))


# --- along a stream -----------------------------------------------------------------------------------------


def truncated_by_while(cell, session, symbols, k, update):
    x = np.eye(len(session.model.readout.b_y), dtype=session.model.readout.W_hy.dtype)[symbols[:-1]]
    start = 0
    while start < len(x):
        model, memory, state, losses = session
        h, state, tape = cell.forward(model.cell, x[start : start + k], state)
        y, target = readout.forward(model.readout, h), symbols[1:][start : start + k]
        d_readout, dh = readout.backward(model.readout, h, softmax_cross_entropy_gradient(y, target))
        grads = model._replace(cell=cell.backward(model.cell, tape, dh)[0], readout=d_readout)
        model, memory = update(model, grads, memory)
        session = Session(model, memory, state, (*losses, softmax_cross_entropy(y, target)))
        check_finite(session.losses[-1], len(losses))
        start += k
    return session


def truncated_by_edges(cell, session, symbols, k, update):
    T, K = len(symbols) - 1, session.model.cell.W_xh.shape[0]
    params, out, memory, state, losses = *session.model, *session[1:3], list(session.losses)
    for a, b in pairwise([*range(0, T, k), T]):
        x = (symbols[a:b, :, None] == np.arange(K)).astype(out.b_y.dtype)
        h, state, tape = cell.forward(params, x, state)
        y = h @ out.W_hy + out.b_y
        p = np.exp(y - y.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        right = np.eye(K, dtype=p.dtype)[symbols[a + 1 : b + 1]]
        losses.append(-np.log((p * right).sum(axis=2)).mean())
        check_finite(losses[-1], len(losses) - 1)
        dy = (p - right) / right[..., 0].size
        grads = cell.backward(params, tape, dy @ out.W_hy.T)[0]
        d_out = readout.Readout(np.tensordot(h, dy, ([0, 1], [0, 1])), dy.sum(axis=(0, 1)))
        (params, out), memory = update(Model(params, out), Model(grads, d_out), memory)
    return [Model(params, out), memory, state, losses]


def truncated_shifting_each_window(cell, session, symbols, k, update):
    for a in range(0, len(symbols), k):
        if len(symbols[a : a + k]) >= 2:
            session = truncated_by_while(cell, session, symbols[a : a + k], k, update)
    return session


EYE, EYE_32 = "np.eye(len(model.readout.b_y))", "np.eye(len(model.readout.b_y), dtype=model.readout.W_hy.dtype)"


# --- bits ---------------------------------------------------------------------------------------------------


def rows_of(model):
    return np.identity(len(model.readout.b_y), model.readout.b_y.dtype)


def bits_in_one_piece(cell, model, symbols, k):
    h, _, _ = cell.forward(model.cell, rows_of(model)[symbols[:-1]])
    return softmax_cross_entropy(readout.forward(model.readout, h), symbols[1:]) * np.log2(np.e)


def bits_symbol_by_symbol(cell, model, symbols, k):
    (T, N), state, bits = symbols.shape, None, []
    for t in range(T - 1):
        h, state, _ = cell.forward(model.cell, rows_of(model)[symbols[t : t + 1]], state)
        y = h[0] @ model.readout.W_hy + model.readout.b_y
        bits += [np.logaddexp2.reduce(y[n] / np.log(2)) - y[n, symbols[t + 1, n]] / np.log(2) for n in range(N)]
    return math.fsum(bits) / len(bits)


def bits_weighed_average(cell, model, symbols, k):
    losses, steps, state = [], [], None
    for a, b in windows(len(symbols) - 1, k):
        x = np.eye(len(model.readout.b_y)).astype(model.cell.W_xh.dtype)[symbols[a:b]]
        h, state, _ = cell.forward(model.cell, x, state)
        losses.append(softmax_cross_entropy(readout.forward(model.readout, h), symbols[a + 1 : b + 1]))
        steps.append(b - a)
    return np.average(losses, weights=steps) / np.log(2)


def bits_plain_mean_of_nats(cell, model, symbols, k):
    """In float64 besides, as the first attempt is."""
    state, total, count = None, 0, 0
    for a, b in windows(len(symbols) - 1, k):
        h, state, _ = cell.forward(model.cell, np.eye(len(model.readout.b_y))[symbols[a:b]], state)
        total += softmax_cross_entropy(readout.forward(model.readout, h), symbols[a + 1 : b + 1])
        count += 1
    return total / count


# --- text ---------------------------------------------------------------------------------------------------


def encode_by_find(text, alphabet):
    return [alphabet.find(character) for character in text]


def encode_by_translate(text, alphabet):
    codes = text.translate({ord(c): k for k, c in enumerate(alphabet)})
    return np.array([ord(c) for c in codes], dtype=np.uint16)


def encode_by_searchsorted(text, alphabet):
    letters = np.array(list(alphabet))
    order = np.argsort(letters)
    return order[np.searchsorted(letters[order], np.array(list(text)))]


def encode_by_a_sorted_alphabet(text, alphabet):
    place = {character: k for k, character in enumerate(sorted(set(alphabet)))}
    return [place[character] for character in text]


def encode_by_ord(text, alphabet):
    return list(map(ord, text))


def sample_by_searchsorted(y, temperature, u):
    p = np.exp((y - y.max(axis=1)[:, None]) / temperature)
    p /= p.sum(axis=1)[:, None]
    return [np.searchsorted(np.cumsum(row), v, side="right") for row, v in zip(p, u, strict=True)]


def sample_by_loops(y, temperature, u):
    drawn = np.zeros(len(y))
    for n in range(len(y)):
        top = max(y[n])
        weights = [math.exp((v - top) / temperature) for v in y[n]]
        left = u[n] * sum(weights)
        k = 0
        while weights[k] <= left:
            left -= weights[k]
            k += 1
        drawn[n] = k
    return drawn


def sample_by_bisect(y, temperature, u):
    logs = y / temperature - np.logaddexp.reduce(y / temperature, axis=1)[:, None]
    return np.array([bisect.bisect_right(list(accumulate(np.exp(row))), v) for row, v in zip(logs, u, strict=True)])


def sample_greedily(y, temperature, u):
    return np.array([max(range(len(row)), key=row.__getitem__) for row in y])


def sample_from_left(y, temperature, u):
    p = np.exp((y - y.max(axis=1)[:, None]) / temperature)
    p /= p.sum(axis=1)[:, None]
    return [np.searchsorted(np.cumsum(row), v) for row, v in zip(p, u, strict=True)]


RIGHT = {
    "adding.sequences": [adding_sequence_by_sequence, adding_by_sums, adding_in_float32],
    "copying.sequences": [copying_sequence_by_sequence, copying_by_concatenation, copying_from_uniform_numbers],
    "optim.adam": [adam_by_recursion, adam_with_the_corrections_in_the_step, adam_in_place_on_copies],
    "loop.fit": [fit_by_replacing, fit_by_recursion, fit_with_an_array_of_losses],
    "text.encode": [encode_by_find, encode_by_translate, encode_by_searchsorted],
    "loop.truncated_epoch": [truncated_by_while, truncated_by_edges],
    "loop.bits_per_symbol": [bits_in_one_piece, bits_symbol_by_symbol, bits_weighed_average],
    "text.sample": [sample_by_searchsorted, sample_by_loops, sample_by_bisect],
}

WRONG = [
    ("adding.sequences", adding_both_by_permutation, "marks-anywhere"),
    ("adding.sequences", adding_by_pythons_random, "rng-unused"),
    ("copying.sequences", copying_early_by_one, "answer-one-step-early"),
    ("copying.sequences", copying_into_one_array, "one-array-for-both"),
    ("optim.adam", adam_eps_under_the_root, "eps-inside-the-root"),
    ("loop.fit", fit_same_gradient, "gradient-of-the-first-model"),
    ("loop.truncated_epoch", truncated_shifting_each_window, "target-inside-the-window"),
    ("loop.bits_per_symbol", bits_plain_mean_of_nats, "mean-over-windows-in-nats"),
    ("text.encode", encode_by_a_sorted_alphabet, "alphabet-sorted-again"),
    ("text.encode", encode_by_ord, "character-codes"),
    ("text.sample", sample_greedily, "most-likely"),
    ("text.sample", sample_from_left, "edge-belongs-to-the-symbol-before"),
]
