"""Right and wrong answers to the exercises on checkpointing (lesson 04), written as people write them."""

from functools import cache
from math import comb

import numpy as np

from bptt_lessons import nested
from bptt_lessons.cells import unrolled
from bptt_lessons.cells.unrolled import add_to_hidden, hidden
from bptt_lessons.gradients import bptt
from bptt_lessons.gradients.bptt import Gradient


def tape_bytes_of_real_arrays(T, N, D, H, itemsize):
    dtype = {2: np.float16, 4: np.float32, 8: np.float64}[itemsize]
    return np.empty((T, N, D), dtype).nbytes + np.empty((T + 1, N, H), dtype).nbytes


def tape_bytes_step_by_step(T, N, D, H, itemsize):
    total = N * H * itemsize
    for _ in range(T):
        total += N * (D + H) * itemsize
    return float(total)


def backward_sqrt_with_steps(cell, params, x, state0, loss_gradient, segment):
    T, N, _ = x.shape
    kept, state = {}, state0
    for t in range(T):
        if t % segment == 0:
            kept[t] = state
        state, _ = cell.step(params, x[t], state)
    loss, grads, extra, dstate = 0, nested.zeros_like(params), None, cell.zero_state(params, N)
    for start in sorted(kept, reverse=True):
        h, _, caches = unrolled.forward(cell, params, x[start : start + segment], kept[start])
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, dstate = unrolled.backward(cell, params, caches, dh, dstate)
        loss += loss_k
        grads = nested.add(grads, grads_k)
        extra = extra_k if extra is None else nested.add(extra, extra_k)
    return Gradient(loss, grads, extra)


def backward_sqrt_by_recursion(cell, params, x, state0, loss_gradient, segment):
    def back(start, state):
        h, after, tape = cell.forward(params, x[start : start + segment], state)
        loss, dh, extra = loss_gradient(h, start)
        last = start + segment >= len(x)
        behind, dstate = (None, None) if last else back(start + segment, after)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        here = Gradient(loss, grads, extra)
        return here if last else bptt.add(here, behind), dstate

    return back(0, state0)[0]


def backward_sqrt_by_number(cell, params, x, state0, loss_gradient, segment):
    K = int(np.ceil(len(x) / segment))
    states = [state0]
    for k in range(K):
        states.append(cell.forward(params, x[k * segment : (k + 1) * segment], states[k])[1])
    losses, parts, extras, dstate = [], [], [], None
    for k in reversed(range(K)):
        h, _, tape = cell.forward(params, x[k * segment : min((k + 1) * segment, len(x))], states[k])
        loss, dh, extra = loss_gradient(h, k * segment)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        losses.append(loss)
        parts.append(part)
        extras.append(extra)
    return [
        sum(losses),
        [np.sum(p, axis=0) for p in zip(*parts, strict=True)],
        [np.sum(p, axis=0) for p in zip(*extras, strict=True)],
    ]


def forward_cost_by_recursion(T, slots, keeps):
    @cache
    def cost(t, m):
        if t in (0, 1) or m == 1:
            return t * (t + 1) // 2
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


def forward_cost_by_table(T, slots, keeps):
    C = np.zeros((T + 1, slots + 1))
    for t in range(T + 1):
        C[t, 1] = t * (t + 1) / 2
    for m in range(2, slots + 1):
        for t in range(1, T + 1):
            if t == 1:
                C[t, m] = 1
            elif keeps == "state":
                C[t, m] = np.min([y + C[t - y, m - 1] + C[y, m] for y in range(1, t)])
            else:
                C[t, m] = np.min([y + C[t - y, m - 1] + C[y - 1, m] for y in range(1, t + 1)])
    return C[T, slots]


def forward_cost_in_closed_form(T, slots, keeps):
    t, r = (T, 0) if keeps == "state" else (T + 1, 0)
    while comb(slots + r, r) < t:
        r += 1
    repeats = r * t - (comb(slots + r, r - 1) if r else 0)
    return T + repeats if keeps == "state" else repeats


def backward_keeping_everything(cell, params, x, state0, loss_gradient, actions):
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    return Gradient(loss, unrolled.backward(cell, params, caches, dh)[0], extra)


def backward_always_from_the_beginning(cell, params, x, state0, loss_gradient, actions):
    loss, grads, extra, dstate = 0.0, nested.zeros_like(params), None, cell.zero_state(params, x.shape[1])
    for t in reversed(range(len(x))):
        state = state0
        for x_t in x[: t + 1]:
            state, cache = cell.step(params, x_t, state)
        loss_t, dh, extra_t = loss_gradient(hidden(state)[np.newaxis], t)
        grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
        loss, grads, extra = loss + loss_t, nested.add(grads, grads_t), bptt.add_extra(extra, extra_t)
    return loss, grads, extra


