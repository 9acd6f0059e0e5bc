"""Right answers to the exercises on truncation (lesson 05), written as people write them, and mistakes likewise."""

from collections import deque

import numpy as np

from bptt_lessons.cells import unrolled
from bptt_lessons.cells.unrolled import add_to_hidden
from bptt_lessons.gradients import tbptt
from bptt_lessons.gradients.bptt import Gradient, add_extra
from bptt_lessons.nested import add, map_arrays, zeros_like


def contributions_by_stacking(cell, params, caches, dh):
    T, nothing = len(dh), zeros_like(params)
    rows = []
    for t in range(T):
        row, dstate = [nothing] * T, add_to_hidden(cell.zero_state(params, dh.shape[1]), dh[t])
        for s in reversed(range(t + 1)):
            row[s], _, dstate = cell.step_backward(params, caches[s], dstate)
        rows.append(row)
    return type(params)(*(np.array([[part[i] for part in row] for row in rows]) for i in range(len(params))))


def contributions_by_differences(cell, params, caches, dh):
    """The part through the use at s is the gradient of a sequence from s on, less that of one from s + 1 on."""
    T = len(caches)
    parts = [np.zeros((T, T, *p.shape)) for p in params]
    for t in range(T):
        later = zeros_like(params)
        for s in range(t, -1, -1):
            dh_t = np.zeros((t - s + 1, *dh.shape[1:]))
            dh_t[-1] = dh[t]
            grads, _, _ = unrolled.backward(cell, params, caches[s : t + 1], dh_t)
            for part, g, g_later in zip(parts, grads, later, strict=True):
                part[t, s] = g - g_later
            later = grads
    return parts


def contributions_by_lags(cell, params, caches, dh):
    """All losses at once, one lag after the other."""
    T, N, _ = dh.shape
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    dstates = [add_to_hidden(cell.zero_state(params, N), dh_t) for dh_t in dh]
    for lag in range(T):
        for t in range(lag, T):
            grads, _, dstates[t] = cell.step_backward(params, caches[t - lag], dstates[t])
            for name in params._fields:
                getattr(parts, name)[t, t - lag] = getattr(grads, name)
    return parts


def windows_by_while(T, k):
    cut, start = [], 0
    while start < T:
        stop = start + k if start + k < T else T
        cut.append((start, stop))
        start = stop
    return cut


