"""Exercises on the LSTM: one step, its start and its memory (lesson 06), and one step back (lesson 07)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import lstm
from bptt_lessons.course.catalogue.draws import Seeded, draw, draw_lstm, draw_state, sizes
from bptt_lessons.course.exercises import Case, Exercise


def _step_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_lstm(rng, D, H, decimals=decimals)
    x, state = draw(rng, N, D, scale=scale, decimals=decimals), draw_state(rng, N, H, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "x": x, "state": state})


def step_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, inputs that saturate the gates; h and c are never zero."""
    return (
        _step_case(6011, N=2, D=1, H=3, decimals=1),
        _step_case(6110, N=4, D=3, H=5),
        _step_case(6211, N=1, D=4, H=2),
        _step_case(6311, N=3, D=5, H=4, scale=9.0),
    )


def step_lesson_case() -> Case:
    """One step of a batch as large as the lessons train on."""
    return _step_case(605, N=100, D=2, H=64)


def _init_case(seed: int, D: int, H: int, forget_bias: float) -> Case:
    label = f"{sizes(D=D, H=H)}, forget_bias = {forget_bias:g}"
    return Case(label, {"rng": Seeded(seed), "D": D, "H": H, "forget_bias": forget_bias})


def init_cases() -> tuple[Case, ...]:
    """Fewer inputs than units and more, forget biases of either sign; none is 1, which would hide a 1 written out."""
    return (
        _init_case(611, D=2, H=3, forget_bias=1.5),
        _init_case(612, D=5, H=4, forget_bias=-0.5),
        _init_case(613, D=3, H=6, forget_bias=2.0),
    )


def init_lesson_case() -> Case:
    """The net of the lessons on long-range tasks."""
    return _init_case(614, D=2, H=64, forget_bias=1.0)


def memory_half_life_cases() -> tuple[Case, ...]:
    """One number, arrays of one axis and two, and gates so far shut that σ(b) is 0 in floating point, or so far open
    that it is 1.

    The last are a case of their own, for beside 10¹⁷ steps an error in a short half-life would not show. Its first is
    finite also where 1 + e^-b is 1, and there are several, for a loop that counts steps would never end for one.
    """
    return (
        Case("one bias", {"b": 1.0}),
        Case("an array of biases", {"b": np.array([-2.0, 0.0, 0.5, 3.0, 6.0])}),
        Case("two axes", {"b": np.array([[-20.0, -7.5, 1.0], [2.5, 12.0, 20.0]])}),
        Case("gates far shut", {"b": np.array([-800.0, -60.0, -3.0])}),
        Case("gates far open", {"b": np.array([12.0, 38.0, 40.0])}),
    )


def memory_half_life_lesson_case() -> Case:
    """A curve over biases, as the lesson draws it."""
    return Case("a curve", {"b": np.linspace(-5.0, 10.0, 1001)})


def _step_backward_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_lstm(rng, D, H, decimals=decimals)
    _, cache = lstm.step(params, draw(rng, N, D, decimals=decimals), draw_state(rng, N, H, decimals=decimals))
    dstate = draw_state(rng, N, H, scale=scale, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "cache": cache, "dstate": dstate})


def step_backward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a gradient that is large; dh and dc are never zero."""
    return (
        _step_backward_case(6335, N=3, D=1, H=2, decimals=1),
        _step_backward_case(6310, N=4, D=3, H=5),
        _step_backward_case(6419, N=1, D=4, H=2),
        _step_backward_case(6510, N=3, D=5, H=4, scale=90.0),
    )


def step_backward_lesson_case() -> Case:
    """One step back of a batch as large as the lessons train on."""
    return _step_backward_case(625, N=100, D=2, H=64)


LESSON = "06_the_lstm"

EXERCISES = (
    Exercise(
        name="lstm.step",
        lesson=LESSON,
        minutes=12,
        solution=lstm.step,
        returns=("state", "cache"),
        packed=("i", "f", "g", "o"),
        stub='''def my_lstm_step(params, x, state):
    """i, f, g, o = σ, σ, tanh, σ of the four blocks of x W_xh + h_{t-1} W_hh + b_h; c_t = f ⊙ c_{t-1} + i ⊙ g,
    h_t = o ⊙ tanh c_t. Return State(h, c) and Cache(x, h_prev, c_prev, i, f, g, o, tanh_c)."""
    ...
''',
        hints=(
            "One sum of products gives the pre-activations of all four at once. Three become gates, numbers between "
            "0 and 1; one becomes the candidate. The content c is kept in part and added to; h shows a part of it.",
            "x is (N, D), W_xh (D, 4H), h_prev (N, H), W_hh (H, 4H), b_h (4H,): z is (N, 4H). np.split(z, 4, axis=1) "
            "cuts it into four arrays (N, H), in the order i, f, g, o. From there on every product is the star. "
            "state has the fields h and c.",
            "Take h_prev and c_prev from the state, make z, split it, and send the third block through np.tanh and the "
            "others through sigmoid. The new content is f times the old one plus i times g; give np.tanh of it a name, "
            "since h is o times that and the cache keeps it.",
        ),
        make_cases=step_cases,
        make_lesson_case=step_lesson_case,
    ),
    Exercise(
        name="lstm.init",
        lesson=LESSON,
        minutes=5,
        solution=lstm.init,
        returns=("params",),
        packed=("i", "f", "g", "o"),
        stub='''def my_lstm_init(rng, D, H, forget_bias=1.0):
    """Draw W_xh (D, 4H) and then W_hh (H, 4H) with rng.uniform, between -1/√H and 1/√H. b_h (4H,) is zero, but for the
    forget gate's block, which is forget_bias. Return Params(W_xh, W_hh, b_h)."""
    ...
