"""Exercises on truncation: the parts of a gradient, and the several ways to leave some out (lesson 05)."""

from __future__ import annotations

from typing import Any

import numpy as np

from bptt_lessons.cells import rnn, unrolled
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
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import tbptt


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


def _contributions_case(
    seed: int, T: int, N: int, D: int, H: int, another: bool = False, decimals: int = 2, scale: float = 0.9
) -> Case:
    rng = np.random.default_rng(seed)
    label, cell, params, x, state0 = _drawn(rng, T, N, D, H, another, decimals)
    _, _, caches = unrolled.forward(leaky if another else rnn, params, x, state0)
    dh = draw(rng, T, N, H, scale=scale, decimals=decimals)
    return Case(label, {"cell": cell, "params": params, "caches": caches, "dh": dh})


def contributions_cases() -> tuple[Case, ...]:
    """Different sizes, a long and narrow one with large gradients, and a cell that is not the RNN."""
    return (
        _contributions_case(501, T=4, N=1, D=2, H=3, decimals=1),
        _contributions_case(502, T=3, N=2, D=1, H=4),
        _contributions_case(503, T=6, N=1, D=3, H=2, scale=90.0),
        _contributions_case(504, T=5, N=3, D=1, H=2, another=True),
    )


def contributions_lesson_case() -> Case:
    """A matrix as large as the lesson's picture."""
    return _contributions_case(505, T=20, N=4, D=1, H=8)


def _windows_case(T: int, k: int) -> Case:
    return Case(f"T = {T}, k = {k}", {"T": T, "k": k})


def windows_cases() -> tuple[Case, ...]:
    """A tail of one step, none, k above T, windows of one step, one window, a longer tail."""
    return tuple(_windows_case(T, k) for T, k in ((7, 3), (6, 2), (3, 5), (4, 1), (5, 5), (11, 4)))


def windows_lesson_case() -> Case:
    """The steps of a long stream."""
    return _windows_case(1003, 10)


def _gradient_case(
    seed: int,
    T: int,
    N: int,
    D: int,
    H: int,
    another: bool = False,
    decimals: int = 2,
    scale: float = 0.9,
    **how: object,
) -> Case:
    """Return a case of one of the three gradients; `how` says where it is cut, `scale` how far off the targets are."""
    rng = np.random.default_rng(seed)
    label, cell, params, x, state0 = _drawn(rng, T, N, D, H, another, decimals)
    weights, target = draw_readout(rng, H, 1, decimals=decimals), draw(rng, T, N, 1, scale=scale, decimals=decimals)
    loss_gradient = WindowLoss(weights, target)
    given = {"cell": cell, "params": params, "x": x, "state0": state0, "loss_gradient": loss_gradient, **how}
    return Case(label + "".join(f", {name} = {value}" for name, value in how.items()), given)


def windowed_cases() -> tuple[Case, ...]:
    """A tail, a longer tail and large gradients, no tail, k = 1, k above T, and a cell that is not the RNN."""
    return (
        _gradient_case(518, T=5, N=2, D=1, H=4, decimals=1, k=3),
        _gradient_case(512, T=8, N=2, D=1, H=4, scale=90.0, k=3),
        _gradient_case(513, T=6, N=1, D=2, H=4, k=3),
        _gradient_case(514, T=4, N=3, D=1, H=2, k=1),
        _gradient_case(515, T=4, N=2, D=1, H=3, k=7),
        _gradient_case(516, T=7, N=2, D=1, H=4, another=True, k=3),
    )


def windowed_lesson_case() -> Case:
    """A couple of dozen windows."""
    return _gradient_case(517, T=250, N=8, D=1, H=16, k=10)


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


def sliding_cases() -> tuple[Case, ...]:
    """k1 a divisor of T and not, large gradients, k1 = 1, k1 = k2, a horizon beyond the first step, another cell."""
    return (
        _gradient_case(531, T=7, N=1, D=2, H=4, decimals=1, k1=3, k2=5),
        _gradient_case(532, T=9, N=3, D=1, H=4, scale=90.0, k1=2, k2=5),
        _gradient_case(533, T=6, N=1, D=2, H=4, k1=1, k2=3),
        _gradient_case(534, T=8, N=2, D=1, H=4, k1=3, k2=3),
        _gradient_case(535, T=4, N=3, D=2, H=5, k1=2, k2=9),
        _gradient_case(536, T=9, N=2, D=1, H=5, another=True, k1=3, k2=4),
    )


def sliding_lesson_case() -> Case:
    """Every few steps, over a good stretch of a stream."""
    return _gradient_case(537, T=40, N=4, D=1, H=16, k1=5, k2=20)


def randomised_cases() -> tuple[Case, ...]:
    """One cut, several (next to each other too) and large gradients, none, probability 0, and another cell."""
    return (
        _gradient_case(541, T=5, N=2, D=1, H=4, decimals=1, cuts=(3,), probability=0.25),
        _gradient_case(542, T=9, N=3, D=2, H=4, scale=90.0, cuts=(1, 4, 5), probability=0.4),
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
            "So there is one backward pass for each t, with the loss of that step and no other.",
            "map_arrays(lambda p: np.zeros((T, T, *p.shape)), params) gives room for all parts. "
            "cell.step_backward(params, caches[s], dstate) returns three things: the part of step s, dx, "
            "and the dstate for step s - 1. The state's gradient starts from cell.zero_state(params, N).",
            "For each t: dstate is add_to_hidden of a zero state and dh[t]. Then, for s from t down to 0, "
            "call step_backward, put its first result into [t, s] of every array, and go on with its third.",
        ),
        make_cases=contributions_cases,
        make_lesson_case=contributions_lesson_case,
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
    ),
)
