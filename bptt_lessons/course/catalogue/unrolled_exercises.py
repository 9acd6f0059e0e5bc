"""Exercises on the unrolled loop: forward (lesson 01) and back through time (lesson 02)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.cells.rnn import Cache
from bptt_lessons.cells.unrolled import add_to_hidden, hidden
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.course.catalogue.draws import draw, draw_leaky, draw_rnn, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.nested import add, map_arrays, zeros_like

FORWARD = Mistakes("forward")


@FORWARD.add
def forward_state_not_carried(cell, params, x, state0):
    """Every one of your steps starts from state0. The state that a step returns has to be the next step's h_prev,
    or nothing is carried from one step to the next."""
    h, caches = [], []
    for x_t in x:
        state, cache = cell.step(params, x_t, state0)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_state0_ignored(cell, params, x, state0):
    """You start from zeros, whatever state0 is. The caller says where the sequence starts:
    later, one piece of a long sequence will go on from the last."""
    h, caches = [], []
    state = cell.zero_state(params, x.shape[1])
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_whole_x_at_each_step(cell, params, x, state0):
    """You hand the whole x, all T steps of it, to cell.step: a step takes one x_t of shape (N, D)."""
    h, caches = [], []
    state = state0
    for _ in x:
        state, cache = cell.step(params, x, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_first_x_at_each_step(cell, params, x, state0):
    """Every one of your steps sees x[0]: the state moves on, the input does not."""
    h, caches = [], []
    state = state0
    for _ in x:
        state, cache = cell.step(params, x[0], state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_same_array_every_step(cell, params, x, state0):
    """All your rows of h show the last state: you append one array T times and overwrite it in between.
    A list keeps a reference to the array, not a copy of its numbers."""
    h, caches = [], []
    state = state0.copy()
    for x_t in x:
        state[:], cache = cell.step(params, x_t, state)
        h.append(state)
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_cache_sees_overwritten_state(cell, params, x, state0):
    """h is right, but you keep the state in one array that you overwrite, and the caches point at that array:
    by the end, every cache.h_prev shows the last state. Let each step have its own."""
    h, caches = [], []
    state = state0.copy()
    for x_t in x:
        new, cache = cell.step(params, x_t, state)
        state[:] = new
        h.append(new)
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_h0_in_a_row_of_h(cell, params, x, state0):
    """You keep h_0 in h[-1], which is also the row of the last state. h comes out right,
    but the first cache's h_prev now shows h_T. Keep the state in a variable, or give h a row more."""
    T = len(x)
    h, caches = np.empty((T, *state0.shape)), []
    h[-1] = state0
    for t in range(T):
        h[t], cache = cell.step(params, x[t], h[t - 1])
        caches.append(cache)
    return h, h[-1], caches


@FORWARD.add
def forward_state_kept_before_the_step(cell, params, x, state0):
    """Your h holds the states *before* each step, h_0 ... h_{T-1}. Row t should be the state after its step:
    look at the order of the two lines in your loop."""
    h, caches = [], []
    state = state0
    for x_t in x:
        h.append(hidden(state))
        state, cache = cell.step(params, x_t, state)
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_state0_among_the_states(cell, params, x, state0):
    """Your h has T + 1 rows, because state0 is among them: h holds the states after each of the T steps."""
    h, caches = [state0], []
    for x_t in x:
        state, cache = cell.step(params, x_t, h[-1])
        h.append(state)
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_last_h_only(cell, params, x, state0):
    """You return the last state where all T of them are asked for: collect h on the way."""
    caches = []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        caches.append(cache)
    return hidden(state), state, caches


