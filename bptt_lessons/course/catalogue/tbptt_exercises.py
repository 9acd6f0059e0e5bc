"""Exercises on truncation: the parts of a gradient, and the several ways to leave some out (lesson 05)."""
# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="var-annotated"
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Any

import numpy as np

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.cells.unrolled import add_to_hidden
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.course.catalogue.draws import (
    LOOPED_LEAKY,
    WindowLoss,
    draw,
    draw_leaky,
    draw_readout,
    draw_rnn,
    sizes,
)
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import tbptt
from bptt_lessons.gradients.bptt import Gradient, add_extra
from bptt_lessons.gradients.tbptt import windows
from bptt_lessons.nested import add, map_arrays, zeros_like

CONTRIBUTIONS = Mistakes("contributions")


@CONTRIBUTIONS.add
def contributions_s_and_t_exchanged(cell, params, caches, dh):
    """Your two leading axes have changed places: the first is t, the step whose loss it is, the second is s, the step
    that used the parameters. Write into [t, s]."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[s, t] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_own_losses_added_on_the_way(cell, params, caches, dh):
    """On the way back from L_t you also add the losses of the steps that you pass, so row t holds what all losses up to
    t owe. Row t is about L_t alone: add dh[t] once, where you start."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = cell.zero_state(params, N)
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], add_to_hidden(dstate, dh[s]))
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_same_loss_added_on_the_way(cell, params, caches, dh):
    """You add dh[t] again at every step back. L_t enters once, at h_t; from there on, only what step_backward returns
    goes further back."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = cell.zero_state(params, N)
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], add_to_hidden(dstate, dh[t]))
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_dstate_not_reset(cell, params, caches, dh):
    """You set dstate to zero once, before the loop over t, so each loss starts with what is left of the one before.
    Every t is a way back of its own: start it from zeros plus dh[t]."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    dstate = cell.zero_state(params, N)
    for t in range(T):
        dstate = add_to_hidden(dstate, dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_only_the_diagonal(cell, params, caches, dh):
    """You fill the diagonal only, where a loss meets the use at its own step. L_t owes something to every earlier use
    as well: pass dstate on, from t back to the first step."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        grads, _, _ = cell.step_backward(params, caches[t], dstate)
        for part, grad in zip(parts, grads, strict=True):
            part[t, t] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_whole_gradient_on_the_diagonal(cell, params, caches, dh):
    """You walk back once with all losses together and put what each use owes to all of them on the diagonal. To tell
    the losses apart, walk back once for each t, with dh[t] alone."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    dstate = cell.zero_state(params, N)
    for s in range(T - 1, -1, -1):
        grads, _, dstate = cell.step_backward(params, caches[s], add_to_hidden(dstate, dh[s]))
        for part, grad in zip(parts, grads, strict=True):
            part[s, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_running_sums(cell, params, caches, dh):
    """Your entries are running sums: [t, s] holds the parts of all uses from s to t. Here nothing is added up,
    each part stands on its own: assign the grads of step s."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate, total = add_to_hidden(cell.zero_state(params, N), dh[t]), zeros_like(params)
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            total = add(total, grads)
            for part, sum_so_far in zip(parts, total, strict=True):
                part[t, s] = sum_so_far
    return parts


@CONTRIBUTIONS.add
def contributions_every_way_from_the_last_step(cell, params, caches, dh):
    """You start every way back at the last step, and so fill entries with s > t. L_t does not depend on what comes
    after it: start at s = t."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(T - 1, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_walks_forward(cell, params, caches, dh):
    """Your inner loop runs from the first step up to t. The gradient enters at t and goes back in time: count s down,
    from t to 0."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t + 1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_forward_from_t(cell, params, caches, dh):
    """Your inner loop runs from t to the end, so what should lie at s ≤ t lies at s > t. A loss owes something to
    earlier uses, never to later ones: count s down, from t to 0."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, T):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_first_use_missing(cell, params, caches, dh):
    """Your column s = 0 is empty: range leaves its end out, also when counting down. To reach 0, the end is -1."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, 0, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_own_use_missing(cell, params, caches, dh):
    """You begin one step too early in time, at t - 1. L_t owes something to the use at its own step t too,
    and the gradient has to go back through that step first: begin with s = t."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t - 1, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_dstate_never_updated(cell, params, caches, dh):
    """dh[t] arrives at every earlier step as it stands. It has to come back through the steps between: the third thing
    that step_backward returns is the next round's dstate."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, _ = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_cache_of_t(cell, params, caches, dh):
    """You go back through the cache of step t again and again. What lies at [t, s] passes through the use at step s:
    take caches[s]."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[t], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_lag_for_s(cell, params, caches, dh):
    """Your second axis counts how many steps you have gone back from t. It should be the step itself:
    what came through caches[s] belongs into [t, s]."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for lag in range(t + 1):
            grads, _, dstate = cell.step_backward(params, caches[t - lag], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, lag] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_summed_over_s(cell, params, caches, dh):
    """You add up the uses, so one axis of steps is left where two are asked for: keep the part of each use s
    in a column of its own, [t, s]."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t] += grad
    return parts


@CONTRIBUTIONS.add
def contributions_steps_behind(cell, params, caches, dh):
    """Your axes t and s come last. They belong in front, (T, T, *p.shape), so that parts.W_hh[t, s]
    is a matrix of the shape of W_hh."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((*p.shape, T, T)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[..., t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_state_for_hidden(cell, params, caches, dh):
    """Right for the RNN, whose state is the array h. Another cell's state has more parts, such as State(h, c): start
    each way back from add_to_hidden(cell.zero_state(params, N), dh[t]), which knows where h is."""
    T = len(dh)
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = dh[t]
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_sum_with_dh_not_kept(cell, params, caches, dh):
    """All your entries are zero, for dh[t] never enters. add_to_hidden returns a new state, it does not change the old
    one: write dstate = add_to_hidden(dstate, dh[t])."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = cell.zero_state(params, N)
        add_to_hidden(dstate, dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            for part, grad in zip(parts, grads, strict=True):
                part[t, s] = grad
    return parts


@CONTRIBUTIONS.add
def contributions_three_arrays_by_name(cell, params, caches, dh):
    """Right for the RNN. You fill W_xh, W_hh and b_h by name, and what else a cell has stays zero. To serve any cell,
    loop over the arrays with zip: for part, grad in zip(parts, grads)."""
    T, N = dh.shape[:2]
    parts = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            parts.W_xh[t, s] = grads.W_xh
            parts.W_hh[t, s] = grads.W_hh
            parts.b_h[t, s] = grads.b_h
    return parts


@CONTRIBUTIONS.add
def contributions_three_arrays_returned(cell, params, caches, dh):
    """Right for the RNN. Another cell may have more than W_xh, W_hh and b_h, and you return these three only: make room
    with map_arrays, which takes all arrays of params, and fill it in a loop with zip."""
    T, N = dh.shape[:2]
    W_xh, W_hh, b_h = (np.zeros((T, T, *p.shape)) for p in (params.W_xh, params.W_hh, params.b_h))
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            W_xh[t, s], W_hh[t, s], b_h[t, s] = grads.W_xh, grads.W_hh, grads.b_h
    return rnn.Params(W_xh, W_hh, b_h)


@CONTRIBUTIONS.add
def contributions_params_made_of_three(cell, params, caches, dh):
    """Right for the RNN. You make Params of W_xh, W_hh and b_h, which for another cell is one array short:
    let map_arrays make the zeros for all arrays of params, and fill them in a loop with zip."""
    T, N = dh.shape[:2]
    W_xh, W_hh, b_h = (np.zeros((T, T, *p.shape)) for p in (params.W_xh, params.W_hh, params.b_h))
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            grads, _, dstate = cell.step_backward(params, caches[s], dstate)
            W_xh[t, s], W_hh[t, s], b_h[t, s] = grads.W_xh, grads.W_hh, grads.b_h
    return type(params)(W_xh, W_hh, b_h)


@CONTRIBUTIONS.add
def contributions_unpacked_into_three(cell, params, caches, dh):
    """Right for the RNN. You take Params apart into three arrays, and another cell has more of them: do not unpack, but
    loop over as many as there are, for part, grad in zip(parts, grads)."""
    T, N = dh.shape[:2]
    W_xh, W_hh, b_h = map_arrays(lambda p: np.zeros((T, T, *p.shape)), params)
    for t in range(T):
        dstate = add_to_hidden(cell.zero_state(params, N), dh[t])
        for s in range(t, -1, -1):
            (W_xh[t, s], W_hh[t, s], b_h[t, s]), _, dstate = cell.step_backward(params, caches[s], dstate)
    return type(params)(W_xh, W_hh, b_h)


def _drawn(
    rng: np.random.Generator, T: int, N: int, D: int, H: int, another: bool = False, decimals: int = 2
) -> tuple[Any, ...]:
    """Return label, cell, params, x and state0; `another` is a cell that is not the RNN, with a state of two parts."""
    label = sizes(T=T, N=N, D=D, H=H) + (", another cell" if another else "")
    x, h0 = draw(rng, T, N, D, decimals=decimals), draw(rng, N, H, decimals=decimals)
    if not another:
        return label, rnn, draw_rnn(rng, D, H, decimals=decimals), x, h0
    state0 = leaky.State(h0, draw(rng, N, H, decimals=decimals))
    return label, LOOPED_LEAKY, draw_leaky(rng, D, H, decimals=decimals), x, state0


def _contributions_case(seed: int, T: int, N: int, D: int, H: int, another: bool = False, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    label, cell, params, x, state0 = _drawn(rng, T, N, D, H, another, decimals)
    _, _, caches = unrolled.forward(leaky if another else rnn, params, x, state0)
    return Case(label, {"cell": cell, "params": params, "caches": caches, "dh": draw(rng, T, N, H, decimals=decimals)})


def contributions_cases() -> tuple[Case, ...]:
    """Different sizes, a long and narrow one, and a cell that is not the RNN."""
    return (
        _contributions_case(501, T=4, N=1, D=2, H=3, decimals=1),
        _contributions_case(502, T=3, N=2, D=1, H=4),
        _contributions_case(503, T=6, N=1, D=3, H=2),
        _contributions_case(504, T=5, N=3, D=1, H=2, another=True),
    )


def contributions_lesson_case() -> Case:
    """A matrix as large as the lesson's picture."""
    return _contributions_case(505, T=20, N=4, D=1, H=8)


WINDOWS = Mistakes("windows")


@WINDOWS.add
def windows_tail_dropped(T, k):
    """You leave out the steps that do not fill a whole window. They have losses too: make a last window
    that is shorter, and ends at T."""
    return [(i * k, (i + 1) * k) for i in range(T // k)]


@WINDOWS.add
def windows_last_stop_beyond_the_end(T, k):
    """Your last stop lies beyond T where k does not divide it. A slice would forgive that, counting steps will not:
    stop at T at the latest, min(start + k, T)."""
    return [(start, start + k) for start in range(0, T, k)]


@WINDOWS.add
def windows_stop_included(T, k):
    """Your stop is the window's last step. Slices and range leave their stop out: let stop be the first step
    that is no longer in the window, so that it is the next window's start."""
    return [(start, min(start + k, T) - 1) for start in range(0, T, k)]


@WINDOWS.add
def windows_stop_one_too_far(T, k):
    """Your windows share a step, each one's last with the next one's first, so its loss counts twice.
    A slice leaves its stop out already: stop = start + k is k steps."""
    return [(start, min(start + k + 1, T)) for start in range(0, T, k)]


@WINDOWS.add
def windows_counted_from_1(T, k):
    """You count steps from 1. The equations do, the code counts from 0: the first window is (0, k)."""
    return [(start, min(start + k, T + 1)) for start in range(1, T + 1, k)]


@WINDOWS.add
def windows_starts_counted_from_1(T, k):
    """Your starts count from 1, your stops from 0, so the first step of every window is lost:
    a window starts where the one before it stopped, and the first at 0."""
    return [(start + 1, min(start + k, T)) for start in range(0, T, k)]


@WINDOWS.add
def windows_gap_between_windows(T, k):
    """Between your windows a step is lost: each starts one step after the stop of the one before.
    The stop is left out of a window, so the next one starts with it: starts are k apart."""
    return [(start, min(start + k, T)) for start in range(0, T, k + 1)]


@WINDOWS.add
def windows_lengths_for_stops(T, k):
    """You give each window's start and its length. What is asked for is (start, stop), as in x[start:stop]."""
    return [(start, min(k, T - start)) for start in range(0, T, k)]


@WINDOWS.add
def windows_one_at_every_step(T, k):
    """Your windows slide: a new one starts at every step, so most steps are in k of them. Each step belongs
    to one window only: the starts are k apart."""
    return [(start, start + k) for start in range(T - k + 1)]


@WINDOWS.add
def windows_one_at_every_step_to_the_end(T, k):
    """A new window of yours starts at every one of the T steps, so they overlap. Each step belongs to one window only:
    range(0, T, k) has starts that are k apart."""
    return [(start, min(start + k, T)) for start in range(T)]


@WINDOWS.add
def windows_empty_one_at_the_end(T, k):
    """Where k divides T, you add a last window (T, T) without steps: T is no start any more, so let range stop at T.
    It leaves its end out."""
    return [(start, min(start + k, T)) for start in range(0, T + 1, k)]


@WINDOWS.add
def windows_tail_joined_to_the_last(T, k):
    """You give the steps that are left over to the last window, which then holds more than k, and memory is what k is
    there to bound: make a shorter window of them."""
    n = max(T // k, 1)
    return [(i * k, (i + 1) * k if i + 1 < n else T) for i in range(n)]


@WINDOWS.add
def windows_last_one_moved_back(T, k):
    """You move the last window back so that it has k steps as well, and the steps that it shares with the one before
    count twice. Let it be shorter."""
    return [(min(start, max(T - k, 0)), min(start + k, T)) for start in range(0, T, k)]


@WINDOWS.add
def windows_short_one_first(T, k):
    """Your short window comes first. Cut from the beginning, so that the starts are 0, k, 2k ... whatever T is,
    and what is left over comes last."""
    return [(max(stop - k, 0), stop) for stop in range(T, 0, -k)][::-1]


@WINDOWS.add
def windows_k_of_them(T, k):
    """You take k as the number of windows. It is the number of steps in each; how many windows there are follows
    from T."""
    return [(i * T // k, (i + 1) * T // k) for i in range(k)]


@WINDOWS.add
def windows_k_equal_ones(T, k):
    """You make k windows of T // k steps, and what is left over belongs to none. k is not how many windows there are,
    it is the number of steps in each: the starts are 0, k, 2k ..."""
    L = T // k
    return [(i * L, (i + 1) * L) for i in range(k)]


@WINDOWS.add
def windows_k_with_the_rest_in_the_last(T, k):
    """You make k windows of T // k steps, the last with what is left over. k is the number of steps in a window, not
    the number of windows: start a new one every k steps."""
    L = T // k
    return [(i * L, (i + 1) * L if i < k - 1 else T) for i in range(k)]


@WINDOWS.add
def windows_of_t_over_k_steps(T, k):
    """Your windows have T // k steps each. That would be their length if k were how many there are; but k is the
    length itself: range(0, T, k) has the starts."""
    L = T // k
    return [(start, min(start + L, T)) for start in range(0, T, L)]


@WINDOWS.add
def windows_starts_only(T, k):
    """You return the starts alone. A slice needs both ends: return pairs (start, stop)."""
    return list(range(0, T, k))


@WINDOWS.add
def windows_steps_listed(T, k):
    """You list every step of each window. Two numbers say the same: return pairs (start, stop)."""
    return [list(range(start, min(start + k, T))) for start in range(0, T, k)]


@WINDOWS.add
def windows_slices(T, k):
    """You return slice objects. Return plain pairs (start, stop) instead: the start is needed as a number too,
    to tell the loss which steps it sees."""
    return [slice(start, min(start + k, T)) for start in range(0, T, k)]


def _windows_case(T: int, k: int) -> Case:
    return Case(f"T = {T}, k = {k}", {"T": T, "k": k})


def windows_cases() -> tuple[Case, ...]:
    """A tail of one step, none, k above T, windows of one step, one window, a longer tail."""
    return tuple(_windows_case(T, k) for T, k in ((7, 3), (6, 2), (3, 5), (4, 1), (5, 5), (11, 4)))


def windows_lesson_case() -> Case:
    """The steps of a long stream."""
    return _windows_case(1003, 10)


WINDOWED = Mistakes("windowed")


@WINDOWED.add
def windowed_state_reset(cell, params, x, state0, loss_gradient, k):
    """Every window after your first starts from zeros, so the network forgets at each edge. What is truncated is the
    gradient; the state goes on: the state that forward returns is the next window's first."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, _, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
        state = None
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_every_window_from_state0(cell, params, x, state0, loss_gradient, k):
    """Every one of your windows starts from state0, the state before the whole sequence. Carry on instead:
    the state that forward returns is the next window's first."""
    loss, grads, extra = 0.0, zeros_like(params), None
    for start, stop in windows(len(x), k):
        h, _, tape = cell.forward(params, x[start:stop], state0)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_every_window_from_zeros(cell, params, x, state0, loss_gradient, k):
    """Every one of your windows starts from zeros, the first one too. The first starts from state0,
    each later one from the state that forward returned for the one before."""
    loss, grads, extra = 0.0, zeros_like(params), None
    for start, stop in windows(len(x), k):
        h, _, tape = cell.forward(params, x[start:stop])
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_state0_ignored(cell, params, x, state0, loss_gradient, k):
    """You carry the state from window to window, but begin with zeros: the first window starts from state0."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, None
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_gradient_carried_too(cell, params, x, state0, loss_gradient, k):
    """Your gradient crosses the edges too, so this is full BPTT, and nothing has been truncated: go back through each
    window on its own, from zeros, and let what reaches its first state end there."""
    loss, grads, extra, state, tapes = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, tapes = loss + loss_k, add_extra(extra, extra_k), [(tape, dh), *tapes]
    dstate = cell.zero_state(params, x.shape[1])
    for tape, dh in tapes:
        grads_k, _, dstate = cell.backward(params, tape, dh, dstate)
        grads = add(grads, grads_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_dstate_handed_forward(cell, params, x, state0, loss_gradient, k):
    """You hand the third thing that backward returns to the next window, where it enters at that window's end: a
    gradient moving forward in time. Truncated means that it goes nowhere: call backward(params, tape, dh)."""
    loss, grads, extra, state, dstate = 0.0, zeros_like(params), None, state0, cell.zero_state(params, x.shape[1])
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, dstate = cell.backward(params, tape, dh, dstate)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_last_window_first(cell, params, x, state0, loss_gradient, k):
    """You go through the windows from the last to the first, so the state is carried against time. Only the way back
    inside a window runs against time: take the windows in their order."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in reversed(windows(len(x), k)):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_tail_dropped(cell, params, x, state0, loss_gradient, k):
    """You leave out the steps that do not fill a whole window. Their losses count as well: the last window is just
    shorter."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start in range(0, len(x) - k + 1, k):
        h, state, tape = cell.forward(params, x[start : start + k], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_windows_overlap(cell, params, x, state0, loss_gradient, k):
    """Your windows share a step, which then is run twice and whose loss counts twice: x[start : start + k]
    is k steps already, for a slice leaves its stop out."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start in range(0, len(x), k):
        h, state, tape = cell.forward(params, x[start : start + k + 1], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_start_always_0(cell, params, x, state0, loss_gradient, k):
    """You call the loss with start = 0 for every window, so each is compared with the targets of the first:
    hand it the window's own start, counted in steps."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, 0)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_number_for_start(cell, params, x, state0, loss_gradient, k):
    """You call the loss with the number of the window. It wants the number of the window's first step:
    start is 0, k, 2k ..."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for i, (start, stop) in enumerate(windows(len(x), k)):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, i)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_stop_for_start(cell, params, x, state0, loss_gradient, k):
    """You call the loss with the window's stop, so it looks for the targets one window too late:
    hand it the window's start."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, stop)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_hidden_for_state(cell, params, x, state0, loss_gradient, k):
    """You carry h[-1]. That is the RNN's whole state, but another cell's has more parts, such as State(h, c):
    carry the second thing that forward returns."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, _, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
        state = h[-1]
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_first_state_for_last(cell, params, x, state0, loss_gradient, k):
    """You carry h[0], the state after the window's first step. The next window goes on where this one ended:
    carry the state that forward returns."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, _, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
        state = h[0]
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_state_from_before_the_window(cell, params, x, state0, loss_gradient, k):
    """The state that you carry is the one that this window started from, so the next window is a window behind:
    carry the state after the window, the second thing that forward returns."""
    loss, grads, extra, state, state_after = 0.0, zeros_like(params), None, state0, state0
    for start, stop in windows(len(x), k):
        state, (h, state_after, tape) = state_after, cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_last_window_only(cell, params, x, state0, loss_gradient, k):
    """You return what the last window gave. Each window adds its part to all three, the loss, the gradient and extra:
    accumulate instead of assigning."""
    state = state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss, dh, extra = loss_gradient(h, start)
        grads, _, _ = cell.backward(params, tape, dh)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_grads_of_the_last_window(cell, params, x, state0, loss_gradient, k):
    """Your loss adds up and your grads are overwritten: they hold the last window's part only. The weights are shared
    by all windows, so the parts add up."""
    loss, extra, state = 0.0, None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads, _, _ = cell.backward(params, tape, dh)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_extra_of_the_last_window(cell, params, x, state0, loss_gradient, k):
    """Your extra is the last window's only. The readout's weights are shared by all windows as well: add up what the
    loss returns as its third thing (add_extra does, and takes None for nothing yet)."""
    loss, grads, state = 0.0, zeros_like(params), state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads = loss + loss_k, add(grads, grads_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_loss_of_the_last_window(cell, params, x, state0, loss_gradient, k):
    """Your loss is the last window's only. The loss of the sequence is the sum of what its windows add to it."""
    grads, extra, state = zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        grads, extra = add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_averaged_over_windows(cell, params, x, state0, loss_gradient, k):
    """You divide by the number of windows. loss_gradient already says what a window adds to the loss of the whole
    sequence: sum, and divide by nothing."""
    loss, grads, extra, state, n = 0.0, zeros_like(params), None, state0, len(windows(len(x), k))
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss / n, map_arrays(lambda g: g / n, grads), map_arrays(lambda g: g / n, extra))


@WINDOWED.add
def windowed_only_the_loss_averaged(cell, params, x, state0, loss_gradient, k):
    """You divide the loss by the number of windows, and the gradients not, so they no longer belong together.
    loss_gradient says what a window adds to the whole loss: sum, and divide nothing."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss / len(windows(len(x), k)), grads, extra)


@WINDOWED.add
def windowed_only_the_gradient_averaged(cell, params, x, state0, loss_gradient, k):
    """You divide grads by the number of windows, and the loss not, so they no longer belong together.
    The parts of a shared weight simply add up: divide nothing."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, map_arrays(lambda g: g / len(windows(len(x), k)), grads), extra)


@WINDOWED.add
def windowed_extra_not_averaged(cell, params, x, state0, loss_gradient, k):
    """You divide loss and grads by the number of windows, but not extra. loss_gradient says what a window adds to the
    whole: sum all three, and divide none."""
    loss, grads, extra, state, n = 0.0, zeros_like(params), None, state0, len(windows(len(x), k))
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss / n, map_arrays(lambda g: g / n, grads), extra)


@WINDOWED.add
def windowed_weighed_by_steps_again(cell, params, x, state0, loss_gradient, k):
    """You weigh each window by its share of the steps. A mean over windows would need that, but loss_gradient has
    weighed already: what it returns is the window's part of the whole loss, so sum as it is."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        share = (stop - start) / len(x)
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh * share)
        loss, grads = loss + loss_k * share, add(grads, grads_k)
        extra = add_extra(extra, map_arrays(lambda g, share=share: g * share, extra_k))
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_divided_by_steps(cell, params, x, state0, loss_gradient, k):
    """You divide by the number of steps in the window, as if loss_gradient returned their sum. What it returns is the
    window's part of the whole loss, 1/T and all: sum as it is."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        steps = stop - start
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh / steps)
        loss, grads = loss + loss_k / steps, add(grads, grads_k)
        extra = add_extra(extra, map_arrays(lambda g, steps=steps: g / steps, extra_k))
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_means_of_windows_averaged(cell, params, x, state0, loss_gradient, k):
    """You average the means of the windows, and a step in a short last window then weighs more than the others.
    Every step weighs the same: loss_gradient returns parts of one mean over all steps, which add up."""
    loss, grads, extra, state, n = 0.0, zeros_like(params), None, state0, len(windows(len(x), k))
    for start, stop in windows(len(x), k):
        weight = len(x) / (stop - start) / n
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh * weight)
        loss, grads = loss + loss_k * weight, add(grads, grads_k)
        extra = add_extra(extra, map_arrays(lambda g, weight=weight: g * weight, extra_k))
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_only_the_last_loss_of_a_window(cell, params, x, state0, loss_gradient, k):
    """You take the loss at the last step of each window and leave the others out. Every step has a loss, and each of
    them goes back to its window's start: give all of h to loss_gradient."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        dh = np.zeros_like(h)
        loss_k, dh[-1:], extra_k = loss_gradient(h[-1:], stop - 1)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_sum_of_grads_not_kept(cell, params, x, state0, loss_gradient, k):
    """Your grads are still zeros. nested.add returns the sum and leaves both its arguments alone:
    write grads = nested.add(grads, ...)."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
        add(grads, grads_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_tuples_joined(cell, params, x, state0, loss_gradient, k):
    """Plus between two tuples joins them end to end, so your grads grow longer with every window instead of adding up:
    add array by array, as nested.add does."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, grads + grads_k, add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_extra_added_to_none(cell, params, x, state0, loss_gradient, k):
    """You add the first window's extra to None. What extra looks like is known only when the first window has come, so
    start with that one, or use add_extra, for which None is nothing yet."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add(extra, extra_k)
    return Gradient(loss, grads, extra)


@WINDOWED.add
def windowed_extra_not_returned(cell, params, x, state0, loss_gradient, k):
    """You return the loss and grads, and the readout has no gradient to learn from: add up the third thing that
    loss_gradient returns too, and return all three."""
    loss, grads, state = 0.0, zeros_like(params), state0
    for start, stop in windows(len(x), k):
        h, state, tape = cell.forward(params, x[start:stop], state)
        loss_k, dh, _ = loss_gradient(h, start)
        grads_k, _, _ = cell.backward(params, tape, dh)
        loss, grads = loss + loss_k, add(grads, grads_k)
    return loss, grads


@WINDOWED.add
def windowed_ignores_the_cell(cell, params, x, state0, loss_gradient, k):
    """You call the RNN's own forward and backward and never look at `cell`: whoever passes another cell is refused.
    Call cell.forward and cell.backward."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k):
        h, state, tape = rnn.forward(params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = rnn.backward(params, tape, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


def _gradient_case(
    seed: int, T: int, N: int, D: int, H: int, another: bool = False, decimals: int = 2, **how: object
) -> Case:
    """Return a case of one of the three gradients; `how` says where it is cut."""
    rng = np.random.default_rng(seed)
    label, cell, params, x, state0 = _drawn(rng, T, N, D, H, another, decimals)
    loss_gradient = WindowLoss(draw_readout(rng, H, 1, decimals=decimals), draw(rng, T, N, 1, decimals=decimals))
    given = {"cell": cell, "params": params, "x": x, "state0": state0, "loss_gradient": loss_gradient, **how}
    return Case(label + "".join(f", {name} = {value}" for name, value in how.items()), given)


def windowed_cases() -> tuple[Case, ...]:
    """A tail, a longer tail, no tail, k = 1, k above T, and a cell that is not the RNN."""
    return (
        _gradient_case(518, T=5, N=2, D=1, H=3, decimals=1, k=2),
        _gradient_case(512, T=8, N=3, D=2, H=4, k=3),
        _gradient_case(513, T=6, N=1, D=2, H=4, k=3),
        _gradient_case(514, T=4, N=3, D=1, H=2, k=1),
        _gradient_case(515, T=4, N=2, D=1, H=3, k=7),
        _gradient_case(516, T=7, N=2, D=1, H=3, another=True, k=3),
    )


def windowed_lesson_case() -> Case:
    """A couple of dozen windows."""
    return _gradient_case(517, T=250, N=8, D=1, H=16, k=10)


STREAM = Mistakes("stream")


@STREAM.add
def stream_neighbours_side_by_side(stream, N):
    """Your rows are neighbours in the stream, so going down a column jumps N steps each time, and a state carried down
    fits nothing. Give each column a piece of its own: reshape to (N, T), then swapaxes(0, 1), no second reshape."""
    T = len(stream) // N
    return stream[: T * N].reshape(T, N, *stream.shape[1:])


@STREAM.add
def stream_batch_first(stream, N):
    """Your pieces are right, but they are rows, (N, T). In this course time comes first:
    exchange the first two axes."""
    T = len(stream) // N
    return stream[: T * N].reshape(N, T, *stream.shape[1:])


@STREAM.add
def stream_tail_padded(stream, N):
    """You fill the last piece up with zeros, on which the network would then be trained as if they were data:
    leave out the steps that are left over."""
    T = -(-len(stream) // N)
    padding = np.zeros((T * N - len(stream), *stream.shape[1:]), stream.dtype)
    return np.concatenate([stream, padding]).reshape(N, T, *stream.shape[1:]).swapaxes(0, 1)


@STREAM.add
def stream_tail_filled_from_the_start(stream, N):
    """You fill the last piece up with the beginning of the stream, so some steps come twice, after steps that they do
    not follow: leave out the steps that are left over."""
    T = -(-len(stream) // N)
    return np.resize(stream, (N, T, *stream.shape[1:])).swapaxes(0, 1)


@STREAM.add
def stream_head_left_out(stream, N):
    """You leave out the first steps of the stream. Leave out the last ones: the first column starts at stream[0]."""
    T = len(stream) // N
    return stream[len(stream) - T * N :].reshape(N, T, *stream.shape[1:]).swapaxes(0, 1)


@STREAM.add
def stream_tail_not_cut(stream, N):
    """A stream that N does not divide will not go into N equal pieces: keep its first T·N steps, T = L // N,
    before you reshape."""
    return stream.reshape(N, -1, *stream.shape[1:]).swapaxes(0, 1)


@STREAM.add
def stream_pieces_of_n_steps(stream, N):
    """Your pieces are N steps long, and there are T of them. It is the other way round: N pieces, side by side,
    each T = L // N long."""
    T = len(stream) // N
    return stream[: T * N].reshape(T, N, *stream.shape[1:]).swapaxes(0, 1)


@STREAM.add
def stream_all_axes_turned(stream, N):
    """.T turns round all axes, and what each step holds comes first. Exchange the first two only,
    with swapaxes(0, 1)."""
    T = len(stream) // N
    return stream[: T * N].reshape(N, T, *stream.shape[1:]).T


@STREAM.add
def stream_one_axis_only(stream, N):
    """Right for a stream of numbers. A step may hold more, such as D inputs, and these axes have to stay:
    reshape to (N, T, *stream.shape[1:])."""
    T = len(stream) // N
    return stream[: T * N].reshape(N, T).swapaxes(0, 1)


@STREAM.add
def stream_numbers_of_a_step_as_steps(stream, N):
    """Where a step holds several numbers, you lay them out as if they were steps of their own: keep their axis,
    reshape to (N, T, *stream.shape[1:])."""
    T = len(stream) // N
    return stream[: T * N].reshape(N, -1).swapaxes(0, 1)


@STREAM.add
def stream_columns_one_step_apart(stream, N):
    """Your columns are the same piece, each moved on by one step, and most of the stream is left out:
    column n starts at n·T."""
    T = len(stream) // N
    return np.stack([stream[n : n + T] for n in range(N)], axis=1)


@STREAM.add
def stream_last_step_of_each_piece_missing(stream, N):
    """Each of your pieces lacks its last step, as if it were kept for a target. Here the stream is only laid out:
    a slice leaves its stop out already, so stream[n * T : (n + 1) * T] is T steps."""
    T = len(stream) // N
    return np.stack([stream[n * T : (n + 1) * T - 1] for n in range(N)], axis=1)


@STREAM.add
def stream_plain_reshape(stream, N):
    """reshape(T, N) puts neighbours of the stream side by side, and has no room for a step of several numbers. A column
    has to be a piece: reshape to (N, T, *stream.shape[1:]), then swapaxes(0, 1)."""
    T = len(stream) // N
    return stream[: T * N].reshape(T, N)


@STREAM.add
def stream_neighbours_and_an_axis_more(stream, N):
    """Your rows are neighbours in the stream, but a column should go on in it; and the -1 gives numbers an axis more.
    Reshape to (N, T, *stream.shape[1:]), then swapaxes(0, 1)."""
    T = len(stream) // N
    return stream[: T * N].reshape(T, N, -1)


@STREAM.add
def stream_an_axis_more(stream, N):
    """The pieces are right, but the -1 gives a stream of plain numbers a third axis, of length 1: the axes of a step
    are stream.shape[1:], which may be none, so reshape to (N, T, *stream.shape[1:])."""
    T = len(stream) // N
    return stream[: T * N].reshape(N, T, -1).swapaxes(0, 1)


@STREAM.add
def stream_tail_in_n_times_t(stream, N):
    """T·N steps are what you make room for, and the stream may have a few more: cut these off first,
    stream[: T * N], then reshape."""
    T = len(stream) // N
    return stream.reshape(N, T, *stream.shape[1:]).swapaxes(0, 1)


@STREAM.add
def stream_tail_in_n_times_t_of_numbers(stream, N):
    """reshape(N, T) has room for T·N numbers: cut off the steps beyond, stream[: T * N], and keep the axes that a step
    has itself, reshape(N, T, *stream.shape[1:])."""
    T = len(stream) // N
    return stream.reshape(N, T).swapaxes(0, 1)


@STREAM.add
def stream_tail_in_t_times_n(stream, N):
    """Two things: a stream longer than T·N does not go into that shape, so cut it first, stream[: T * N]; and
    neighbours then lie side by side, so reshape to (N, T, ...) and swapaxes(0, 1)."""
    T = len(stream) // N
    return stream.reshape(T, N, *stream.shape[1:])


@STREAM.add
def stream_tail_in_plain_reshape(stream, N):
    """reshape(T, N) wants T·N numbers exactly, so first cut, stream[: T * N]. Then let each column be a piece, with the
    axes that a step has: reshape to (N, T, *stream.shape[1:]), then swapaxes(0, 1)."""
    T = len(stream) // N
    return stream.reshape(T, N)


@STREAM.add
def stream_tail_in_rows_of_n(stream, N):
    """Rows of N steps cannot hold a stream that N does not divide, so first cut, stream[: T * N]; and a row of
    neighbours is not what you want: reshape to (N, T, ...), a piece in each row, then swapaxes(0, 1)."""
    return stream.reshape(-1, N, *stream.shape[1:])


@STREAM.add
def stream_split_with_its_tail(stream, N):
    """np.split wants pieces of the same length, and N may not divide the stream: cut off what is left over first,
    np.split(stream[: T * N], N)."""
    return np.stack(np.split(stream, N), axis=1)


@STREAM.add
def stream_split_into_t(stream, N):
    """You split into T pieces, which are N steps long. It is the other way round: N pieces of T steps,
    of stream[: T * N], standing side by side (np.stack with axis=1)."""
    T = len(stream) // N
    return np.stack(np.split(stream, T))


@STREAM.add
def stream_pieces_of_two_lengths(stream, N):
    """np.array_split makes the first pieces one step longer where N does not divide the stream, and they cannot stand
    side by side: cut off what is left over first, stream[: T * N]."""
    return np.stack(np.array_split(stream, N), axis=1)


@STREAM.add
def stream_longer_pieces_trimmed(stream, N):
    """np.array_split makes some pieces longer, and you trim each of them, so steps are lost in the middle. Leave out
    steps at the end of the stream only: split stream[: T * N]."""
    T = len(stream) // N
    return np.stack([piece[:T] for piece in np.array_split(stream, N)], axis=1)


def _stream_case(seed: int, L: int, N: int, D: int = 0, whole: bool = False) -> Case:
    shape = (L, D) if D else (L,)
    rng = np.random.default_rng(seed)
    stream = rng.integers(0, 100, shape, dtype=np.int64) if whole else draw(rng, *shape)
    label = sizes(L=L, N=N, D=D) if D else sizes(L=L, N=N)
    return Case(label + (", whole numbers" if whole else ""), {"stream": stream, "N": N})


def stream_cases() -> tuple[Case, ...]:
    """Whole numbers and real ones, one axis and two, with a tail and without, one piece, pieces of one step."""
    return (
        Case("L = 7, N = 2", {"stream": np.arange(7, dtype=np.int64), "N": 2}),
        _stream_case(522, L=14, N=3),
        _stream_case(523, L=23, N=5, D=2),
        _stream_case(524, L=12, N=4, whole=True),
        _stream_case(525, L=5, N=1),
        _stream_case(526, L=7, N=4, D=3),
    )


def stream_lesson_case() -> Case:
    """A stream as long as the lesson's."""
    return _stream_case(527, L=60_007, N=32, D=1)


SLIDING = Mistakes("sliding")


@SLIDING.add
def sliding_k1_and_k2_exchanged(cell, params, x, state0, loss_gradient, k1, k2):
    """You have exchanged the two numbers: go back every k1 steps, and each time k2 steps far. With yours, the losses
    further than k1 from an end are lost."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k2):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = unrolled.backward(cell, params, caches[-k1:], dh[-k1:])
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_old_caches_thrown_away(cell, params, x, state0, loss_gradient, k1, k2):
    """You keep the caches of the last k1 steps only, so the gradient stops at their first one: these are windows of k1.
    Keep the caches of the last k2 steps, and go back through all of them."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k1):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_windows_of_k2(cell, params, x, state0, loss_gradient, k1, k2):
    """You never look at k1: these are windows of k2. Go back every k1 steps, each time k2 steps far,
    so that the stretches overlap."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k2):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_nothing_cut(cell, params, x, state0, loss_gradient, k1, k2):
    """You go back to the first step every time, which makes it full BPTT at many times its price:
    stop k2 steps before the end that you started from."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = caches + new
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_horizon_one_too_long(cell, params, x, state0, loss_gradient, k1, k2):
    """Your horizon is one step too long: k2 steps back from the end e, e itself among them, are e - k2 + 1 ... e.
    Keep k2 caches."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2 - 1 :]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_horizon_one_too_short(cell, params, x, state0, loss_gradient, k1, k2):
    """Your horizon is one step too short: the uses at k2 steps count, e - k2 + 1 ... e, both ends included.
    range leaves its end out, also when counting down."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, caches = loss + loss_k, add_extra(extra, extra_k), caches + new
        dstate = cell.zero_state(params, x.shape[1])
        for s in range(stop - 1, max(stop - k2, 0 if stop > k2 else -1), -1):
            dstate = add_to_hidden(dstate, dh[s - start]) if s >= start else dstate
            grads_s, _, dstate = cell.step_backward(params, caches[s], dstate)
            grads = add(grads, grads_s)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_horizon_from_each_t(cell, params, x, state0, loss_gradient, k1, k2):
    """You let every loss reach back k2 steps from its own t. That is right for k1 = 1; else all losses since the last
    end go back together, and stop together, k2 steps before their common end e."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, caches = loss + loss_k, add_extra(extra, extra_k), caches + new
        for t in range(start, stop):
            dstate = add_to_hidden(cell.zero_state(params, x.shape[1]), dh[t - start])
            for s in range(t, max(t - k2, -1), -1):
                grads_s, _, dstate = cell.step_backward(params, caches[s], dstate)
                grads = add(grads, grads_s)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_horizon_from_the_start(cell, params, x, state0, loss_gradient, k1, k2):
    """You go back k2 steps from where the new steps begin, and through the new ones besides. The k2 steps are counted
    from the end e: the new steps are among them."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = caches[-k2:] + new
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_k2_in_windows(cell, params, x, state0, loss_gradient, k1, k2):
    """You go back k2 windows of k1 steps each. k2 counts steps, as k1 does: keep the caches of k2 steps."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k1 * k2 :]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_losses_counted_again(cell, params, x, state0, loss_gradient, k1, k2):
    """Each time you take the losses of all k2 steps, the old ones too, so most count k2/k1 times. Each L_t counts once,
    at the first end after it: only the new steps bring a dh, for the older ones it is zero."""
    loss, grads, extra, state, caches, dhs = 0.0, zeros_like(params), None, state0, [], []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        caches, dhs = (caches + new)[-k2:], (dhs + list(dh))[-k2:]
        grads_k, _, _ = unrolled.backward(cell, params, caches, np.stack(dhs))
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_losses_taken_again(cell, params, x, state0, loss_gradient, k1, k2):
    """Each time you call the loss on all of the last k2 states, so a step's loss enters several times, in loss, grads
    and extra. Call it on the k1 new states only; for the older steps of the horizon, dh is zero."""
    loss, grads, extra, state, caches, hs = 0.0, zeros_like(params), None, state0, [], []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches, hs = (caches + new)[-k2:], (hs + list(h))[-k2:]
        loss_k, dh, extra_k = loss_gradient(np.stack(hs), stop - len(hs))
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_only_the_loss_at_the_end(cell, params, x, state0, loss_gradient, k1, k2):
    """You take the loss at the ends only, every k1-th. The steps between have losses too, and each counts once:
    give all k1 new states to loss_gradient."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        dh_back = np.zeros((len(caches), *h.shape[1:]))
        loss_k, dh_back[-1:], extra_k = loss_gradient(h[-1:], stop - 1)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_losses_at_the_horizons_beginning(cell, params, x, state0, loss_gradient, k1, k2):
    """You put dh at the beginning of the horizon and zeros behind it. The new steps are its last ones:
    zeros first, then dh."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([dh, np.zeros((len(caches) - len(dh), *dh.shape[1:]))])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_tail_dropped(cell, params, x, state0, loss_gradient, k1, k2):
    """The losses after the last multiple of k1 never count. The last end is T, whether k1 divides it or not."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start in range(0, len(x) - k1 + 1, k1):
        h, state, new = unrolled.forward(cell, params, x[start : start + k1], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_last_end_beyond_the_sequence(cell, params, x, state0, loss_gradient, k1, k2):
    """You count the last k2 steps from a multiple of k1 that lies beyond T, so the last losses do not reach far enough
    back: the last end is T."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-(k2 - (start + k1 - stop)) :]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_ends_counted_from_0(cell, params, x, state0, loss_gradient, k1, k2):
    """Your first end comes after one step, for t % k1 == 0 is true at t = 0 already. The ends are after k1, 2k1 ...
    steps: where t counts from 0, ask for (t + 1) % k1 == 0."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in pairwise([0, *range(1, len(x), k1), len(x)]):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_state_reset_at_the_horizon(cell, params, x, state0, loss_gradient, k1, k2):
    """You run the last k2 steps again each time, from zeros, and so forget all that came before. Only the gradient is
    cut: run every step once, carry the state, and keep the caches."""
    loss, grads, extra = 0.0, zeros_like(params), None
    for start, stop in windows(len(x), k1):
        first = max(stop - k2, 0)
        h, _, caches = unrolled.forward(cell, params, x[first:stop], cell.zero_state(params, x.shape[1]))
        dh_back = np.zeros_like(h)
        loss_k, dh_back[start - first :], extra_k = loss_gradient(h[start - first :], start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_steps_run_twice(cell, params, x, state0, loss_gradient, k1, k2):
    """You run all of the last k2 steps forward each time, from the state at the end before, which has seen most of them
    already. Run the k1 new steps only, and keep the caches of the older ones."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in windows(len(x), k1):
        first = max(stop - k2, 0)
        h, state, caches = unrolled.forward(cell, params, x[first:stop], state)
        dh_back = np.zeros_like(h)
        loss_k, dh_back[start - first :], extra_k = loss_gradient(h[start - first :], start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_state_not_carried(cell, params, x, state0, loss_gradient, k1, k2):
    """Every k1 steps you start again from state0: keep the state that forward returns, and go on from it."""
    loss, grads, extra, caches = 0.0, zeros_like(params), None, []
    for start, stop in windows(len(x), k1):
        h, _, new = unrolled.forward(cell, params, x[start:stop], state0)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_start_always_0(cell, params, x, state0, loss_gradient, k1, k2):
    """You call the loss with start = 0 every time, so it always looks at the first targets:
    hand it the number of the first of the new steps."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, 0)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_extra_of_the_last_end(cell, params, x, state0, loss_gradient, k1, k2):
    """Your extra is that of the last end only. The readout's weights are shared by all steps: add up what the loss
    returns as its third thing, each time."""
    loss, grads, state, caches = 0.0, zeros_like(params), state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads = loss + loss_k, add(grads, grads_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_sum_of_grads_not_kept(cell, params, x, state0, loss_gradient, k1, k2):
    """Your grads are still zeros, though extra adds up. nested.add returns the sum, and changes neither of the two that
    it gets: write grads = nested.add(grads, ...)."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        add(grads, grads_k)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_grads_of_the_last_end(cell, params, x, state0, loss_gradient, k1, k2):
    """Your grads are overwritten each time, so only those of the last end are left: they add up over all ends."""
    loss, extra, state, caches = 0.0, None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_averaged_over_ends(cell, params, x, state0, loss_gradient, k1, k2):
    """You divide by the number of ends. loss_gradient already says what its steps add to the loss of the whole
    sequence: sum, and divide by nothing."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    n = len(windows(len(x), k1))
    return Gradient(loss / n, map_arrays(lambda g: g / n, grads), map_arrays(lambda g: g / n, extra))


@SLIDING.add
def sliding_state_for_hidden(cell, params, x, state0, loss_gradient, k1, k2):
    """Right for the RNN, whose state is the array h. Another cell's state has more parts, such as State(h, c): start
    each way back from cell.zero_state(params, N), and add dh with add_to_hidden."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, caches = loss + loss_k, add_extra(extra, extra_k), caches + new
        dstate = np.zeros_like(dh[0])
        for s in range(stop - 1, max(stop - k2, 0) - 1, -1):
            dstate = dstate + dh[s - start] if s >= start else dstate
            grads_s, _, dstate = cell.step_backward(params, caches[s], dstate)
            grads = add(grads, grads_s)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_dh_always_k2_long(cell, params, x, state0, loss_gradient, k1, k2):
    """Your dh always has k2 steps, but at the start fewer than k2 caches are kept. It has to be as long as they are:
    zeros for len(caches) - len(dh) steps, then dh."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.zeros((k2, *dh.shape[1:]))
        dh_back[-len(dh) :] = dh
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_zeros_always_k2_less_k1(cell, params, x, state0, loss_gradient, k1, k2):
    """You always put k2 - k1 steps of zeros in front. At the start fewer caches are kept, and in the last round there
    may be fewer new steps: count what there is, len(caches) - len(dh)."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((k2 - k1, *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_dh_of_the_new_steps_alone(cell, params, x, state0, loss_gradient, k1, k2):
    """dh is shorter than the caches: put zeros in front for the steps that have no loss of their own in this round,
    len(caches) - len(dh) of them."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_deque_for_a_list(cell, params, x, state0, loss_gradient, k1, k2):
    """unrolled.backward takes a list of caches, and a deque is none: hand it list(caches)."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, deque(maxlen=k2)
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches.extend(new)
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_keeps_k1_and_k2(cell, params, x, state0, loss_gradient, k1, k2):
    """You keep k1 + k2 caches, and go back through all of them, k1 steps too far. The new steps are among the last k2:
    keep k2 caches, deque(maxlen=k2)."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, deque(maxlen=k1 + k2)
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches.extend(new)
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, list(caches), dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_oldest_caches_kept(cell, params, x, state0, loss_gradient, k1, k2):
    """You keep the first k2 caches, [:k2], so you go back through the beginning of the sequence every time. Keep the
    last ones, [-k2:]: the new steps are among them."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[:k2]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.concatenate([np.zeros((len(caches) - len(dh), *dh.shape[1:])), dh])
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_only_the_last_dh(cell, params, x, state0, loss_gradient, k1, k2):
    """Only the last of the new steps hands its dh back, and the others of this round are lost, though their losses
    count: put all of dh behind the zeros."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.zeros((len(caches), *dh.shape[1:]))
        dh_back[-1] = dh[-1]
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@SLIDING.add
def sliding_dh_in_one_place(cell, params, x, state0, loss_gradient, k1, k2):
    """You put the whole dh, which has as many steps as are new, into the place of one. It needs as many places:
    dh_back[-len(dh):] = dh."""
    loss, grads, extra, state, caches = 0.0, zeros_like(params), None, state0, []
    for start, stop in windows(len(x), k1):
        h, state, new = unrolled.forward(cell, params, x[start:stop], state)
        caches = (caches + new)[-k2:]
        loss_k, dh, extra_k = loss_gradient(h, start)
        dh_back = np.zeros((len(caches), *dh.shape[1:]))
        dh_back[-1] = dh
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh_back)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


def sliding_cases() -> tuple[Case, ...]:
    """k1 a divisor of T and not, k1 = 1, k1 = k2, a horizon beyond the first step, and a cell that is not the RNN."""
    return (
        _gradient_case(531, T=5, N=2, D=1, H=3, decimals=1, k1=2, k2=3),
        _gradient_case(532, T=9, N=3, D=1, H=4, k1=2, k2=5),
        _gradient_case(533, T=6, N=1, D=2, H=4, k1=1, k2=3),
        _gradient_case(534, T=8, N=2, D=1, H=4, k1=3, k2=3),
        _gradient_case(535, T=4, N=3, D=2, H=5, k1=2, k2=9),
        _gradient_case(536, T=8, N=2, D=1, H=3, another=True, k1=3, k2=4),
    )


def sliding_lesson_case() -> Case:
    """Every few steps, over a good stretch of a stream."""
    return _gradient_case(537, T=40, N=4, D=1, H=16, k1=5, k2=20)


RANDOMISED = Mistakes("randomised")


@RANDOMISED.add
def randomised_not_divided(cell, params, x, state0, loss_gradient, cuts, probability):
    """You cut, but what passes is not weighed, so on average too little arrives: each place lets the gradient through
    with probability 1 - p only. Divide what goes to the step before by 1 - p."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_multiplied(cell, params, x, state0, loss_gradient, cuts, probability):
    """You multiply by 1 - p where you should divide. What passes has to stand for the times when it is cut, so it
    becomes larger, not smaller."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d * (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_divided_by_p(cell, params, x, state0, loss_gradient, cuts, probability):
    """You divide by p, the probability of a cut. Weigh what passes by how often it passes: divide by 1 - p."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / np.float64(probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_brackets_forgotten(cell, params, x, state0, loss_gradient, cuts, probability):
    """d / 1 - p is (d / 1) - p: division comes before subtraction. Write d / (1 - p)."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / 1 - probability, dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_divided_once_in_a_piece(cell, params, x, state0, loss_gradient, cuts, probability):
    """You divide a piece's gradient once, as a whole. The way from t to s passes t - s places where it might have been
    cut, so it is divided t - s times: divide dstate at every step back."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, dh)
        grads = add(grads, map_arrays(lambda g: g / (1 - probability), grads_k))
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_whole_piece_by_its_length(cell, params, x, state0, loss_gradient, cuts, probability):
    """You divide a piece's whole gradient by one power of 1 - p, for all its places. A part that passed fewer of them
    is divided less often: divide dstate at every step back, and the power comes out right for each."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        weight = (1 - probability) ** -(stop - start - 1)
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        grads_k, _, _ = unrolled.backward(cell, params, caches, weight * dh)
        loss, grads, extra = loss + loss_k, add(grads, grads_k), add_extra(extra, extra_k)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_own_loss_divided_too(cell, params, x, state0, loss_gradient, cuts, probability):
    """You divide the sum of both roads, the step's own dh too. Its own loss has passed no place where it might have
    been cut: divide only what comes from the step after it."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            dstate = map_arrays(lambda d: d / (1 - probability), add_to_hidden(dstate, dh_t))
            grads_t, _, dstate = cell.step_backward(params, cache, dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_cuts_ignored(cell, params, x, state0, loss_gradient, cuts, probability):
    """You weigh what passes and let everything pass: cut the way back before each of the steps in `cuts`."""
    loss, grads, dstate = 0.0, zeros_like(params), cell.zero_state(params, x.shape[1])
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
        grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
        dstate = map_arrays(lambda d: d / (1 - probability), dstate)
        grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_nothing_cut(cell, params, x, state0, loss_gradient, cuts, probability):
    """You use neither cuts nor probability: this is full BPTT. Cut the way back before each of the steps in `cuts`, and
    where it is not cut, divide by 1 - p."""
    h, _, tape = cell.forward(params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    grads, _, _ = cell.backward(params, tape, dh)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_divided_at_the_cuts(cell, params, x, state0, loss_gradient, cuts, probability):
    """At a cut you divide, and elsewhere everything passes as it is. At a cut nothing passes;
    it is at all other places that you divide by 1 - p."""
    grads, dstate = zeros_like(params), cell.zero_state(params, x.shape[1])
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    for t in reversed(range(len(x))):
        grads_t, _, dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        dstate = map_arrays(lambda d: d / (1 - probability), dstate) if t in cuts else dstate
        grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_passes_at_the_cuts(cell, params, x, state0, loss_gradient, cuts, probability):
    """You cut everywhere but at the cuts. `cuts` are the places where nothing passes; all others let the gradient
    through, divided by 1 - p."""
    grads, dstate = zeros_like(params), cell.zero_state(params, x.shape[1])
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    for t in reversed(range(len(x))):
        grads_t, _, dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        weight = 1 / (1 - probability) if t in cuts else 0.0
        dstate = map_arrays(lambda d, weight=weight: d * weight, dstate)
        grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_cut_after_the_step(cell, params, x, state0, loss_gradient, cuts, probability):
    """Your cuts are one place too late, after the step and not before it: a cut at step t lies between t and t - 1,
    so dstate becomes zero once step_backward has been called for t."""
    grads, dstate = zeros_like(params), cell.zero_state(params, x.shape[1])
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    for t in reversed(range(len(x))):
        weight = 0.0 if t in cuts else 1 / (1 - probability)
        dstate = map_arrays(lambda d, weight=weight: d * weight, dstate)
        grads_t, _, dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_cut_a_step_before(cell, params, x, state0, loss_gradient, cuts, probability):
    """Your cuts are one place too early. Steps are counted from 0 here: a cut at c makes x[c] the first step of a new
    piece, so nothing goes from step c to step c - 1."""
    grads, dstate = zeros_like(params), cell.zero_state(params, x.shape[1])
    h, _, caches = unrolled.forward(cell, params, x, state0)
    loss, dh, extra = loss_gradient(h, 0)
    for t in reversed(range(len(x))):
        grads_t, _, dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        weight = 0.0 if t + 1 in cuts else 1 / (1 - probability)
        dstate = map_arrays(lambda d, weight=weight: d * weight, dstate)
        grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_state_reset_at_the_cuts(cell, params, x, state0, loss_gradient, cuts, probability):
    """At each cut your state starts from zeros again. Only the way back is cut: the state goes on,
    so that h is what it would be without any cuts."""
    loss, grads, extra, state, zero = 0.0, zeros_like(params), None, state0, cell.zero_state(params, x.shape[1])
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, _, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, state, dstate = loss + loss_k, add_extra(extra, extra_k), zero, zero
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_every_piece_from_state0(cell, params, x, state0, loss_gradient, cuts, probability):
    """Each of your pieces starts from state0, the state before the whole sequence. Only the way back is cut:
    the state that forward returns is the next piece's first."""
    loss, grads, extra = 0.0, zeros_like(params), None
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, _, caches = unrolled.forward(cell, params, x[start:stop], state0)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_gradient_not_cut_between_pieces(cell, params, x, state0, loss_gradient, cuts, probability):
    """dstate is still what the piece before left behind when you start on the next one: set it to zeros for every
    piece, for nothing crosses a cut."""
    loss, grads, extra, state, dstate = 0.0, zeros_like(params), None, state0, cell.zero_state(params, x.shape[1])
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra = loss + loss_k, add_extra(extra, extra_k)
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_first_piece_missing(cell, params, x, state0, loss_gradient, cuts, probability):
    """Your pieces begin with the first cut, so the steps before it are lost, and without cuts all of them:
    the first piece starts at 0."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([*cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_last_piece_missing(cell, params, x, state0, loss_gradient, cuts, probability):
    """Your pieces end with the last cut, so the steps from there on are lost: the last piece stops at T."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_cuts_taken_for_a_list(cell, params, x, state0, loss_gradient, cuts, probability):
    """A list and a tuple cannot be joined with +, and `cuts` may be either: [0, *cuts, len(x)] takes both."""
    loss, grads, extra, state, edges = 0.0, zeros_like(params), None, state0, [0] + cuts + [len(x)]  # noqa: RUF005
    for start, stop in pairwise(edges):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_start_always_0(cell, params, x, state0, loss_gradient, cuts, probability):
    """You call the loss with start = 0 for every piece, so each is compared with the first targets:
    hand it the piece's own start."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, 0)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_extra_of_the_last_piece(cell, params, x, state0, loss_gradient, cuts, probability):
    """Your extra is the last piece's only. The readout's weights are shared by all pieces: add up what the loss returns
    as its third thing. It is not cut, and needs no weight."""
    loss, grads, state = 0.0, zeros_like(params), state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra = loss_gradient(h, start)
        loss, dstate = loss + loss_k, cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_sum_of_grads_not_kept(cell, params, x, state0, loss_gradient, cuts, probability):
    """Your grads are still zeros, though extra adds up. nested.add leaves what it gets as it is and returns the sum:
    write grads = nested.add(grads, grads_t)."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = map_arrays(lambda d: d / (1 - probability), dstate)
            add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_only_h_divided(cell, params, x, state0, loss_gradient, cuts, probability):
    """You divide the gradient of h, and forget the state's other parts, where there are any, such as c:
    map_arrays divides them all."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, d = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, d = cell.step_backward(params, cache, add_to_hidden(d, dh_t))
            d = d._replace(h=d.h / (1 - probability)) if hasattr(d, "h") else d / (1 - probability)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


@RANDOMISED.add
def randomised_state_divided_as_an_array(cell, params, x, state0, loss_gradient, cuts, probability):
    """Right for the RNN, whose state is an array. Another cell's is a NamedTuple of arrays, which cannot be divided as
    one: map_arrays divides each of them."""
    loss, grads, extra, state = 0.0, zeros_like(params), None, state0
    for start, stop in pairwise([0, *cuts, len(x)]):
        h, state, caches = unrolled.forward(cell, params, x[start:stop], state)
        loss_k, dh, extra_k = loss_gradient(h, start)
        loss, extra, dstate = loss + loss_k, add_extra(extra, extra_k), cell.zero_state(params, x.shape[1])
        for cache, dh_t in zip(caches[::-1], dh[::-1], strict=True):
            grads_t, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh_t))
            dstate = dstate / (1 - probability)
            grads = add(grads, grads_t)
    return Gradient(loss, grads, extra)


def randomised_cases() -> tuple[Case, ...]:
    """One cut, several (also next to each other), none, probability 0, and a cell that is not the RNN."""
    return (
        _gradient_case(541, T=5, N=2, D=1, H=3, decimals=1, cuts=(2,), probability=0.25),
        _gradient_case(542, T=9, N=3, D=2, H=4, cuts=(1, 4, 5), probability=0.4),
        _gradient_case(543, T=6, N=1, D=2, H=4, cuts=(), probability=0.2),
        _gradient_case(544, T=4, N=2, D=1, H=3, cuts=(3,), probability=0.0),
        _gradient_case(545, T=7, N=2, D=1, H=3, another=True, cuts=(3, 5), probability=0.2),
    )


def randomised_lesson_case() -> Case:
    """A sequence with a cut in every sixteen places."""
    return _gradient_case(547, T=96, N=4, D=1, H=16, cuts=tuple(range(16, 96, 16)), probability=1 / 16)


_LESSON = "05_truncated_bptt"
_GRADIENT = ("gradient",)

EXERCISES = (
    Exercise(
        name="tbptt.contributions",
        lesson=_LESSON,
        minutes=12,
        solution=tbptt.contributions,
        returns=("parts",),
        stub='''def my_tbptt_contributions(cell, params, caches, dh):
    """Take the gradient apart, for any cell, so loop over the arrays of Params with zip. caches: T of them;
    dh (T, N, H): the loss's own gradient at every step. Return Params whose arrays have the axes (T, T) in front:
    [t, s] is the part of L_t through the use at step s, zero for s > t."""
    ...
''',
        hints=(
            "The loss at step t reaches the use of the parameters at step s by going back from t to s. "
            "So there is one way back for each t, with the loss of that step and no other.",
            "map_arrays(lambda p: np.zeros((T, T, *p.shape)), params) gives room for all parts. "
            "cell.step_backward(params, caches[s], dstate) returns three things: the part of step s, dx, "
            "and the dstate for step s - 1. The state's gradient starts from cell.zero_state(params, N).",
            "For each t: dstate is add_to_hidden of a zero state and dh[t]. Then, for s from t down to 0, "
            "call step_backward, put its first result into [t, s] of every array, and go on with its third.",
        ),
        make_cases=contributions_cases,
        make_lesson_case=contributions_lesson_case,
        misconceptions=CONTRIBUTIONS.catalogue,
    ),
    Exercise(
        name="tbptt.windows",
        lesson=_LESSON,
        minutes=5,
        solution=tbptt.windows,
        returns=("windows",),
        stub='''def my_tbptt_windows(T, k):
    """Cut the steps 0 ... T - 1 into windows of k; what is left over at the end is a shorter one.
    Return a list of pairs (start, stop), as slices take them."""
    ...
''',
        hints=(
            "Every step belongs to one window, and each window starts where the one before it stopped.",
            "The starts are 0, k, 2k and so on, as long as they are below T: a range with three arguments. "
            "For T = 7 and k = 3 the answer is [(0, 3), (3, 6), (6, 7)].",
            "A list with a pair for each start: the start, and the smaller of start + k and T.",
        ),
        make_cases=windows_cases,
        make_lesson_case=windows_lesson_case,
        misconceptions=WINDOWS.catalogue,
    ),
    Exercise(
        name="tbptt.windowed_gradient",
        lesson=_LESSON,
        minutes=12,
        solution=tbptt.windowed_gradient,
        returns=_GRADIENT,
        stub='''def my_tbptt_windowed_gradient(cell, params, x, state0, loss_gradient, k):
    """Windows of k steps of x (T, N, D): the state goes from one to the next, the gradient does not.
    loss_gradient(h, start) returns loss, dh, extra of the window that starts at step start.
    Return Gradient(loss, grads, extra), each summed over the windows."""
    ...
''',
        hints=(
            "A window is a short sequence: forward, loss, backward, as in full BPTT. Two things make the windows one "
            "sequence: the state goes on from one to the next, and their results add up.",
            "For every (start, stop): cell.forward(params, x_window, state) returns h, the state after the window, and "
            "the tape; loss_gradient(h, start) returns loss, dh, extra; cell.backward(params, tape, dh) "
            "returns grads first.",
            "Before the loop: loss 0.0, grads zeros_like(params), extra None, and the state is state0. In the loop, "
            "let forward's second result be the new state, and add: loss with +, grads with nested.add, "
            "extra with add_extra, for which None is nothing yet.",
        ),
        make_cases=windowed_cases,
        make_lesson_case=windowed_lesson_case,
        misconceptions=WINDOWED.catalogue,
    ),
    Exercise(
        name="tbptt.stream_batches",
        lesson=_LESSON,
        minutes=6,
        solution=tbptt.stream_batches,
        returns=("batches",),
        stub='''def my_tbptt_stream_batches(stream, N):
    """Lay out one long stream (L, ...) as N sequences side by side: (T, N, ...) with T = L // N.
    Column n is the n-th piece of the stream; the last L - T·N steps are left out."""
    ...
''',
        hints=(
            "A state carried from one row to the next must belong to the step before. So going down a column has to "
            "go on in the stream: cut it into N pieces of T steps, and stand them side by side.",
            "The first T·N steps, reshaped to (N, T, *stream.shape[1:]), have a piece in every row. "
            "For the numbers 0 ... 6 and N = 2 the answer is [[0, 3], [1, 4], [2, 5]].",
            "Keep the first T * N steps, reshape to (N, T, ...), and exchange the first two axes with swapaxes "
            "(not with a second reshape, which leaves the numbers in their order).",
        ),
        make_cases=stream_cases,
        make_lesson_case=stream_lesson_case,
        misconceptions=STREAM.catalogue,
    ),
    Exercise(
        name="tbptt.sliding_gradient",
        lesson=_LESSON,
        minutes=15,
        solution=tbptt.sliding_gradient,
        returns=_GRADIENT,
        stub='''def my_tbptt_sliding_gradient(cell, params, x, state0, loss_gradient, k1, k2):
    """Every k1 steps of x (T, N, D), and at the last one, go back through the last k2 steps (k2 ≥ k1).
    Each step's loss counts once, when it is new; loss_gradient(h, start) returns loss, dh, extra.
    Return Gradient(loss, grads, extra), each summed."""
    ...
''',
        hints=(
            "Run forward in windows of k1, with the state carried. After each one go back, with the losses of the new "
            "steps only, but through more steps than these: through the last k2.",
            "unrolled.forward(cell, params, x_window, state) returns h, state and a list of caches, which you can "
            "append to those you have; keep the last k2 of them. unrolled.backward(cell, params, caches, dh) wants "
            "a dh with as many steps as there are caches: zeros (steps, N, H) for the old ones.",
            "With m caches kept and dh from loss_gradient for the new steps: np.concatenate puts m - len(dh) steps of "
            "zeros in front of dh; unrolled.backward with these gives grads first; add all three up "
            "as in windowed_gradient.",
        ),
        make_cases=sliding_cases,
        make_lesson_case=sliding_lesson_case,
        misconceptions=SLIDING.catalogue,
    ),
    Exercise(
        name="tbptt.randomised_gradient",
        lesson=_LESSON,
        minutes=12,
        solution=tbptt.randomised_gradient,
        returns=_GRADIENT,
        stub='''def my_tbptt_randomised_gradient(cell, params, x, state0, loss_gradient, cuts, probability):
    """Cut the way back before each of the steps in cuts (from 0, rising, 1 ... T - 1); x is (T, N, D).
    Elsewhere divide what goes from one step to the step before by 1 - probability.
    Return Gradient(loss, grads, extra), each summed."""
    ...
''',
        hints=(
            "The cuts make pieces, and the state goes on from piece to piece, as with windows. What is new is inside a "
            "piece: each step back may have been cut, so what passes is weighed by one over the chance of passing.",
            "The pieces are pairwise([0, *cuts, T]). unrolled.forward gives h, state and caches of a piece. "
            "Go back through its caches, last first, with cell.step_backward and a dstate that starts "
            "from cell.zero_state(params, N) in every piece.",
            "In the loop back: add dh_t to dstate with add_to_hidden, call step_backward, add its grads up, and divide "
            "its third result by 1 - probability with map_arrays, for a state may have several parts. "
            "The loss's own dh_t is not divided.",
        ),
        make_cases=randomised_cases,
        make_lesson_case=randomised_lesson_case,
        misconceptions=RANDOMISED.catalogue,
    ),
)