''',
        hints=(
            "Three arrays: two are drawn, one is written down. Only the gate that says what stays starts open; "
            "which of the four blocks is it?",
            "W_xh is (D, 4H), W_hh (H, 4H), b_h (4H,), and the blocks are i, f, g, o with H columns each, so that f "
            "has those from H to 2H. rng.uniform takes a lower bound, an upper bound and a shape, which is a pair.",
            "The bound is 1 / np.sqrt(H). Draw with rng.uniform(-bound, bound, (rows, 4 * H)), twice, W_xh first. "
            "Start b_h from np.zeros and set the slice b_h[H : 2 * H].",
        ),
        make_cases=init_cases,
        make_lesson_case=init_lesson_case,
    ),
    Exercise(
        name="lstm.memory_half_life",
        lesson=LESSON,
        minutes=5,
        solution=lstm.memory_half_life,
        returns=("steps",),
        stub='''def my_lstm_memory_half_life(b):
    """Solve fⁿ = ½ for n, where f = σ(b) at every step. b is a number or an array of any shape. For b = -800 σ(b) is 0
    in floating point, so do not take its logarithm: -ln σ(b) = ln(1 + e^-b), which is np.logaddexp's to compute."""
    ...
''',
        hints=(
            "Each step multiplies the content by f. The number of steps stands in an exponent: "
            "logarithms bring it down.",
            "n ln f = ln ½, so n = ln 2 / -ln f, for every entry of b by itself: the result has the shape of b. "
            "-ln σ(b) is ln(1 + e^-b), and 1 is e⁰.",
            "np.logaddexp(p, q) is ln(e^p + e^q) without ever making e^p: with p = 0 and q = -b it is what np.log(2) "
            "is divided by.",
        ),
        make_cases=memory_half_life_cases,
        make_lesson_case=memory_half_life_lesson_case,
    ),
    Exercise(
        name="lstm.step_backward",
        lesson="07_bptt_through_the_lstm",
        minutes=20,
        solution=lstm.step_backward,
        returns=("grads", "dx", "dstate_prev"),
        packed=("i", "f", "g", "o"),
        stub='''def my_lstm_step_backward(params, cache, dstate):
    """dstate is State(h, c): the total dL/dh_t, and what reaches c_t from step t + 1, not through h_t. cache has the
    fields x, h_prev, c_prev, i, f, g, o, tanh_c. Return grads (Params), dx and State(dh_prev, dc_prev)."""
    ...
''',
        hints=(
            "Two paths lead into c_t: from c_{t+1}, and from h_t = o ⊙ tanh c_t. Add them first. Then every product "
            "hands each factor the gradient times the other factor, and every gate its own slope. o is no "
            "part of c_t: its gradient is made from dh alone.",
            "dc, and dz of each gate, are (N, H); side by side, in the order i, f, g, o, they make dz (N, 4H), and "
            "from there on all is as in the plain cell: W_xh (D, 4H), W_hh (H, 4H), b_h (4H,), dx (N, D), "
            "dh_prev (N, H). dc_prev (N, H) is one product more.",
            "What comes through h_t is dh times o times 1 - tanh_c**2. Then dz_i is dc times g, dz_f is dc times "
            "c_prev, each times a slope like i * (1 - i); dz_g is dc times i times 1 - g**2; dz_o is dh times "
            "tanh_c times its slope. c_{t-1} gets dc times f.",
        ),
        make_cases=step_backward_cases,
        make_lesson_case=step_backward_lesson_case,
    ),
)