@FORWARD.add
def forward_walks_backward(cell, params, x, state0):
    """You walk through time from the end: the first step should see x[0]."""
    h, caches = [], []
    state = state0
    for x_t in x[::-1]:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_loops_over_the_batch(cell, params, x, state0):
    """Your loop runs over the second axis of x, which is the batch. Time comes first here:
    x is (T, N, D), and one step takes all N sequences at once, x[t]."""
    h, caches = [], []
    state = state0
    for t in range(x.shape[1]):
        state, cache = cell.step(params, x[:, t], state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_batch_first(cell, params, x, state0):
    """Your h is (N, T, H). In this course time comes first, (T, N, H): look at the axis along which you stack."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h, axis=1), state, caches


@FORWARD.add
def forward_concatenated(cell, params, x, state0):
    """Your h has T·N rows in one axis: concatenate joins along an axis that is there already.
    What is wanted is a new axis for time, in front."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.concatenate(h), state, caches


@FORWARD.add
def forward_state0_returned(cell, params, x, state0):
    """h is right, but the state you return is the one you started from: return the one you ended with."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state0, caches


@FORWARD.add
def forward_last_cache_only(cell, params, x, state0):
    """You return the cache of the last step only. The way back needs one for every step, so keep them all."""
    h = []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
    return np.stack(h), state, cache


@FORWARD.add
def forward_same_cache_for_all_steps(cell, params, x, state0):
    """Your list of caches holds the last step's cache T times: append inside the loop, one from each step."""
    h = []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
    return np.stack(h), state, [cache] * len(x)


@FORWARD.add
def forward_caches_last_first(cell, params, x, state0):
    """Your caches are there, but the last step's comes first: caches[t] should belong to step t.
    It is the way back that will turn them round."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches[::-1]


@FORWARD.add
def forward_last_step_missing(cell, params, x, state0):
    """You stop one step early: range(T) already leaves T out, so there is nothing to subtract."""
    h, caches = [], []
    state = state0
    for t in range(len(x) - 1):
        state, cache = cell.step(params, x[t], state)
        h.append(hidden(state))
        caches.append(cache)
    return np.array(h), state, caches


@FORWARD.add
def forward_mutates_input(cell, params, x, state0):
    """The values are right, but you write the last state into state0:
    whoever called you still needs it as it was."""
    h, caches, state = [], [], state0
    for x_t in x:
        state, cache = cell.step(params, x_t, map_arrays(np.copy, state))
        h.append(hidden(state))
        caches.append(cache)
    hidden(state0)[:] = h[-1]
    return np.stack(h), state, caches


@FORWARD.add
def forward_ignores_the_cell(cell, params, x, state0):
    """You call the RNN's own step and never look at `cell`: whoever passes another cell gets the wrong network.
    Call cell.step(params, x_t, state)."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = rnn.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_step_written_out(cell, params, x, state0):
    """You write the RNN's equation inside the loop and never look at `cell`: whoever passes another cell
    gets the wrong network. The equation is cell.step's business; the loop only calls it."""
    h, caches = [], []
    state = state0
    for x_t in x:
        h_prev, state = state, np.tanh(x_t @ params.W_xh + state @ params.W_hh + params.b_h)
        caches.append(Cache(x_t, h_prev, state))
        h.append(state)
    return np.stack(h), state, caches


@FORWARD.add
def forward_step_written_out_into_rows(cell, params, x, state0):
    """The loop never looks at `cell`: it writes out the RNN's equation, and takes another cell's state, which has more
    parts, for an array. Call cell.step(params, x_t, state), and put hidden(state) into h."""
    h, caches, state = np.empty((len(x), x.shape[1], len(params.b_h))), [], state0
    for t, x_t in enumerate(x):
        h_prev, state = state, np.tanh(x_t @ params.W_xh + state @ params.W_hh + params.b_h)
        h[t] = state
        caches.append(Cache(x_t, h_prev, state))
    return h, state, caches


@FORWARD.add
def forward_state_for_hidden(cell, params, x, state0):
    """You stack the states themselves. The RNN's state is its h, but another cell's has more parts, such as
    State(h, c): what goes into h is hidden(state)."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(state)
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_starts_from_the_last_row(cell, params, x, state0):
    """At t = 0 you take h[t - 1], and h[-1] is the *last* row, still zeros: the first step should start from state0.
    Keep the state in a variable of its own."""
    h, caches = np.zeros((len(x), *state0.shape)), []
    for t in range(len(x)):
        h[t], cache = cell.step(params, x[t], h[t - 1])
        caches.append(cache)
    return h, h[-1], caches


@FORWARD.add
def forward_result_not_unpacked(cell, params, x, state0):
    """cell.step returns two things, the new state and a cache, and your state now holds the pair:
    write state, cache = cell.step(...)."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state = cell.step(params, x_t, state)
        h.append(state)
        caches.append(state)
    return np.stack(h), state, caches


@FORWARD.add
def forward_hidden_of_the_pair(cell, params, x, state0):
    """What you give to hidden is the whole pair that cell.step returns. Take it apart first:
    state, cache = cell.step(...), and then hidden(state)."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(state)
    return np.stack(h), state, caches


@FORWARD.add
def forward_cache_for_state(cell, params, x, state0):
    """You have exchanged the two things that cell.step returns: first comes the new state, then the cache."""
    h, caches = [], []
    state = state0
    for x_t in x:
        cache, state = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h), state, caches


@FORWARD.add
def forward_time_last(cell, params, x, state0):
    """Your h is (N, H, T), with time as its last axis. In this course time comes first: stack along a new first axis,
    which is what np.stack does on its own."""
    h, caches = [], []
    state = state0
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
        h.append(hidden(state))
        caches.append(cache)
    return np.stack(h, axis=-1), state, caches


@FORWARD.add
def forward_caches_not_returned(cell, params, x, state0):
    """You return h and the last state, but no caches: the way back needs one from every step, as a third result."""
    h = []
    state = state0
    for x_t in x:
        state, _ = cell.step(params, x_t, state)
        h.append(hidden(state))
    return np.stack(h), state


def _forward_case(seed: int, T: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    x, state0 = draw(rng, T, N, D, scale=scale, decimals=decimals), draw(rng, N, H, decimals=decimals)
    return Case(sizes(T=T, N=N, D=D, H=H), {"cell": rnn, "params": params, "x": x, "state0": state0})


def _leaky_forward_case(seed: int, T: int, N: int, D: int, H: int, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_leaky(rng, D, H, decimals=decimals)
    x, state0 = draw(rng, T, N, D, decimals=decimals), leaky.State(draw(rng, N, H), draw(rng, N, H))
    label = f"{sizes(T=T, N=N, D=D, H=H)}, another cell"
    return Case(label, {"cell": leaky, "params": params, "x": x, "state0": state0})


def forward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, two steps only, inputs that saturate, and a cell that is not the RNN."""
    return (
        _forward_case(21, T=3, N=2, D=1, H=4, decimals=1),
        _forward_case(22, T=5, N=3, D=2, H=4),
        _forward_case(23, T=4, N=1, D=3, H=2),
        _forward_case(24, T=2, N=3, D=1, H=4),
        _forward_case(25, T=6, N=2, D=5, H=3, scale=9.0),
        _leaky_forward_case(27, T=4, N=2, D=1, H=3, decimals=1),
    )


def forward_lesson_case() -> Case:
    """As many steps as the lesson's longest sequence, as many entries as its largest batch."""
    return _forward_case(26, T=1000, N=12, D=1, H=16)


BACKWARD = Mistakes("backward")


@BACKWARD.add
def backward_no_dh_next(cell, params, caches, dh):
    """Your gradient stops at each step's own loss: what later steps send back through h_t, dh_next,
    has to be added before you go through tanh."""
    grads, dx, zero = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(zero, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_own_loss_forgotten(cell, params, caches, dh):
    """You start from the last step's loss and only pass its gradient on: each earlier h_t has a loss of its own too,
    dh[t], and both roads into h_t add up."""
    grads, dx = zeros_like(params), []
    dh_next = add_to_hidden(cell.zero_state(params, dh.shape[1]), dh[-1])
    for cache in caches[::-1]:
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_assigned_not_accumulated(cell, params, caches, dh):
    """Your grads hold one step's part only, the last that you came to. The weights are shared by all steps,
    so the parts of all steps add up: accumulate instead of assigning."""
    dx, dh_next = [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_walks_forward(cell, params, caches, dh):
    """You walk from the first step to the last. dh_next comes from the later step, so that one has to be done first:
    walk backward in time."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches, dh, strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx), dh_next


@BACKWARD.add
def backward_dh_next_piles_up(cell, params, caches, dh):
    """Your dh_next grows: you add each step's contribution to the old one. What step t + 1 sent has been used at step t
    and travels on inside dh_prev; so replace it, do not add."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_prev = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        dh_next = add(dh_next, dh_prev)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_next_loss_for_dh_next(cell, params, caches, dh):
    """You add the next step's dh[t + 1] as it stands. It has to come back through that step first:
    what arrives at h_t is what step_backward returned for step t + 1."""
    T, N, H = dh.shape
    grads, dx = zeros_like(params), []
    zero = cell.zero_state(params, N)
    for t in range(T)[::-1]:
        dh_next = dh[t + 1] if t + 1 < T else np.zeros((N, H))
        grads_t, dx_t, dh_prev = cell.step_backward(params, caches[t], add_to_hidden(zero, dh[t] + dh_next))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_prev


@BACKWARD.add
def backward_own_loss_twice(cell, params, caches, dh):
    """You add dh[t] twice, once before step_backward and once to what it returns.
    A loss enters at its own h_t, and nowhere else."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_prev = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        dh_next = add_to_hidden(dh_prev, dh_t)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_own_loss_added_too_late(cell, params, caches, dh):
    """You add dh[t] after going back through the step, so each loss enters one state too early in time.
    dh[t] belongs to h_t: add it before you call step_backward."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_prev = cell.step_backward(params, cache, dh_next)
        dh_next = add_to_hidden(dh_prev, dh_t)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_caches_not_reversed(cell, params, caches, dh):
    """You take dh from its end but the caches from their beginning: step t needs the cache of step t."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches, dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_dh_not_reversed(cell, params, caches, dh):
    """You take the caches from their end but dh from its beginning: step t needs dh[t]."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh, strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_dx_last_first(cell, params, caches, dh):
    """Your dx is in the order in which you walked, last step first: turn it round, so that dx[t] belongs to x[t]."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx), dh_next


@BACKWARD.add
def backward_dx_of_one_step(cell, params, caches, dh):
    """Your dx is that of one step. Each x_t is used once, so nothing adds up: collect all T of them, (T, N, D)."""
    grads, dh_next = zeros_like(params), cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
    return grads, dx, dh_next


@BACKWARD.add
def backward_first_step_missing(cell, params, caches, dh):
    """Your loop stops before the first step, t = 0: range's end is left out, also when counting down."""
    T, N, _ = dh.shape
    grads, dx, dh_next = zeros_like(params), np.zeros((T, *caches[0].x.shape)), cell.zero_state(params, N)
    for t in range(T - 1, 0, -1):
        grads_t, dx[t], dh_next = cell.step_backward(params, caches[t], add_to_hidden(dh_next, dh[t]))
        grads = add(grads, grads_t)
    return grads, dx, dh_next


@BACKWARD.add
def backward_last_step_missing(cell, params, caches, dh):
    """You start at the step before the last. The last step has a loss too; what it lacks is a later step,
    so its dh_next is zero."""
    T, N, _ = dh.shape
    grads, dx, dh_next = zeros_like(params), np.zeros((T, *caches[0].x.shape)), cell.zero_state(params, N)
    for t in range(T - 2, -1, -1):
        grads_t, dx[t], dh_next = cell.step_backward(params, caches[t], add_to_hidden(dh_next, dh[t]))
        grads = add(grads, grads_t)
    return grads, dx, dh_next


@BACKWARD.add
def backward_averaged_over_steps(cell, params, caches, dh):
    """You divide grads by T. The average over steps belongs to the loss and is in dh already;
    the parts of a shared weight simply add up."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return type(params)(*(g / len(dh) for g in grads)), np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_dstate_0_left_at_zero(cell, params, caches, dh):
    """The last thing you return is zeros. state0 influences every loss as well:
    its gradient is what reaches h_prev of the first step, and you have just computed it."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), cell.zero_state(params, dh.shape[1])


@BACKWARD.add
def backward_stops_at_h_1(cell, params, caches, dh):
    """The last thing you return is the total gradient of h_1. From there it still has to go back through the first
    step, to state0: return what step_backward gave you there."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        total = add_to_hidden(dh_next, dh_t)
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, total)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), total


@BACKWARD.add
def backward_whole_dh_at_each_step(cell, params, caches, dh):
    """You hand the whole dh, all T steps of it, to cell.step_backward: step t takes dh[t], plus what comes from
    later."""
    grads, dx = zeros_like(params), []
    for cache in caches[::-1]:
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, dh)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_tuples_joined(cell, params, caches, dh):
    """Plus between two tuples joins them end to end, so your grads grow longer at every step instead of adding up:
    add array by array, as nested.add does."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads += grads_t
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_clips_inside(cell, params, caches, dh):
    """You clip inside the gradient, so where it is large it is no longer the gradient of anything.
    Clipping, if at all, belongs between the finished gradient and the update."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return type(params)(*(np.clip(g, -5, 5) for g in grads)), np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_mutates_input(cell, params, caches, dh):
    """The values are right, but you write into what you were given (dh[t] += ..., caches.reverse()),
    and whoever called you still needs it: make something new, such as a sum with a name or caches[::-1]."""
    caches.reverse()
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches, dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_ignores_the_cell(cell, params, caches, dh):
    """You call the RNN's own step_backward and never look at `cell`: whoever passes another cell gets the wrong
    gradient. Call cell.step_backward(params, cache, dstate)."""
    grads, dx, dh_next = zeros_like(params), [], np.zeros_like(dh[0])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = rnn.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_state_for_hidden(cell, params, caches, dh):
    """Right for the RNN, whose state is the array h. Another cell's state has more parts, such as State(h, c):
    start from cell.zero_state(params, N) and add with add_to_hidden(dstate, dh_t), which knows where h is."""
    grads, dx, dh_next = zeros_like(params), [], np.zeros_like(dh[0])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, dh_t + dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_sum_of_grads_not_kept(cell, params, caches, dh):
    """Your grads are still zeros. nested.add returns the sum and leaves both its arguments alone:
    write grads = nested.add(grads, ...)."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_sum_of_roads_not_kept(cell, params, caches, dh):
    """Everything you return is zero: the losses' own gradients, dh[t], never enter. Add dh[t] to what comes from step
    t + 1 before step_backward, and hand it the sum. (add_to_hidden returns that sum and leaves its arguments alone.)"""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        add_to_hidden(dh_next, dh_t)
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_dh_next_never_updated(cell, params, caches, dh):
    """Nothing reaches h_t from later steps, nor state0 from the first: dh_next stays at zeros. The third thing that
    step_backward returns is the next round's dh_next, and the last of them is dstate_0."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, _ = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_starts_beyond_dh(cell, params, caches, dh):
    """Your loop starts at T, and there is no dh[T]: counting from 0, the last step is T - 1."""
    T, N, _ = dh.shape
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, N)
    for t in range(T, -1, -1):
        dh_next = add_to_hidden(dh_next, dh[t])
        grads_t, dx_t, dh_next = cell.step_backward(params, caches[t], dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_starts_beyond_the_caches(cell, params, caches, dh):
    """You reach for caches[T], which is not there: counting from 0, the last step is T - 1."""
    T, N, _ = dh.shape
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, N)
    for t in range(T, -1, -1):
        grads_t, dx_t, dh_next = cell.step_backward(params, caches[t], add_to_hidden(dh_next, dh[t]))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_fields_assigned(cell, params, caches, dh):
    """A field of a NamedTuple cannot be given a new value, and += tries to. Nor do you need its name:
    grads = nested.add(grads, ...) adds array by array, for any cell."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads.W_xh += grads_t.W_xh
        grads.W_hh += grads_t.W_hh
        grads.b_h += grads_t.b_h
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_no_dh_next_walking_forward(cell, params, caches, dh):
    """Your gradient stops at each step's own loss, and you walk from the first step to the last. Walk backward in time,
    and add what step t + 1 sent back, its third result, to dh[t] before you call step_backward."""
    grads, dx = zeros_like(params), []
    for t in range(len(dh)):
        grads_t, dx_t, dh_prev = cell.step_backward(params, caches[t], dh[t])
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx), dh_prev


@BACKWARD.add
def backward_no_dh_next_and_dh_for_dstate_0(cell, params, caches, dh):
    """Your gradient stops at each step's own loss, and dstate_0 is dh[0]. The third thing that step_backward returns
    goes back to h_{t-1}: it is added to dh[t - 1] there, and the last of them is dstate_0."""
    grads, dx = zeros_like(params), []
    for t in range(len(dh))[::-1]:
        grads_t, dx_t, _ = cell.step_backward(params, caches[t], dh[t])
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh[0]


@BACKWARD.add
def backward_dh_for_dstate_0(cell, params, caches, dh):
    """grads and dx are right, but as dstate_0 you return dh[0], the loss's own gradient at h_1. State0 comes one step
    before: what belongs there is the third thing that the last step_backward returned."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh[0]


@BACKWARD.add
def backward_last_loss_twice(cell, params, caches, dh):
    """The last step's loss comes in twice: dh_next starts as dh[-1], and the loop adds dh[-1] once more.
    Nothing comes from beyond the last step, so dh_next starts at zero."""
    grads, dx, dh_next = zeros_like(params), [], dh[-1]
    for t in range(len(dh))[::-1]:
        grads_t, dx_t, dh_next = cell.step_backward(params, caches[t], dh[t] + dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_caches_only_reversed(cell, params, caches, dh):
    """Your t counts up from 0, and only the caches are taken from their end, T - 1 - t: so dh[t] and dx[t] belong to
    other steps than the cache. Count t down, and use the same t for all three."""
    T, grads, dx, dh_next = len(dh), zeros_like(params), [], np.zeros_like(dh[0])
    for t in range(T):
        grads_t, dx_t, dh_next = cell.step_backward(params, caches[T - 1 - t], dh[t] + dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx), dh_next


@BACKWARD.add
def backward_turned_round_twice(cell, params, caches, dh):
    """You turn time round twice, once in the loop and once in the index, and so walk from the first step to the last.
    Once is enough: reversed(range(T)) with caches[t] and dh[t]."""
    T, grads, dx, dh_next = len(dh), zeros_like(params), [], np.zeros_like(dh[0])
    for t in range(T)[::-1]:
        grads_t, dx_t, dh_next = cell.step_backward(params, caches[T - 1 - t], dh[T - 1 - t] + dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_cache_of_the_step_before(cell, params, caches, dh):
    """You use caches[t - 1] at step t, and at t = 0 that is the last one: step t needs its own cache, caches[t],
    which holds h_prev as well."""
    grads, dx, dh_next = zeros_like(params), [], np.zeros_like(dh[0])
    for t in range(len(dh))[::-1]:
        grads_t, dx_t, dh_next = cell.step_backward(params, caches[t - 1], dh[t] + dh_next)
        grads = add(grads, grads_t)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


@BACKWARD.add
def backward_minus_t_from_the_end(cell, params, caches, dh):
    """Counting from the end starts at -1, and your index starts at -0, which is 0, the first step:
    caches[-t - 1] and dh[-t - 1], or let t count down."""
    T = len(dh)
    grads, dx, dh_next = zeros_like(params), np.zeros((T, *caches[0].x.shape)), np.zeros_like(dh[0])
    for t in range(T):
        grads_t, dx[-t], dh_next = cell.step_backward(params, caches[-t], dh[-t] + dh_next)
        grads = add(grads, grads_t)
    return grads, dx, dh_next


@BACKWARD.add
def backward_fields_by_name(cell, params, caches, dh):
    """Right for the RNN, whose Params you take apart by name. Another cell's have other fields as well:
    nested.zeros_like(params) and grads = nested.add(grads, ...) need no names."""
    grads, dx, dh_next = zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        g, dx_t, dh_next = cell.step_backward(params, cache, add_to_hidden(dh_next, dh_t))
        grads = rnn.Params(grads.W_xh + g.W_xh, grads.W_hh + g.W_hh, grads.b_h + g.b_h)
        dx.append(dx_t)
    return grads, np.stack(dx[::-1]), dh_next


def _backward_case(seed: int, T: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    x, h0 = draw(rng, T, N, D, decimals=decimals), draw(rng, N, H, decimals=decimals)
    _, _, caches = unrolled.forward(rnn, params, x, h0)
    dh = draw(rng, T, N, H, scale=scale, decimals=decimals)
    return Case(sizes(T=T, N=N, D=D, H=H), {"cell": rnn, "params": params, "caches": caches, "dh": dh})


def _leaky_backward_case(seed: int, T: int, N: int, D: int, H: int) -> Case:
    rng = np.random.default_rng(seed)
    params, state0 = draw_leaky(rng, D, H), leaky.State(draw(rng, N, H), draw(rng, N, H))
    _, _, caches = unrolled.forward(leaky, params, draw(rng, T, N, D), state0)
    arguments = {"cell": leaky, "params": params, "caches": caches, "dh": draw(rng, T, N, H)}
    return Case(f"{sizes(T=T, N=N, D=D, H=H)}, another cell", arguments)


def backward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a single step, a gradient that is large, and a cell that is not the RNN."""
    return (
        _backward_case(31, T=3, N=2, D=1, H=3, decimals=1),  # H = T, or it would be too long to print
        _backward_case(32, T=5, N=3, D=2, H=4),
        _backward_case(33, T=4, N=1, D=3, H=2),
        _backward_case(34, T=1, N=3, D=2, H=4),
        _backward_case(35, T=6, N=2, D=5, H=3, scale=90.0),
        _leaky_backward_case(37, T=4, N=2, D=1, H=3),
    )


def backward_lesson_case() -> Case:
    """A batch of sunspot windows."""
    return _backward_case(36, T=48, N=41, D=1, H=16)


EXERCISES = (
    Exercise(
        name="unrolled.forward",
        lesson="01_unrolling_a_recurrent_network",
        minutes=8,
        solution=unrolled.forward,
        returns=("h", "state_T", "caches"),
        stub='''def my_unrolled_forward(cell, params, x, state0):
    """Call cell.step(params, x_t, state) for every step. Return all h (T, N, H), the last state, and the T caches."""
    ...
''',
        hints=(
            "One variable holds the state. Each step takes it and gives back the next one, with the same params "
            "every time; on the way you collect what you will have to return.",
            "x is (T, N, D): looping over it gives x_t of shape (N, D), first step first. Each hidden state is (N, H); "
            "T of them stacked along a new first axis make (T, N, H). The caches stay a list.",
            "The state starts as state0. In the loop, cell.step gives the next state and a cache: append hidden(state) "
            "to one list and the cache to another. np.stack turns the first list into h.",
        ),
        make_cases=forward_cases,
        make_lesson_case=forward_lesson_case,
        misconceptions=FORWARD.catalogue,
    ),
    Exercise(
        name="unrolled.backward",
        lesson="02_backpropagation_through_time",
        minutes=15,
        solution=unrolled.backward,
        returns=("grads", "dx", "dstate_0"),
        stub='''def my_unrolled_backward(cell, params, caches, dh):
    """Call cell.step_backward(params, cache, dh_total) from the last step to the first. Return grads, dx, dstate_0."""
    ...
''',
        hints=(
            "The gradient reaches h_t by two roads: from its own loss, dh[t], and from step t + 1, "
            "which has h_t as its h_prev. Walk so that step t + 1 has been done when you come to t.",
            "dh[t] is (N, H); what comes from step t + 1 is like the cell's state, and at the last step it is zeros. "
            "grads has the type and shapes of params, and every step adds its part: "
            "nested.zeros_like(params) and nested.add(a, b) help. dx is (T, N, D), first step first.",
            "Start with dstate from cell.zero_state(params, N). For each cache from the last to the first: "
            "take add_to_hidden(dstate, dh[t]), call cell.step_backward with it, keep its third result as the new "
            "dstate, add its grads to yours, collect its dx. "
            "Turn the list of dx round before you stack it; the last dstate is dstate_0.",
        ),
        make_cases=backward_cases,
        make_lesson_case=backward_lesson_case,
        misconceptions=BACKWARD.catalogue,
    ),
)
