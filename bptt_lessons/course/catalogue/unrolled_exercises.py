"""Exercises on the unrolled loop: forward (lesson 01) and back through time (lesson 02)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.course.catalogue.draws import draw, draw_leaky, draw_rnn, sizes
from bptt_lessons.course.exercises import Case, Exercise


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
    """Different sizes, a single sequence, one step, many steps and a large gradient, and another cell."""
    return (
        _backward_case(39, T=4, N=1, D=2, H=3, decimals=1),
        _backward_case(32, T=6, N=3, D=2, H=4),
        _backward_case(33, T=5, N=1, D=3, H=2),
        _backward_case(34, T=1, N=3, D=2, H=4),
        _backward_case(35, T=12, N=2, D=5, H=3, scale=90.0),
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
            "The gradient reaches h_t by two paths: from its own loss, dh[t], and from step t + 1, "
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
    ),
)
