"""Exercises on the readout: forward (lesson 01) and backward (lesson 02)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.course.catalogue.draws import draw, draw_readout, sizes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.training import readout


def _forward_case(seed: int, T: int, N: int, H: int, K: int, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_readout(rng, H, K, decimals=decimals)
    return Case(sizes(T=T, N=N, H=H, K=K), {"params": params, "h": draw(rng, T, N, H, decimals=decimals)})


def forward_cases() -> tuple[Case, ...]:
    """One output and several, a single sequence, a single step."""
    return (
        _forward_case(41, T=3, N=2, H=4, K=1, decimals=1),
        _forward_case(42, T=4, N=3, H=2, K=5),
        _forward_case(43, T=5, N=1, H=4, K=3),
        _forward_case(44, T=1, N=3, H=5, K=2),
    )


def forward_lesson_case() -> Case:
    """The largest batch that a lesson reads out."""
    return _forward_case(45, T=12, N=1000, H=16, K=1)


def _backward_case(seed: int, T: int, N: int, H: int, K: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_readout(rng, H, K, decimals=decimals)
    h, dy = draw(rng, T, N, H, decimals=decimals), draw(rng, T, N, K, scale=scale, decimals=decimals)
    return Case(sizes(T=T, N=N, H=H, K=K), {"params": params, "h": h, "dy": dy})


def backward_cases() -> tuple[Case, ...]:
    """One output and several, a single sequence, a single step, gradients that are large."""
    return (
        _backward_case(46, T=3, N=2, H=4, K=1, decimals=1),
        _backward_case(47, T=4, N=3, H=2, K=5),
        _backward_case(48, T=5, N=1, H=4, K=3),
        _backward_case(49, T=1, N=3, H=5, K=2),
        _backward_case(58, T=6, N=2, H=3, K=4, scale=90.0),
    )


def backward_lesson_case() -> Case:
    """A batch of sunspot windows."""
    return _backward_case(50, T=48, N=41, H=16, K=1)


EXERCISES = (
    Exercise(
        name="readout.forward",
        lesson="01_unrolling_a_recurrent_network",
        minutes=4,
        solution=readout.forward,
        returns=("y",),
        stub='''def my_readout_forward(params, h):
    """y_t = h_t W_hy + b_y for every step. h is (T, N, H), y is (T, N, K)."""
    ...
''',
        hints=(
            "The same linear map at every step and for every sequence: one product, one bias, nothing else.",
            "h is (T, N, H), W_hy (H, K), b_y (K,). @ multiplies along the last axis of h "
            "and leaves the axes in front of it alone, so no loop over T is needed.",
            "h on the left of @, params.W_hy on the right; adding params.b_y stretches it over T and N.",
        ),
        make_cases=forward_cases,
        make_lesson_case=forward_lesson_case,
    ),
    Exercise(
        name="readout.backward",
        lesson="02_backpropagation_through_time",
        minutes=8,
        solution=readout.backward,
        returns=("grads", "dh"),
        stub='''def my_readout_backward(params, h, dy):
    """From dL/dy (T, N, K) to grads = Readout(W_hy, b_y) and dh (T, N, H)."""
    ...
''',
        hints=(
            "y is a product plus a bias. Each factor of the product gets dy times the other factor; "
            "and as W_hy and b_y serve every step and sequence, their parts add up.",
            "The gradient of W_hy is (H, K), that of b_y (K,), dh is (T, N, H). If you flatten the T and N axes into "
            "T·N rows, the sum over steps and batch is what a matrix product does anyway.",
            "With rows of shape (T·N, H) and (T·N, K), W_hy gets rows_h.T @ rows_dy, "
            "and b_y the sum of rows_dy over its first axis. dh is dy times W_hy, transposed.",
        ),
        make_cases=backward_cases,
        make_lesson_case=backward_lesson_case,
    ),
)
