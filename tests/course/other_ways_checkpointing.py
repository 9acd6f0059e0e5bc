"""Right and wrong answers to the exercises on checkpointing (lesson 04), written as people write them."""

import operator
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


def tape_bytes_as_an_array(T, N, D, H, itemsize):
    return np.array([T * N * D, T * N * H, N * H]).sum() * itemsize


def backward_sqrt_keeping_everything(cell, params, x, state0, loss_gradient, segment):
    h, _, tape = cell.forward(params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    grads, _, _ = cell.backward(params, tape, dh)
    return loss, grads, extra


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


def forward_cost_with_splits_below_t_for_both(T, slots, keeps):
    """With slots for steps the split at y = t never is better than all others, so leaving it out changes nothing."""

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        least = t * t
        for y in range(1, t):
            least = min(least, y + cost(t - y, m - 1) + cost(y if keeps == "state" else y - 1, m))
        return least

    return cost(T, slots)


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


def backward_without_dropping(cell, params, x, state0, loss_gradient, actions):
    states, caches, total, dstate = {0: state0}, {}, None, cell.zero_state(params, x.shape[1])
    for action in actions:
        if action.kind == "drop":
            continue
        state = states[action.start]
        for t in range(action.start, action.stop):
            state, caches[t + 1] = cell.step(params, x[t], state)
        if action.kind in ("keep state", "keep step"):
            states[action.stop] = state
        else:
            loss, dh, extra = loss_gradient(hidden(state).reshape(1, *hidden(state).shape), action.stop - 1)
            grads, _, dstate = cell.step_backward(params, caches[action.stop], add_to_hidden(dstate, dh[0]))
            part = Gradient(loss, grads, extra)
            total = part if total is None else bptt.add(total, part)
    return total


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
    "checkpointing.tape_bytes": [tape_bytes_of_real_arrays, tape_bytes_step_by_step, tape_bytes_as_an_array],
    "checkpointing.backward_sqrt": [
        backward_sqrt_keeping_everything,
        backward_sqrt_with_steps,
        backward_sqrt_by_recursion,
        backward_sqrt_by_number,
    ],
    "checkpointing.forward_cost": [
        forward_cost_by_recursion,
        forward_cost_by_table,
        forward_cost_in_closed_form,
        forward_cost_with_splits_below_t_for_both,
    ],
    "checkpointing.backward": [
        backward_keeping_everything,
        backward_always_from_the_beginning,
        backward_without_dropping,
        backward_in_four_branches,
    ],
}


# Mistakes, written otherwise than in the catalogue.


def tape_bytes_of_the_caches(T, N, D, H, itemsize):
    """Every cache with its x, its h_prev and its h."""
    return sum(N * (D + H + H) for _ in range(T)) * itemsize


def tape_bytes_with_dh(T, N, D, H, itemsize):
    x, h, dh = T * N * D, (T + 1) * N * H, T * N * H
    return (x + h + dh) * itemsize


def backward_sqrt_by_truncation(cell, params, x, state0, loss_gradient, segment):
    """Windows with a carried state."""
    total, state = Gradient(0.0, nested.zeros_like(params), None), state0
    for start in range(0, len(x), segment):
        h, state, tape = cell.forward(params, x[start : start + segment], state)
        loss, dh, extra = loss_gradient(h, start)
        total = bptt.add(total, Gradient(loss, cell.backward(params, tape, dh)[0], extra))
    return total


def backward_sqrt_keeping_after_each_segment(cell, params, x, state0, loss_gradient, segment):
    kept, state = [], state0
    for start in range(0, len(x), segment):
        _, state, _ = cell.forward(params, x[start : start + segment], state)
        kept.append(state)
    total, dstate = Gradient(0.0, nested.zeros_like(params), None), None
    for k, start in reversed(list(enumerate(range(0, len(x), segment)))):
        h, _, tape = cell.forward(params, x[start : start + segment], kept[k])
        loss, dh, extra = loss_gradient(h, start)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = bptt.add(total, Gradient(loss, grads, extra))
    return total