def backward_in_four_branches(cell, params, x, state0, loss_gradient, actions):
    loss, grads, extra, dstate = 0, None, None, cell.zero_state(params, x.shape[1])
    slots = {0: [state0, None]}
    for a in actions:
        if a.kind == "drop":
            slots.pop(a.stop)
        elif a.kind == "keep state":
            slots[a.stop] = [unrolled.forward(cell, params, x[a.start : a.stop], slots[a.start][0])[1], None]
        elif a.kind == "keep step":
            _, state, caches = unrolled.forward(cell, params, x[a.start : a.stop], slots[a.start][0])
            slots[a.stop] = [state, caches[-1]]
        else:
            state, cache = slots[a.start]
            if a.stop > a.start:
                _, state, caches = unrolled.forward(cell, params, x[a.start : a.stop], state)
                cache = caches.pop()
            loss_t, dh, extra_t = loss_gradient(hidden(state)[None], a.stop - 1)
            part, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            loss += loss_t
            grads = part if grads is None else nested.add(part, grads)
            extra = extra_t if extra is None else nested.add(extra_t, extra)
    return [loss, tuple(grads), tuple(extra)]


RIGHT: dict[str, list] = {
    "checkpointing.tape_bytes": [tape_bytes_of_real_arrays, tape_bytes_step_by_step],
    "checkpointing.backward_sqrt": [backward_sqrt_with_steps, backward_sqrt_by_recursion, backward_sqrt_by_number],
    "checkpointing.forward_cost": [forward_cost_by_recursion, forward_cost_by_table, forward_cost_in_closed_form],
    "checkpointing.backward": [
        backward_keeping_everything,
        backward_always_from_the_beginning,
        backward_in_four_branches,
    ],
}


# Mistakes, written otherwise than in the catalogue.


def tape_bytes_of_the_caches(T, N, D, H, itemsize):
    """Every cache has its own x, h_prev and h."""
    return sum(N * (D + H + H) for _ in range(T)) * itemsize


def backward_sqrt_by_truncation(cell, params, x, state0, loss_gradient, segment):
    """Truncated windows with a carried state."""
    total, state = Gradient(0.0, nested.zeros_like(params), None), state0
    for start in range(0, len(x), segment):
        h, state, tape = cell.forward(params, x[start : start + segment], state)
        loss, dh, extra = loss_gradient(h, start)
        total = bptt.add(total, Gradient(loss, cell.backward(params, tape, dh)[0], extra))
    return total


def forward_cost_of_even_splits(T, slots, keeps):
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) / 2
        half = t // 2
        return half + cost(half if keeps == "state" else half - 1, m) + cost(t - half, m - 1)

    return cost(T, slots)


def backward_with_dh_alone(cell, params, x, state0, loss_gradient, actions):
    """Right for no cell; a state with two parts raises."""
    kept, total = {0: (state0, None)}, Gradient(0.0, nested.zeros_like(params), None)
    for kind, start, stop in actions:
        if kind == "drop":
            continue
        state, cache = kept[start]
        for t in range(start, stop):
            state, cache = cell.step(params, x[t], state)
        kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, _ = cell.step_backward(params, cache, dh[0])
            total = bptt.add(total, Gradient(loss, grads, extra))
    return total


def backward_reading_by_pop(cell, params, x, state0, loss_gradient, actions):
    slots, total, dstate = {0: (state0, None)}, None, cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind == "drop":
            del slots[stop]
            continue
        state, cache = slots.pop(start)
        for x_t in x[start:stop]:
            state, cache = cell.step(params, x_t, state)
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = Gradient(loss, grads, extra) if total is None else bptt.add(total, Gradient(loss, grads, extra))
        else:
            slots[stop] = state, cache
    return total


def backward_sqrt_first_pass_by_hidden_rows(cell, params, x, state0, loss_gradient, segment):
    kept = [state0]
    for start in range(0, len(x) - segment, segment):
        kept.append(cell.forward(params, x[start : start + segment], kept[-1])[0][-1].copy())
    loss, grads, extra, dstate = 0.0, nested.zeros_like(params), None, None
    for k, state in reversed(list(enumerate(kept))):
        h, _, tape = cell.forward(params, x[k * segment : (k + 1) * segment], state)
        loss_k, dh, extra_k = loss_gradient(h, k * segment)
        grads_k, _, dstate = cell.backward(params, tape, dh, dstate)
        loss, grads, extra = loss + loss_k, nested.add(grads, grads_k), bptt.add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


WRONG = [
    ("checkpointing.tape_bytes", tape_bytes_of_the_caches, "h-and-h-prev-apart"),
    ("checkpointing.backward_sqrt", backward_sqrt_by_truncation, "dstate-not-handed-on"),
    ("checkpointing.forward_cost", forward_cost_of_even_splits, "split-in-the-middle"),
    ("checkpointing.backward", backward_with_dh_alone, "dstate-not-handed-on"),
    ("checkpointing.backward", backward_reading_by_pop, "slot-emptied-by-reading"),
    ("checkpointing.backward_sqrt", backward_sqrt_first_pass_by_hidden_rows, "hidden-state-for-state"),
]
