"""Exercises on the GRU: one step, and one step back (lesson 07)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import gru
from bptt_lessons.course.catalogue.draws import draw, draw_gru, sizes
from bptt_lessons.course.exercises import Case, Exercise


def _step_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_gru(rng, D, H, decimals=decimals)
    x, h_prev = draw(rng, N, D, scale=scale, decimals=decimals), draw(rng, N, H, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "x": x, "h_prev": h_prev})


def step_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, inputs that saturate the gates; h_prev is never zero."""
    return (
        _step_case(7012, N=2, D=1, H=3, decimals=1),
        _step_case(7111, N=4, D=3, H=5),
        _step_case(7210, N=1, D=4, H=2),
        _step_case(7310, N=3, D=5, H=4, scale=9.0),
    )


def step_lesson_case() -> Case:
    """One step of a batch as large as the lessons train on."""
    return _step_case(705, N=100, D=2, H=64)


def _step_backward_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_gru(rng, D, H, decimals=decimals)
    _, cache = gru.step(params, draw(rng, N, D, decimals=decimals), draw(rng, N, H, decimals=decimals))
    dh = draw(rng, N, H, scale=scale, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "cache": cache, "dh": dh})


def step_backward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a gradient that is large."""
    return (
        _step_backward_case(7215, N=3, D=1, H=2, decimals=1),
        _step_backward_case(7310, N=4, D=3, H=5),
        _step_backward_case(7415, N=1, D=4, H=2),
        _step_backward_case(7510, N=3, D=5, H=4, scale=90.0),
    )


def step_backward_lesson_case() -> Case:
    """One step back of a batch as large as the lessons train on."""
    return _step_backward_case(725, N=100, D=2, H=64)


LESSON = "07_bptt_through_the_lstm"

EXERCISES = (
    Exercise(
        name="gru.step",
        lesson=LESSON,
        minutes=8,
        solution=gru.step,
        returns=("h", "cache"),
        packed=("r", "u", "g"),
        stub='''def my_gru_step(params, x, h_prev):
    """r, u = σ of the first two blocks of x W_xh + b_h + h_{t-1} W_hh. With their third blocks g = tanh(x's + r ⊙ s),
    where s = h_{t-1} W_hg + b_hg. h_t = (1 - u) ⊙ g + u ⊙ h_{t-1}. Return h and Cache(x, h_prev, r, u, g, s)."""
    ...
''',
        hints=(
            "Two gates and a candidate. The reset gate multiplies what the candidate sees of the old state, after the "
            "product with the weights; the update gate says which share of the old state stays.",
            "x W_xh + b_h and h_{t-1} W_hh are (N, 3H) each. Split both into three arrays (N, H) before adding, in the "
            "order r, u, g: the third blocks must stay apart, since r multiplies only one of them. b_hg is (H,).",
            "np.split(..., 3, axis=1), twice. r and u are the sigmoid of the sums of the first two blocks; s is the "
            "third block of h's part plus params.b_hg; g is np.tanh of the third block of x's part plus r times s. "
            "Then mix g and h_prev, with the shares 1 - u and u.",
        ),
        make_cases=step_cases,
        make_lesson_case=step_lesson_case,
    ),
    Exercise(
        name="gru.step_backward",
        lesson=LESSON,
        minutes=15,
        solution=gru.step_backward,
        returns=("grads", "dx", "dh_prev"),
        packed=("r", "u", "g"),
        stub='''def my_gru_step_backward(params, cache, dh):
    """From the total dL/dh_t to grads, dx and dh_prev. cache has the fields x, h_prev, r, u, g and s. grads is
    params._replace(W_xh=..., W_hh=..., b_h=..., b_hg=...), or the four arrays in this order."""
    ...
''',
        hints=(
            "h_t is a sum of two products: each factor gets dh times the other one, and u stands in both. Go back "
            "through the candidate before the reset gate. Four paths lead from h_t to h_{t-1}: through r, u and s, and "
            "straight.",
            "dz_r, dz_u, dz_g and ds are (N, H). Side by side they make two arrays (N, 3H): r, u, g for what met x, "
            "which are W_xh, b_h and dx, and r, u, s for what met h_{t-1}, which are W_hh and dh_prev. b_hg (H,) "
            "belongs to s.",
            "dz_g is dh times 1 - u times 1 - g**2; dz_u is dh times h_prev - g times u's slope; dz_r is dz_g times s "
            "times r's slope; ds is dz_g times r. After np.concatenate the products are those of the plain cell; "
            "dh_prev gets dh times u added.",
        ),
        make_cases=step_backward_cases,
        make_lesson_case=step_backward_lesson_case,
    ),
)