def backward_sqrt_keeping_after_a_first_step(cell, params, x, state0, loss_gradient, segment):
    kept, state = {}, state0
    for t in range(len(x)):
        state, _ = cell.step(params, x[t], state)
        if t % segment == 0:
            kept[t] = state
    loss, grads, extra, dstate = 0.0, nested.zeros_like(params), None, None
    for start in sorted(kept)[::-1]:
        h, _, tape = cell.forward(params, x[start : start + segment], kept[start])
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, dstate = cell.backward(params, tape, dh, dstate)
        loss, grads, extra = loss + loss_k, nested.add(grads, grads_k), bptt.add_extra(extra, extra_k)
    return loss, grads, extra


def forward_cost_with_m_behind_the_split(T, slots, keeps):
    C = np.array([[t * (t + 1) // 2] * (slots + 1) for t in range(T + 1)])
    for m in range(2, slots + 1):
        for t in range(2, T + 1):
            ends = range(1, t) if keeps == "state" else range(1, t + 1)
            C[t, m] = min(y + C[t - y, m] + C[y if keeps == "state" else y - 1, m] for y in ends)
    return C[T, slots]


def forward_cost_of_even_splits(T, slots, keeps):
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) / 2
        half = t // 2
        return half + cost(half if keeps == "state" else half - 1, m) + cost(t - half, m - 1)

    return cost(T, slots)


def backward_with_dh_alone(cell, params, x, state0, loss_gradient, actions):
    """Right for no cell, and a state with two parts refuses it."""
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


def backward_sqrt_summing(add_grads, add_extra, grads, extra=None):
    """Sum `grads` and `extra` in other ways than nested.add and add_extra, from other beginnings."""

    def backward_sqrt(cell, params, x, state0, loss_gradient, segment):
        starts, states, state = range(0, len(x), segment), {}, state0
        for a in starts:
            states[a] = state
            _, state, _ = cell.forward(params, x[a : a + segment], state)
        sums, dstate = [0.0, nested.zeros_like(params) if grads == "zeros" else grads, extra], None
        for a in starts[::-1]:
            h, _, tape = cell.forward(params, x[a : a + segment], states[a])
            loss_a, dh, extra_a = loss_gradient(h, a)
            grads_a, _, dstate = cell.backward(params, tape, dh, dstate)
            sums = [sums[0] + loss_a, add_grads(sums[1], grads_a), add_extra(sums[2], extra_a)]
        return sums

    return backward_sqrt


def first_or_sum(a, b):
    return b if a is None else a + b


SUMS = [
    (operator.add, bptt.add_extra, "zeros", None, "plus-for-grads"),
    (first_or_sum, bptt.add_extra, None, None, "plus-for-grads-from-the-last"),
    (first_or_sum, first_or_sum, None, None, "plus-for-grads-and-extra"),
    (operator.add, first_or_sum, "zeros", None, "plus-for-zeros-and-extra"),
    (nested.add, first_or_sum, "zeros", None, "plus-for-extra"),
    (nested.add, bptt.add_extra, None, None, "none-first-for-grads"),
    (nested.add, nested.add, 0, 0, "none-first-for-grads"),
    (nested.add, nested.add, "zeros", None, "none-first-for-extra"),
    (nested.add, nested.add, "zeros", 0, "none-first-for-extra"),
    (operator.add, bptt.add_extra, None, None, "plus-from-none-for-grads"),
    (operator.add, bptt.add_extra, 0, None, "plus-from-zero-for-grads"),
    (nested.add, operator.add, "zeros", None, "plus-from-none-for-extra"),
]


def forward_cost_in_branches(base, state=(1, 1, 0), step=(1, 1, 1), least=min):
    """Cost by recursion: a base, then for each kind how often y counts, where y begins, and where it ends beyond t."""

    def forward_cost(T, slots, keeps):
        @cache
        def cost(t, m):
            known = base(t, m, keeps)
            if known is not None:
                return known
            times, first, beyond = state if keeps == "state" else step
            before = 0 if keeps == "state" else 1
            ys = range(first, t + beyond)
            return least(times * y + cost(t - y, m - 1) + cost(y - before, m) for y in ys)

        return cost(T, slots)

    return forward_cost


def known(t, m, keeps):
    return t * (t + 1) // 2 if t <= 1 or m == 1 else None


def known_but_for_no_steps(t, m, keeps):
    return t * (t + 1) // 2 if t == 1 or m == 1 else None


def known_where_the_text_says(t, m, keeps):
    """C(0, m) for steps and C(1, m) for states only."""
    if m == 1:
        return t * (t + 1) // 2
    return {("state", 1): 1, ("step", 0): 0}.get((keeps, t))


COSTS = [
    (forward_cost_in_branches(known, state=(0, 1, 0), step=(0, 1, 1)), "run-to-the-split-forgotten"),
    (forward_cost_in_branches(known, state=(0, 1, 0)), "entry-not-filled-yet"),
    (forward_cost_in_branches(known, step=(0, 1, 1)), "run-to-the-split-forgotten-for-steps"),
    (forward_cost_in_branches(known, least=max), "slots-forgotten"),
    (forward_cost_in_branches(known_but_for_no_steps), "no-steps-not-known"),
    (forward_cost_in_branches(known_where_the_text_says, step=(1, 1, 0)), "no-steps-not-known"),
]


def forward_cost_in_a_table_of_zeros(T, slots, keeps):
    C = np.zeros((T + 1, slots + 1), int)
    C[:, 1] = np.arange(T + 1) * np.arange(1, T + 2) // 2
    for m in range(2, slots + 1):
        for t in range(2, T + 1):
            if keeps == "state":
                C[t, m] = min(y + C[t - y, m - 1] + C[y, m] for y in range(1, t))
            else:
                C[t, m] = min(y + C[t - y, m - 1] + C[y - 1, m] for y in range(1, t + 1))
    return C[T, slots]


def forward_cost_in_a_table_a_run_short(T, slots, keeps):
    C = [[0] * (slots + 1) for _ in range(T + 1)]
    for t in range(T + 1):
        C[t][1] = t * (t - 1) // 2
    for m in range(2, slots + 1):
        for t in range(1, T + 1):
            beyond = int(keeps == "step")
            ends = range(1, t + beyond)
            C[t][m] = 1 if t == 1 else min(y + C[t - y][m - 1] + C[y - beyond][m] for y in ends)
    return C[T][slots]


def backward_in_branches(keep, at="stop", rows=(0, 0), start_of_dstate=None, third=2):
    """Write a schedule's loop with an index, one branch for each kind of action, and a chosen mistake."""

    def backward(cell, params, x, state0, loss_gradient, actions):
        kept, sums = {0: (state0, None)}, [0.0, nested.zeros_like(params), None]
        dstate = cell.zero_state(params, x.shape[1]) if start_of_dstate is None else start_of_dstate[0]
        for kind, start, stop in actions:
            if kind in keep or kind == "back":
                state, cache = kept[start]
                for t in range(start + rows[0], stop + rows[1]):
                    state, cache = cell.step(params, x[t], state)
            if kind in keep:
                kept[stop if at == "stop" else start] = state, cache
            elif kind == "back":
                loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
                back = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
                dstate = back[third]
                sums = [sums[0] + loss, nested.add(sums[1], back[0]), bptt.add_extra(sums[2], extra)]
            elif kind == "drop":
                del kept[stop]
        return sums

    return backward


KEEPS = ("keep state", "keep step")
LOOPS = [
    (backward_in_branches(KEEPS, at="start"), "nothing-kept-at-stop"),
    (backward_in_branches(("keep",)), "keeps-passed-over"),
    (backward_in_branches(("state", "step")), "keeps-passed-over"),
    (backward_in_branches(("keep state",)), "keep-step-passed-over"),
    (backward_in_branches(KEEPS, rows=(1, 1)), "index-beyond-the-inputs"),
    (backward_in_branches(KEEPS, rows=(0, 1)), "index-beyond-the-inputs"),
    (backward_in_branches(KEEPS, start_of_dstate=(None,)), "dstate-none-first"),
    (backward_in_branches(KEEPS, start_of_dstate=(0,)), "dstate-zero-first"),
    (backward_in_branches(KEEPS, start_of_dstate=(0.0,)), "dstate-zero-point-zero-first"),
    (backward_in_branches(KEEPS, third=1), "dx-for-dstate"),
]


def backward_keeping_where_kind_is_state(cell, params, x, state0, loss_gradient, actions):
    kept, total, dstate = {0: (state0, None)}, Gradient(0.0, nested.zeros_like(params), None), None
    for kind, start, stop in actions:
        if kind == "drop":
            kept.pop(stop)
            continue
        state, cache = kept[start]
        for x_t in x[start:stop]:
            state, cache = cell.step(params, x_t, state)
        if kind == "state":
            kept[stop] = (state, None)
        elif kind == "step":
            kept[stop] = (state, cache)
        elif kind == "back":
            dstate = cell.zero_state(params, x.shape[1]) if dstate is None else dstate
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = bptt.add(total, Gradient(loss, grads, extra))
    return total


def backward_with_a_dstate_of_an_array(cell, params, x, state0, loss_gradient, actions):
    kept, total, dstate = {0: (state0, None)}, Gradient(0.0, nested.zeros_like(params), None), None
    for kind, start, stop in actions:
        if kind == "drop":
            continue
        state, cache = kept[start]
        for x_t in x[start:stop]:
            state, cache = cell.step(params, x_t, state)
        kept[stop] = state, cache
        if kind == "back":
            dstate = np.zeros_like(hidden(state)) if dstate is None else dstate
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = bptt.add(total, Gradient(loss, grads, extra))
    return total


WRONG = [
    ("checkpointing.tape_bytes", tape_bytes_of_the_caches, "h-and-h-prev-apart"),
    ("checkpointing.tape_bytes", tape_bytes_with_dh, "pre-activations-too"),
    ("checkpointing.backward_sqrt", backward_sqrt_by_truncation, "dstate-not-handed-on"),
    ("checkpointing.backward_sqrt", backward_sqrt_keeping_after_each_segment, "state-after-the-segment"),
    ("checkpointing.backward_sqrt", backward_sqrt_keeping_after_a_first_step, "state-one-step-late"),
    ("checkpointing.forward_cost", forward_cost_with_m_behind_the_split, "slot-not-taken"),
    ("checkpointing.forward_cost", forward_cost_of_even_splits, "split-in-the-middle"),
    ("checkpointing.backward", backward_with_dh_alone, "dstate-not-handed-on"),
    ("checkpointing.backward", backward_reading_by_pop, "slot-emptied-by-reading"),
    ("checkpointing.backward_sqrt", backward_sqrt_first_pass_by_hidden_rows, "hidden-state-for-state"),
    ("checkpointing.forward_cost", forward_cost_in_a_table_of_zeros, "one-step-free-with-two-slots"),
    ("checkpointing.forward_cost", forward_cost_in_a_table_a_run_short, "one-slot-a-run-short-from-the-first"),
    ("checkpointing.backward", backward_keeping_where_kind_is_state, "nothing-kept-at-stop"),
    ("checkpointing.backward", backward_with_a_dstate_of_an_array, "plus-for-add-to-hidden"),
    *[("checkpointing.backward_sqrt", backward_sqrt_summing(*how), identifier) for *how, identifier in SUMS],
    *[("checkpointing.forward_cost", function, identifier) for function, identifier in COSTS],
    *[("checkpointing.backward", function, identifier) for function, identifier in LOOPS],
]