def windows_by_division(T, k):
    return [[i * k, min((i + 1) * k, T)] for i in range(-(-T // k))]


def windowed_step_by_step(cell, params, x, state0, loss_gradient, k):
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    h, caches, first = [], [], 0
    for t in range(len(x)):
        state, cache = cell.step(params, x[t], state)
        h.append(unrolled.hidden(state))
        caches.append(cache)
        if (t + 1) % k == 0 or t == len(x) - 1:
            loss_k, dh, extra_k = loss_gradient(np.array(h), first)
            loss += loss_k
            grads = add(grads, unrolled.backward(cell, params, caches, dh)[0])
            extra = extra_k if extra is None else add(extra, extra_k)
            h, caches, first = [], [], t + 1
    return loss, tuple(grads), list(extra)


def windowed_by_recursion(cell, params, x, state0, loss_gradient, k, start=0):
    h, state, tape = cell.forward(params, x[start : start + k], state0)
    loss, dh, extra = loss_gradient(h, start)
    grads = cell.backward(params, tape, dh)[0]
    if start + k >= len(x):
        return Gradient(loss, grads, extra)
    rest = windowed_by_recursion(cell, params, x, state, loss_gradient, k, start + k)
    return Gradient(loss + rest.loss, add(grads, rest.grads), add(extra, rest.extra))


def windowed_after_one_forward(cell, params, x, state0, loss_gradient, k):
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    grads = zeros_like(params)
    for start in range(0, len(x), k):
        grads = add(grads, unrolled.backward(cell, params, caches[start : start + k], dh[start : start + k])[0])
    return [loss, grads, extra]


def stream_by_columns(stream, N):
    T = len(stream) // N
    return np.stack([stream[n * T : (n + 1) * T] for n in range(N)], axis=1)


def stream_by_index(stream, N):
    T = len(stream) // N
    return stream[np.arange(T)[:, None] + T * np.arange(N)]


def stream_as_lists(stream, N):
    T = len(stream) // N
    return [[stream[n * T + t].tolist() for n in range(N)] for t in range(T)]


def sliding_step_by_step(cell, params, x, state0, loss_gradient, k1, k2):
    T, N, _ = x.shape
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    h, last = [], deque(maxlen=k2)
    for t in range(T):
        state, cache = cell.step(params, x[t], state)
        h.append(unrolled.hidden(state))
        last.append(cache)
        if (t + 1) % k1 and t + 1 < T:
            continue
        loss_k, dh, extra_k = loss_gradient(np.stack(h), t + 1 - len(h))
        dh, dstate = list(dh), cell.zero_state(params, N)
        for old in reversed(last):
            dstate = add_to_hidden(dstate, dh.pop()) if dh else dstate
            part, _, dstate = cell.step_backward(params, old, dstate)
            grads = add(grads, part)
        loss, extra, h = loss + loss_k, add_extra(extra, extra_k), []
    return loss, grads, extra


def sliding_by_running_again(cell, params, x, state0, loss_gradient, k1, k2):
    T, states = len(x), [state0]
    for x_t in x:
        states.append(cell.step(params, x_t, states[-1])[0])
    loss, grads, extra = 0.0, zeros_like(params), None
    for start in range(0, T, k1):
        stop = min(start + k1, T)
        first = max(stop - k2, 0)
        h, _, tape = cell.forward(params, x[first:stop], states[first])
        loss_k, dh, extra_k = loss_gradient(h[start - first :], start)
        dh = np.pad(dh, [(start - first, 0), (0, 0), (0, 0)])
        grads = add(grads, cell.backward(params, tape, dh)[0])
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
    return Gradient(loss=loss, grads=grads, extra=extra)


def randomised_by_weights(cell, params, x, state0, loss_gradient, cuts, probability):
    weights = tbptt.kept_by_cuts(len(x), cuts, probability)
    return masked(cell, params, x, state0, loss_gradient, weights)


def randomised_in_one_pass(cell, params, x, state0, loss_gradient, cuts, probability):
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    grads, zero = zeros_like(params), cell.zero_state(params, x.shape[1])
    dstate = zero
    for t in reversed(range(len(x))):
        part, _, dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        grads = add(grads, part)
        dstate = zero if t in cuts else map_arrays(lambda d: d / (1 - probability), dstate)
    return loss, grads, extra


def randomised_divided_before_the_step(cell, params, x, state0, loss_gradient, cuts, probability):
    T, N, _ = x.shape
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    starts, keep = (0, *cuts), 1 - probability
    for start, stop in zip(starts, (*cuts, T), strict=True):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        dstate = cell.zero_state(params, N)
        for t in range(stop - start - 1, -1, -1):
            scaled = map_arrays(lambda d: d / keep, dstate)
            part, _, dstate = cell.step_backward(params, caches[t], add_to_hidden(scaled, dh[t]))
            grads = add(grads, part)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


def masked(cell, params, x, state0, loss_gradient, weights):
    """What a matrix of weights keeps of the contributions, with the whole loss."""
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    return Gradient(loss, tbptt.summed(tbptt.contributions(cell, params, caches, dh), weights), extra)


RIGHT = {
    "tbptt.contributions": [contributions_by_stacking, contributions_by_differences, contributions_by_lags],
    "tbptt.windows": [windows_by_while, windows_by_division],
    "tbptt.windowed_gradient": [windowed_step_by_step, windowed_by_recursion, windowed_after_one_forward],
    "tbptt.stream_batches": [stream_by_columns, stream_by_index, stream_as_lists],
    "tbptt.sliding_gradient": [sliding_step_by_step, sliding_by_running_again],
    "tbptt.randomised_gradient": [randomised_by_weights, randomised_in_one_pass, randomised_divided_before_the_step],
}


# Mistakes as masks on the contributions, or with other tools: whatever they are written with, they must get the same
# names.


def lag(T):
    return np.arange(T)[:, None] - np.arange(T)


def sliding_with_a_band(cell, params, x, state0, loss_gradient, k1, k2):
    return masked(cell, params, x, state0, loss_gradient, (lag(len(x)) >= 0) & (lag(len(x)) < k2))


def randomised_without_cuts(cell, params, x, state0, loss_gradient, cuts, probability):
    return masked(cell, params, x, state0, loss_gradient, tbptt.kept_by_cuts(len(x), (), probability))


def randomised_with_one_division(cell, params, x, state0, loss_gradient, cuts, probability):
    weights = tbptt.kept_by_cuts(len(x), cuts, 0.0) / (1 - probability)
    return masked(cell, params, x, state0, loss_gradient, weights)


def contributions_transposed(cell, params, caches, dh):
    return map_arrays(lambda p: p.swapaxes(0, 1), tbptt.contributions(cell, params, caches, dh))


def stream_every_nth(stream, N):
    T = len(stream) // N
    return np.stack([stream[n : T * N : N] for n in range(N)], axis=1)


def contributions_with_grads_unpacked(cell, params, caches, dh):
    T, N = dh.shape[:2]
    out = zeros_like(tbptt.contributions(cell, params, caches, dh))
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            (dW_xh, dW_hh, db_h), _, dstate = cell.step_backward(params, caches[s], dstate)
            out.W_xh[t, s], out.W_hh[t, s], out.b_h[t, s] = dW_xh, dW_hh, db_h
    return out


def windows_by_their_number(T, k):
    length, cut = T // k, []
    for _ in range(k):
        start = cut[-1][1] if cut else 0
        cut.append((start, start + length))
    return cut


def stream_split_and_turned(stream, N):
    return np.array(np.split(stream, N)).swapaxes(0, 1)


WRONG = [
    ("tbptt.sliding_gradient", sliding_with_a_band, "horizon-from-each-t"),
    ("tbptt.randomised_gradient", randomised_without_cuts, "cuts-ignored"),
    ("tbptt.randomised_gradient", randomised_with_one_division, "divided-once-in-a-piece"),
    ("tbptt.contributions", contributions_transposed, "s-and-t-exchanged"),
    ("tbptt.stream_batches", stream_every_nth, "neighbours-side-by-side"),
    ("tbptt.contributions", contributions_with_grads_unpacked, "unpacked-into-three"),
    ("tbptt.windows", windows_by_their_number, "k-equal-ones"),
    ("tbptt.stream_batches", stream_split_and_turned, "split-with-its-tail"),
]
