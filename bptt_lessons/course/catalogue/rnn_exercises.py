"""Exercises on the plain cell: one step (lesson 01) and one step back (lesson 02)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.course.catalogue.draws import draw, draw_rnn, sizes
from bptt_lessons.course.exercises import Case, Exercise


def _step_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    x, h_prev = draw(rng, N, D, scale=scale, decimals=decimals), draw(rng, N, H, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "x": x, "h_prev": h_prev})


def step_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, inputs that saturate."""
    return (
        _step_case(3, N=2, D=1, H=3, decimals=1),
        _step_case(4, N=4, D=3, H=5),
        _step_case(5, N=1, D=4, H=2),
        _step_case(6, N=3, D=5, H=4, scale=9.0),
    )


def step_lesson_case() -> Case:
    """One step of the largest batch that a lesson uses."""
    return _step_case(7, N=1000, D=1, H=16)


def _step_backward_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    _, cache = rnn.step(params, draw(rng, N, D, decimals=decimals), draw(rng, N, H, decimals=decimals))
    dh = draw(rng, N, H, scale=scale, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "cache": cache, "dh": dh})


def step_backward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a gradient that is large."""
    return (
        _step_backward_case(8, N=2, D=1, H=3, decimals=1),
        _step_backward_case(9, N=4, D=3, H=5),
        _step_backward_case(10, N=1, D=4, H=2),
        _step_backward_case(11, N=3, D=5, H=4, scale=90.0),
    )


def step_backward_lesson_case() -> Case:
    """One step back of the sunspot net."""
    return _step_backward_case(12, N=41, D=1, H=16)


EXERCISES = (
    Exercise(
        name="rnn.step",
        lesson="01_unrolling_a_recurrent_network",
        minutes=6,
        solution=rnn.step,
        returns=("h", "cache"),
        stub='''def my_rnn_step(params, x, h_prev):
    """z_t = x_t W_xh + h_{t-1} W_hh + b_h, h_t = tanh(z_t). Return h and Cache(x, h_prev, h)."""
    ...
''',
        hints=(
            "The new state is a squashed sum of three things: what comes in now, what was remembered, and a bias. "
            "The cache keeps what the backward pass will need.",
            "x is (N, D), W_xh (D, H), h_prev (N, H), W_hh (H, H), b_h (H,): "
            "each term of z is (N, H), or is stretched to it. @ is the matrix product.",
            "z is x @ params.W_xh plus a second product plus params.b_h; h is np.tanh of it; "
            "return the pair h, Cache(x, h_prev, h).",
        ),
        make_cases=step_cases,
        make_lesson_case=step_lesson_case,
    ),
    Exercise(
        name="rnn.step_backward",
        lesson="02_backpropagation_through_time",
        minutes=15,
        solution=rnn.step_backward,
        returns=("grads", "dx", "dh_prev"),
        stub='''def my_rnn_step_backward(params, cache, dh):
    """From the total dL/dh_t to grads (Params), dx and dh_prev. cache has the fields x, h_prev and h."""
    ...
''',
        hints=(
            "First back through tanh, from dh to dz. Then z_t is a sum of products, "
            "and each factor of a product gets dz times the other factor.",
            "dz is (N, H). Every gradient has the shape of what it belongs to: "
            "W_xh (D, H), W_hh (H, H), b_h (H,), dx (N, D), dh_prev (N, H). "
            "That settles which factor is transposed and on which side it stands, except for W_hh, which is square: "
            "do there as for W_xh.",
            "dz is dh times 1 - cache.h**2. The gradient of W_xh is cache.x.T @ dz, and dx is dz @ params.W_xh.T; "
            "the two for W_hh look just like them. b_h was added to every row of the batch: sum dz over that axis.",
        ),
        make_cases=step_backward_cases,
        make_lesson_case=step_backward_lesson_case,
    ),
)
