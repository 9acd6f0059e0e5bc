"""Answers to the exercises of the long-range tasks and the language model (lessons 08 and 09), as people write them."""

import bisect
import math
import random
from collections import namedtuple
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


def adding_as_lists(rng, T, N):
    batch = adding_by_sums(rng, T, N)
    return [batch.x.tolist(), batch.target.tolist(), batch.mask.tolist()]


def adding_with_marks_where_argmax_is(rng, T, N):
    """Mistaken: the sum is of the steps' numbers in the next sequence."""
    batch = adding_by_sums(rng, T, N)
    return batch._replace(target=np.roll(batch.target, 1, axis=1))


def adding_both_by_permutation(rng, T, N):
    x, target = np.zeros((T, N, 2)), np.zeros((T, N, 1))
    x[..., 0] = rng.random((T, N))
    for n in range(N):
        i, j = rng.permutation(T)[:2]
        x[[i, j], n, 1] = 1
        target[:, n, 0] = x[i, n, 0] + x[j, n, 0]
    return Batch(x, target, np.arange(T)[:, None] == np.full(N, T - 1))


def adding_both_anywhere_by_loops(rng, T, N):
    x, target = np.zeros((T, N, 2)), np.zeros((T, N, 1))
    for n in range(N):
        x[:, n, 0] = rng.random(T)
        i, j = rng.integers(T), rng.integers(T)
        x[i, n, 1] = x[j, n, 1] = 1
        target[:, n] = x[i, n, 0] + x[j, n, 0]
    return Batch(x, target, np.arange(T)[:, None] == np.full(N, T - 1))


def adding_mean_by_marks(rng, T, N):
    x, _, mask = adding_by_sums(rng, T, N)
    return Batch(x, np.tile(np.average(x[..., 0], axis=0, weights=x[..., 1])[:, None], (T, 1, 1)), mask)


def adding_steps_of_the_marks(rng, T, N):
    x, _, mask = adding_by_sums(rng, T, N)
    return Batch(x, np.tile(np.einsum("t,tn->n", np.arange(T), x[..., 1])[:, None], (T, 1, 1)), mask)


