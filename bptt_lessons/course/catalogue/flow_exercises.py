"""Exercises on gradient flow: one step's Jacobian, norms against the lag, and the spectral radius (lesson 03)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.course.catalogue.draws import draw, draw_leaky, draw_rnn, sizes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import flow


def _step_jacobian_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    z = draw(rng, N, H, scale=scale)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "h": np.round(np.tanh(z), max(decimals, 2))})


def step_jacobian_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, states that saturate."""
    return (
        _step_jacobian_case(101, N=2, D=1, H=3, decimals=1),
        _step_jacobian_case(102, N=4, D=3, H=5),
        _step_jacobian_case(107, N=1, D=4, H=2),
        _step_jacobian_case(104, N=5, D=2, H=4, scale=9.0, decimals=6),
    )


def step_jacobian_lesson_case() -> Case:
    """A batch of states of the lesson's net."""
    return _step_jacobian_case(105, N=20, D=2, H=50)


def _gradient_norms_case(
    seed: int,
    T: int,
    N: int,
    D: int,
    H: int,
    weights: float = 0.9,
    scale: float = 0.9,
    gradient: float = 0.9,
    decimals: int = 2,
) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, scale=weights, decimals=decimals)
    x, h0 = draw(rng, T, N, D, scale=scale, decimals=decimals), draw(rng, N, H, decimals=decimals)
    _, _, caches = unrolled.forward(rnn, params, x, h0)
    dstate_T = draw(rng, N, H, scale=gradient, decimals=decimals)
    arguments = {"cell": rnn, "params": params, "caches": caches, "dstate_T": dstate_T}
    return Case(sizes(T=T, N=N, D=D, H=H), arguments)


def _leaky_gradient_norms_case(seed: int, T: int, N: int, D: int, H: int) -> Case:
    rng = np.random.default_rng(seed)
    params, state0 = draw_leaky(rng, D, H), leaky.State(draw(rng, N, H), draw(rng, N, H))
    _, _, caches = unrolled.forward(leaky, params, draw(rng, T, N, D), state0)
    dstate_T = leaky.State(draw(rng, N, H), draw(rng, N, H))
    arguments = {"cell": leaky, "params": params, "caches": caches, "dstate_T": dstate_T}
    return Case(f"{sizes(T=T, N=N, D=D, H=H)}, another cell", arguments)


def gradient_norms_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a large gradient that grows, states that saturate, a cell that is not
    the RNN."""
    return (
        _gradient_norms_case(117, T=4, N=2, D=1, H=3, decimals=1),
        _gradient_norms_case(112, T=5, N=3, D=2, H=4, weights=2.0, scale=0.3, gradient=40.0),
        _gradient_norms_case(119, T=4, N=1, D=3, H=2),
        _gradient_norms_case(114, T=6, N=2, D=5, H=3, scale=9.0),
        _leaky_gradient_norms_case(115, T=4, N=2, D=1, H=3),
    )


def gradient_norms_lesson_case() -> Case:
    """A hundred steps of a batch, with a net of the lesson's size."""
    return _gradient_norms_case(116, T=100, N=10, D=2, H=50, weights=0.25)


def spectral_radius_cases() -> tuple[Case, ...]:
    """A largest eigenvalue that is complex, one that is negative, one that is positive, and a sheared matrix."""
    rng = np.random.default_rng(121)
    negative = np.round(draw(rng, 4, 4) - 1.2 * np.diag([0.2, 1.0, 0.1, 0.3]), 2)
    return (
        Case("H = 3", {"W": np.array([[0.1, 0.9, -0.4], [-0.8, 0.2, 0.7], [0.3, -0.5, 0.6]])}),
        Case("H = 4, the largest is negative", {"W": negative}),
        Case("H = 5", {"W": draw(rng, 5, 5)}),
        Case("H = 2, sheared", {"W": np.array([[0.5, 3.0], [0.04, -0.7]])}),
        Case("H = 6, larger numbers", {"W": 2 * draw(rng, 6, 6)}),
    )


def spectral_radius_lesson_case() -> Case:
    """The lesson's recurrent matrix."""
    return Case("H = 50", {"W": draw(np.random.default_rng(122), 50, 50)})


EXERCISES = (
    Exercise(
        name="flow.step_jacobian",
        lesson="03_gradient_flow",
        minutes=8,
        solution=flow.step_jacobian,
        returns=("J",),
        stub='''def my_flow_step_jacobian(params, h):
    """J[n, i, j] = ∂h_t[n, j] / ∂h_{t-1}[n, i] for h_t = tanh z_t. h (N, H) is the state after the step.
    Return J (N, H, H)."""
    ...
''',
        hints=(
            "h_{t-1}[n, i] acts on z_t[n, j] with the strength W_hh[i, j], and z_t[n, j] on h_t[n, j] with the slope "
            "of tanh there. Multiply the two.",
            "W_hh is (H, H), with i first and j second; the slope is (N, H), one number for every n and j. "
            "The result is (N, H, H): W_hh gets an axis n in front, the slope an axis i in the middle.",
            "The slope is 1 - h**2. Indexed with [:, None, :] it is (N, 1, H), and times params.W_hh, "
            "entry by entry, that is J: the slope multiplies the columns.",
        ),
        make_cases=step_jacobian_cases,
        make_lesson_case=step_jacobian_lesson_case,
    ),
    Exercise(
        name="flow.gradient_norms",
        lesson="03_gradient_flow",
        minutes=10,
        solution=flow.gradient_norms,
        returns=("norms",),
        stub='''def my_flow_gradient_norms(cell, params, caches, dstate_T):
    """norms (T, N): row s is the 2-norm of each sequence's gradient of h after step s; the only loss is at the last.
    dstate_T, like the cell's state, is its gradient there. cell.step_backward goes back; hidden(dstate) is (N, H)."""
    ...
''',
        hints=(
            "The loop of unrolled.backward, with less in it: there is no loss on the way, and no gradient to add up. "
            "At each state you measure the gradient, and go on.",
            "hidden(dstate) is (N, H); its norm over the units is (N,), one length for each sequence. T of them, "
            "stacked along a new first axis, are (T, N), first step first. The last row is that of dstate_T.",
            "Start with dstate = dstate_T. For each cache from the last to the first: append np.linalg.norm of "
            "hidden(dstate) along axis 1 to a list, then call cell.step_backward(params, cache, dstate) and keep its "
            "third result as the new dstate. Turn the list round before you stack it.",
        ),
        make_cases=gradient_norms_cases,
        make_lesson_case=gradient_norms_lesson_case,
    ),
    Exercise(
        name="flow.spectral_radius",
        lesson="03_gradient_flow",
        minutes=4,
        solution=flow.spectral_radius,
        returns=("radius",),
        stub='''def my_flow_spectral_radius(W):
    """The largest absolute value among the eigenvalues of W (H, H), which may be complex. Return one real number."""
    ...
''',
        hints=(
            "Multiplying by W again and again, each eigenvector grows or shrinks by the size of its eigenvalue; "
            "in the long run the largest size wins.",
            "W is (H, H) and has H eigenvalues, (H,), complex in pairs. The size of a complex number is real: "
            "the root of real part squared plus imaginary part squared. One number is left.",
            "np.linalg.eigvals gives the eigenvalues, np.abs the size of each, np.max the largest, in this order.",
        ),
        make_cases=spectral_radius_cases,
        make_lesson_case=spectral_radius_lesson_case,
    ),
)