def adding_marks_for_all(rng, T, N):
    x = np.zeros((T, N, 2))
    x[:, :, 0] = rng.random((T, N))
    i, j = rng.integers(T // 2), rng.integers(T // 2, T)
    x[[i, j], :, 1] = 1
    mask = np.zeros((T, N), bool)
    mask[-1] = 1
    return x, np.repeat((x[i, :, 0] + x[j, :, 0])[None, :, None], T, axis=0), mask


def adding_by_pythons_random(rng, T, N):
    return adding_by_sums(np.random.default_rng(random.Random(1).randrange(99)), T, N)


def adding_mask_as_numbers(rng, T, N):
    x, target, mask = adding_by_sums(rng, T, N)
    return x, target, 1 * mask


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


def copying_as_lists(rng, gap, N):
    batch = copying_by_concatenation(rng, gap, N)
    return [array.tolist() for array in batch]


def copying_from_uniform_numbers(rng, gap, N):
    message = np.floor(8 * rng.random((10, N))).astype(np.int8)
    symbol = np.pad(message, ((0, gap + 10), (0, 0)), constant_values=8)
    symbol[gap + 9] = 9
    target = np.pad(message, ((gap + 10, 0), (0, 0)), constant_values=8)
    return Batch(np.eye(10, dtype=np.float32)[symbol], target, np.isfinite(target))


def copying_nine_kinds(rng, gap, N):
    message = rng.choice(9, size=(N, 10)).T
    symbol, target = np.full((gap + 20, N), 8), np.full((gap + 20, N), 8)
    symbol[:10] = target[-10:] = message
    symbol[-11] = 9
    return np.eye(10)[symbol], target, np.ones(target.shape, bool)


def copying_zeros_for_nothing(rng, gap, N):
    target = np.zeros((gap + 20, N), int)
    x, said, mask = copying_by_concatenation(rng, gap, N)
    target[-10:] = said[-10:]
    return x, target, mask


def copying_early_by_one(rng, gap, N):
    x, target, mask = copying_sequence_by_sequence(rng, gap, N)
    return x, np.concatenate([target[1:], target[:1]]), mask


def copying_asked_at_the_last_symbol(rng, gap, N):
    x, target, mask = copying_sequence_by_sequence(rng, gap, N)
    x[[gap + 9, gap + 8]] = x[[gap + 8, gap + 9]]
    return x, target, mask


def copying_without_a_sign(rng, gap, N):
    x, target, mask = copying_sequence_by_sequence(rng, gap, N)
    x[gap + 9] = np.eye(10)[8]
    return x, target, mask


def copying_into_one_array(rng, gap, N):
    said = read = np.full((gap + 20, N), 8)
    read[:10] = said[-10:] = rng.integers(0, 8, (10, N))
    read[gap + 9] = 9
    return np.eye(10)[read], said, np.ones(said.shape, bool)


def copying_said_and_read(rng, gap, N):
    x, target, mask = copying_by_concatenation(rng, gap, N)
    return np.concatenate([x[: gap + 10], np.eye(10)[target[gap + 10 :]]]), target, mask


def copying_from_whole_zeros(rng, gap, N):
    read, said = np.zeros((gap + 20, N), int), np.zeros((gap + 20, N), int)
    read[:10] = said[-10:] = rng.integers(0, 8, (10, N))
    read[gap + 9] = 9
    return np.eye(10)[read], said, np.ones(said.shape, bool)


def copying_from_zeros(rng, gap, N):
    read, said = np.zeros((gap + 20, N)), np.zeros((gap + 20, N))
    read[:10] = said[-10:] = rng.integers(0, 8, (10, N))
    read[gap + 9] = 9
    return np.eye(10)[read], said, np.ones(said.shape, bool)


def copying_what_is_read(rng, gap, N):
    read = np.full((gap + 20, N), 8)
    read[:10], read[gap + 9] = rng.integers(0, 8, (10, N)), 9
    return np.eye(10)[read], read, np.ones(read.shape, bool)


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


def adam_corrections_left_out_by_torch_habit(params, grads, state, lr, decay_mean, decay_square, eps):
    mean = map_arrays(lambda m, g: m * decay_mean + g * (1 - decay_mean), state.mean, grads)
    square = map_arrays(lambda v, g: v * decay_square + g * g * (1 - decay_square), state.square, grads)
    new = map_arrays(lambda p, m, v: p - lr * m / (np.sqrt(v) + eps), params, mean, square)
    return new, (state.updates + 1, mean, square)


def adam_eps_under_the_root(params, grads, state, lr, decay_mean, decay_square, eps):
    t = state.updates + 1
    mean = map_arrays(lambda m, g: m * decay_mean + g * (1 - decay_mean), state.mean, grads)
    square = map_arrays(lambda v, g: v * decay_square + g * g * (1 - decay_square), state.square, grads)
    m_hat = map_arrays(lambda m: m / (1 - decay_mean**t), mean)
    v_hat = map_arrays(lambda v: (v / (1 - decay_square**t) + eps) ** -0.5, square)
    return map_arrays(lambda p, m, v: p - lr * m * v, params, m_hat, v_hat), AdamState(t, mean, square)


def adam_of_momentum(params, grads, state, lr, decay_mean, decay_square, eps):
    t = state.updates + 1
    mean = map_arrays(lambda m, g: m * decay_mean + g, state.mean, grads)
    square = map_arrays(lambda v, g: v * decay_square + g * g * (1 - decay_square), state.square, grads)
    root = map_arrays(lambda v: np.sqrt(v / (1 - decay_square**t)) + eps, square)
    new = map_arrays(lambda p, m, r: p - lr * m / (1 - decay_mean**t) / r, params, mean, root)
    return new, AdamState(t, mean, square)


def adam_eps_behind(params, grads, state, lr, decay_mean, decay_square, eps):
    t = state.updates + 1
    mean = map_arrays(lambda m, g: m * decay_mean + g * (1 - decay_mean), state.mean, grads)
    square = map_arrays(lambda v, g: v * decay_square + g * g * (1 - decay_square), state.square, grads)
    mh, vh = (
        map_arrays(lambda m: m / (1 - decay_mean**t), mean),
        map_arrays(lambda v: v / (1 - decay_square**t), square),
    )
    step = map_arrays(lambda m, v: lr * m / np.sqrt(v) + eps, mh, vh)
    return map_arrays(np.subtract, params, step), AdamState(t, mean, square)


# --- fit ----------------------------------------------------------------------------------------------------


class Diverged(ValueError):
    """An error of one's own."""


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


def fit_from_another_session(session, batches, gradient, update, on_update):
    Mine = namedtuple("Mine", "losses state memory model")
    out = fit_by_replacing(session, batches, gradient, update, on_update)
    return Mine(list(out.losses), out.state, out.memory, out.model)


def fit_history_of_its_own(session, batches, gradient, update, on_update):
    history, model, memory = [], session.model, session.memory
    for batch in batches:
        loss, grads = gradient(model, batch)
        history.append(loss)
        model, memory = update(model, grads, memory)
    return Session(model, memory, session.state, history)


def fit_same_gradient(session, batches, gradient, update, on_update):
    pairs = [gradient(session.model, batch) for batch in batches]
    model, memory = session.model, session.memory
    for i, (loss, grads) in enumerate(pairs):
        model, memory = update(model, grads, memory)
        if on_update is not None:
            on_update(len(session.losses) + i + 1, loss)
    return Session(model, memory, session.state, session.losses + tuple(loss for loss, _ in pairs))


def fit_silent(session, batches, gradient, update, on_update=None):
    return fit_by_replacing(session, batches, gradient, update)


def fit_of_a_list(session, batches, gradient, update, on_update=None):
    for i in range(len(batches)):
        session = fit_by_replacing(session, [batches[i]], gradient, update, on_update)
    return session


def fit_always_from_the_session(session, batches, gradient, update, on_update=None):
    losses = list(session.losses)
    for batch in batches:
        loss, grads = gradient(session.model, batch)
        model, memory = update(session.model, grads, session.memory)
        losses.append(loss)
        if on_update is not None:
            on_update(len(losses), loss)
    return Session(model, memory, session.state, tuple(losses))


def fit_dropping_the_memory(session, batches, gradient, update, on_update=None):
    model, losses = session.model, list(session.losses)
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, _ = update(model, grads, session.memory)
        losses.append(loss)
        if on_update is not None:
            on_update(len(losses), loss)
    return session._replace(model=model, losses=tuple(losses))


def fit_looking_again(session, batches, gradient, update, on_update=None):
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        loss, _ = gradient(model, batch)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(len(losses), loss)
    return Session(model, memory, state, losses)


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


def truncated_from_zeros_each_time(cell, session, symbols, k, update):
    model, memory, _, losses = session
    for start, stop in windows(len(symbols) - 1, k):
        state = cell.zero_state(model.cell, symbols.shape[1])
        part = Session(model, memory, state, losses)
        model, memory, state, losses = truncated_by_while(cell, part, symbols[start : stop + 1], k, update)
    return Session(model, memory, state, losses)


def truncated_saying_what_it_reads(cell, session, symbols, k, update):
    model, memory, state, losses = session
    one_hot = np.eye(len(model.readout.b_y))
    for a in range(0, len(symbols) - 1, k):
        now = symbols[a : min(a + k, len(symbols) - 1)]
        h, state, tape = cell.forward(model.cell, one_hot[now], state)
        y = readout.forward(model.readout, h)
        d_readout, dh = readout.backward(model.readout, h, softmax_cross_entropy_gradient(y, now))
        grads, _, _ = cell.backward(model.cell, tape, dh)
        model, memory = update(model, Model(grads, d_readout), memory)
        losses += (softmax_cross_entropy(y, now),)
    return Session(model, memory, state, losses)


def truncated_shifting_each_window(cell, session, symbols, k, update):
    for a in range(0, len(symbols), k):
        if len(symbols[a : a + k]) >= 2:
            session = truncated_by_while(cell, session, symbols[a : a + k], k, update)
    return session


def truncated_plainly(
    rows, gradient="Model(d_cell, d_readout)", keeps="model, memory", d_cell="d_cell, _, _", m="model"
):
    """Write a loop along the stream and run its definition."""
    source = f"""
def truncated(cell, session, symbols, k, update):
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        h, state, tape = cell.forward({m}.cell, {rows}[symbols[a:b]], state)
        y = readout.forward({m}.readout, h)
        losses += (softmax_cross_entropy(y, symbols[a + 1 : b + 1]),)
        check_finite(losses[-1], updates=len(losses) - 1)
        d_readout, dh = readout.backward({m}.readout, h, softmax_cross_entropy_gradient(y, symbols[a + 1 : b + 1]))
        {d_cell} = cell.backward({m}.cell, tape, dh)
        {keeps} = update({m}, {gradient}, memory)
    return Session(model, memory, state, losses)
"""
    names = dict(globals())
    exec(source, names)
    return names["truncated"]


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


def bits_as_nats(cell, model, symbols, k):
    return bits_in_one_piece(cell, model, symbols, k) * np.log(2)


def bits_of_separate_windows(cell, model, symbols, k):
    T = len(symbols) - 1
    parts = [(b - a) * bits_in_one_piece(cell, model, symbols[a : b + 1], k) for a, b in windows(T, k)]
    return sum(parts) / T


def bits_plain_mean(cell, model, symbols, k):
    state, means = None, []
    for a, b in windows(len(symbols) - 1, k):
        h, state, _ = cell.forward(model.cell, np.eye(len(model.readout.b_y))[symbols[a:b]], state)
        means.append(softmax_cross_entropy(readout.forward(model.readout, h), symbols[a + 1 : b + 1]) / np.log(2))
    return sum(means) / len(means)


def bits_plain_mean_of_nats(cell, model, symbols, k):
    """In float64 besides, as the first attempt is."""
    state, total, count = None, 0, 0
    for a, b in windows(len(symbols) - 1, k):
        h, state, _ = cell.forward(model.cell, np.eye(len(model.readout.b_y))[symbols[a:b]], state)
        total += softmax_cross_entropy(readout.forward(model.readout, h), symbols[a + 1 : b + 1])
        count += 1
    return total / count


def bits_with_rows_of_zeros(cell, model, symbols, k):
    T, N = symbols.shape
    x = np.zeros((T - 1, N, len(model.readout.b_y)))
    np.put_along_axis(x, symbols[:-1, :, None], 1, axis=2)
    h, _, _ = cell.forward(model.cell, x, None)
    return softmax_cross_entropy(readout.forward(model.readout, h), symbols[1:]) / np.log(2)


def bits_with_the_streams_alphabet(cell, model, symbols, k):
    K, T, state, total = len(np.unique(symbols)), len(symbols) - 1, None, 0
    for a, b in windows(T, k):
        h, state, _ = cell.forward(model.cell, np.eye(K)[symbols[a:b]], state)
        total += (b - a) * softmax_cross_entropy(readout.forward(model.readout, h), symbols[a + 1 : b + 1])
    return total / T / np.log(2)


def bits_with_the_windows_alphabet(cell, model, symbols, k):
    T, state, total = len(symbols) - 1, None, 0
    for a, b in windows(T, k):
        h, state, _ = cell.forward(model.cell, np.eye(symbols[a:b].max() + 1)[symbols[a:b]], state)
        total += (b - a) * softmax_cross_entropy(readout.forward(model.readout, h), symbols[a + 1 : b + 1])
    return total / T / np.log(2)


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


def encode_as_floats_that_are_whole(text, alphabet):
    symbols = np.zeros(len(text))
    for i, character in enumerate(text):
        symbols[i] = alphabet.index(character)
    return symbols


def encode_by_a_sorted_alphabet(text, alphabet):
    place = {character: k for k, character in enumerate(sorted(set(alphabet)))}
    return [place[character] for character in text]


def encode_by_the_texts_own(text, alphabet):
    _, inverse = np.unique(list(text), return_inverse=True)
    return inverse


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


def sample_by_argmax_of_edges(y, temperature, u):
    z = y / temperature
    e = np.exp(z - z.max(1, keepdims=True))
    return ((e / e.sum(1, keepdims=True)).cumsum(1) > u[:, np.newaxis]).argmax(1)


def sample_greedily(y, temperature, u):
    return np.array([max(range(len(row)), key=row.__getitem__) for row in y])


def sample_with_temperature_upside_down(y, temperature, u):
    return sample_by_searchsorted(y * temperature, 1.0, u)


def sample_with_a_bare_exponential(y, temperature, u):
    p = np.exp(y / temperature) / np.exp(y / temperature).sum(axis=1, keepdims=True)
    return np.sum(np.cumsum(p, axis=1) <= u[:, None], axis=1)


def sample_from_left(y, temperature, u):
    p = np.exp((y - y.max(axis=1)[:, None]) / temperature)
    p /= p.sum(axis=1)[:, None]
    return [np.searchsorted(np.cumsum(row), v) for row, v in zip(p, u, strict=True)]


def sample_bare_by_argmax(y, temperature, u):
    p = np.exp(y / temperature) / np.exp(y / temperature).sum(axis=1)[:, None]
    return np.argmax(np.cumsum(p, axis=1) > u[:, None], axis=1)


def sample_less_the_largest_of_all(y, temperature, u):
    z = y / temperature
    e = np.exp(z - z.max())
    return ((e / e.sum(axis=1, keepdims=True)).cumsum(axis=1) > u[:, None]).argmax(axis=1)


RIGHT = {
    "adding.sequences": [adding_sequence_by_sequence, adding_by_sums, adding_in_float32, adding_as_lists],
    "copying.sequences": [
        copying_sequence_by_sequence,
        copying_by_concatenation,
        copying_as_lists,
        copying_from_uniform_numbers,
    ],
    "optim.adam": [adam_by_recursion, adam_with_the_corrections_in_the_step, adam_in_place_on_copies],
    "loop.fit": [fit_by_replacing, fit_by_recursion, fit_with_an_array_of_losses, fit_from_another_session],
    "text.encode": [
        encode_by_find,
        encode_by_translate,
        encode_by_searchsorted,
        encode_as_floats_that_are_whole,
    ],
    "loop.truncated_epoch": [truncated_by_while, truncated_by_edges, truncated_plainly(EYE_32)],
    "loop.bits_per_symbol": [bits_in_one_piece, bits_symbol_by_symbol, bits_weighed_average],
    "text.sample": [sample_by_searchsorted, sample_by_loops, sample_by_bisect, sample_by_argmax_of_edges],
}

WRONG = [
    ("adding.sequences", adding_both_by_permutation, "marks-anywhere"),
    ("adding.sequences", adding_both_anywhere_by_loops, "marks-may-coincide"),
    ("adding.sequences", adding_mean_by_marks, "mean-for-sum"),
    ("adding.sequences", adding_steps_of_the_marks, "sum-of-positions"),
    ("adding.sequences", adding_marks_for_all, "same-steps-in-every-sequence"),
    ("adding.sequences", adding_by_pythons_random, "rng-unused"),
    ("adding.sequences", adding_mask_as_numbers, "mask-of-numbers"),
    ("adding.sequences", adding_with_marks_where_argmax_is, None),
    ("copying.sequences", copying_nine_kinds, "nothing-in-the-message"),
    ("copying.sequences", copying_zeros_for_nothing, "target-0-for-nothing"),
    ("copying.sequences", copying_early_by_one, "answer-one-step-early"),
    ("copying.sequences", copying_asked_at_the_last_symbol, "sign-one-step-early"),
    ("copying.sequences", copying_without_a_sign, "sign-missing"),
    ("copying.sequences", copying_into_one_array, "one-array-for-both"),
    ("copying.sequences", copying_said_and_read, "message-read-again-in-the-answer"),
    ("copying.sequences", copying_from_whole_zeros, "0-for-nothing"),
    ("copying.sequences", copying_from_zeros, "zeros-of-floats"),
    ("copying.sequences", copying_what_is_read, "target-is-x"),
    ("optim.adam", adam_corrections_left_out_by_torch_habit, "no-correction"),
    ("optim.adam", adam_eps_under_the_root, "eps-inside-the-root"),
    ("optim.adam", adam_of_momentum, "mean-is-a-running-sum"),
    ("optim.adam", adam_eps_behind, "eps-outside-the-step"),
    ("loop.fit", fit_history_of_its_own, "history-begun-anew"),
    ("loop.fit", fit_silent, "on-update-never-called"),
    ("loop.fit", fit_of_a_list, "batches-indexed"),
    ("loop.fit", fit_same_gradient, "gradient-of-the-first-model"),
    ("loop.fit", fit_always_from_the_session, "update-after-the-loop"),
    ("loop.fit", fit_dropping_the_memory, "memory-dropped"),
    ("loop.fit", fit_looking_again, "loss-after-the-update"),
    ("loop.truncated_epoch", truncated_from_zeros_each_time, "state-reset"),
    ("loop.truncated_epoch", truncated_saying_what_it_reads, "target-not-shifted"),
    ("loop.truncated_epoch", truncated_shifting_each_window, "target-inside-the-window"),
    ("loop.truncated_epoch", truncated_plainly(EYE), "one-hot-in-float64"),
    ("loop.truncated_epoch", truncated_plainly("np.eye(symbols.max() + 1)"), "number-of-symbols-from-the-stream"),
    (
        "loop.truncated_epoch",
        truncated_plainly("np.eye(symbols[a : b + 1].max() + 1)"),
        "number-of-symbols-from-the-window",
    ),
    ("loop.truncated_epoch", truncated_plainly(EYE, keeps="model, _"), "memory-dropped"),
    ("loop.truncated_epoch", truncated_plainly(EYE, "(d_cell, d_readout)"), "gradient-as-a-plain-tuple"),
    ("loop.truncated_epoch", truncated_plainly(EYE_32, d_cell="d_cell"), "three-results-for-the-gradient"),
    ("loop.truncated_epoch", truncated_plainly(EYE_32, m="session.model"), "first-model-throughout"),
    ("loop.bits_per_symbol", bits_as_nats, "in-nats"),
    ("loop.bits_per_symbol", bits_of_separate_windows, "state-reset"),
    ("loop.bits_per_symbol", bits_plain_mean, "mean-over-windows"),
    ("loop.bits_per_symbol", bits_plain_mean_of_nats, "mean-over-windows-in-nats"),
    ("loop.bits_per_symbol", bits_with_rows_of_zeros, "one-hot-in-float64"),
    ("loop.bits_per_symbol", bits_with_the_streams_alphabet, "number-of-symbols-from-the-stream"),
    ("loop.bits_per_symbol", bits_with_the_windows_alphabet, "number-of-symbols-from-the-stream"),
    ("text.encode", encode_by_a_sorted_alphabet, "alphabet-sorted-again"),
    ("text.encode", encode_by_the_texts_own, "alphabet-of-the-text"),
    ("text.encode", encode_by_ord, "character-codes"),
    ("text.sample", sample_greedily, "most-likely"),
    ("text.sample", sample_with_temperature_upside_down, "temperature-multiplied"),
    ("text.sample", sample_with_a_bare_exponential, "unstable"),
    ("text.sample", sample_bare_by_argmax, "unstable-first-edge-above-u"),
    ("text.sample", sample_less_the_largest_of_all, "one-maximum-for-all"),
    ("text.sample", sample_from_left, "edge-belongs-to-the-symbol-before"),
]
