"""A wrong cell is brought down to its smallest case, and what is printed shows it.

The differential tests would be worth little if they could not fail, and less if nobody could read how.  So cells
with one mistake each are compared with the right ones here, and neither PyTorch nor JAX is needed.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import agreement
import by_package
import numpy as np
import pytest
import questions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from questions import SHORT
from test_differential import seeds, size, steps

from bptt_lessons.cells import gru, lstm, rnn, unrolled


class Wrong(NamedTuple):
    """A forward and a backward pass, one of them wrong."""

    forward: Any
    backward: Any


def without_dh_next(params: Any, caches: Any, dh: Any, dh_T: Any = None) -> Any:
    """What comes back from the step after is dropped."""
    dh = dh.copy()
    dh[-1] += 0 if dh_T is None else dh_T
    alone = [rnn.step_backward(params, cache, dh_t) for cache, dh_t in zip(caches, dh, strict=True)]
    grads, dx, dh_0 = zip(*alone, strict=True)
    return rnn.Params(*map(sum, zip(*grads, strict=True))), np.stack(dx), dh_0[0]


def without_dh_T(params: Any, tape: Any, dh: Any, dh_T: Any = None) -> Any:
    """What comes from beyond the last step is dropped."""
    return rnn.backward(params, tape, dh)


def with_c_for_c_prev(params: Any, tape: Any, dh: Any, dstate_T: Any = None) -> Any:
    """The forget gate's gradient is made with the content it led to."""

    class Steps:
        zero_state, step = lstm.zero_state, lstm.step

        @staticmethod
        def step_backward(params: Any, cache: Any, dstate: Any) -> Any:
            _, dx, dstate_prev = lstm.step_backward(params, cache, dstate)
            c = cache.f * cache.c_prev + cache.i * cache.g
            wrong, _, _ = lstm.step_backward(params, cache._replace(c_prev=c), dstate)
            return wrong, dx, dstate_prev

    return unrolled.backward(Steps, params, tape, dh, dstate_T)


def with_mean_over_sequences(params: Any, tape: Any, dh: Any, dh_T: Any = None) -> Any:
    """b_h gets the mean over the sequences for their sum."""
    grads, dx, dh_0 = rnn.backward(params, tape, dh, dh_T)
    return grads._replace(b_h=grads.b_h / dh.shape[1]), dx, dh_0


def without_transpose(params: Any, tape: Any, dh: Any, dh_T: Any = None) -> Any:
    """W_hh stands where its transpose should."""
    grads, dx, dh_0 = rnn.backward(params._replace(W_hh=params.W_hh.T), tape, dh, dh_T)
    return grads, dx, dh_0


def with_gates_swapped(params: Any, x: Any, h0: Any = None) -> Any:
    """Reset and update gate change places."""

    def swap(p: Any) -> Any:
        r, u, g = np.split(p, 3, axis=-1)
        return np.concatenate([u, r, g], axis=-1)

    return gru.forward(gru.Params(*map(swap, params[:3]), params.b_hg), x, h0)


def forgetting_after_100_steps(params: Any, x: Any, h0: Any = None) -> Any:
    """The state is lost after 100 steps."""
    h, h_T, tape = rnn.forward(params, x[:100], h0)
    if len(x) <= 100:
        return h, h_T, tape
    later, h_T, more = rnn.forward(params, x[100:])
    return np.concatenate([h, later]), h_T, rnn.Tape(*map(np.concatenate, zip(tape, more, strict=True)))


def with_digits_lost(params: Any, x: Any, h0: Any = None) -> Any:
    """A parameter passes through half the precision."""
    half = {np.dtype(np.float64): np.float32, np.dtype(np.float32): np.float16}[x.dtype]
    return rnn.forward(params._replace(W_xh=params.W_xh.astype(half).astype(x.dtype)), x, h0)


LOOPED_RNN, LOOPED_LSTM = unrolled.looped(rnn), unrolled.looped(lstm)
MISTAKES = {  # what is wrong, in which cell and precision, and T, N, D, H, state0, dstate_T of the smallest case
    "dh_next dropped": ("rnn_tanh", "float64", Wrong(LOOPED_RNN.forward, without_dh_next), (2, 1, 1, 1, False, False)),
    "dh_T dropped": ("rnn_tanh", "float32", Wrong(rnn.forward, without_dh_T), (1, 1, 1, 1, False, True)),
    "c for c_prev": ("lstm", "float64", Wrong(LOOPED_LSTM.forward, with_c_for_c_prev), (1, 1, 1, 1, False, False)),
    "mean for sum": ("rnn_tanh", "float32", Wrong(rnn.forward, with_mean_over_sequences), (1, 2, 1, 1, False, False)),
    "no transpose": ("rnn_tanh", "float64", Wrong(rnn.forward, without_transpose), (1, 1, 1, 2, False, False)),
    "gates swapped": ("gru", "float64", Wrong(with_gates_swapped, gru.backward), (1, 1, 1, 1, False, False)),
    "lost at 100": (
        "rnn_tanh",
        "float64",
        Wrong(forgetting_after_100_steps, rnn.backward),
        (101, 1, 1, 1, False, False),
    ),
    "digits lost": ("rnn_tanh", "float64", Wrong(with_digits_lost, rnn.backward), (SHORT + 1, 1, 1, 1, False, False)),
    "digits lost, float32": (
        "rnn_tanh",
        "float32",
        Wrong(with_digits_lost, rnn.backward),
        (SHORT + 1, 1, 1, 1, False, False),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_made_small_and_shown(mistake):
    of, dtype, wrong, (T, N, D, H, state0, dstate_T) = MISTAKES[mistake]
    text = disagreement(of, dtype, wrong)
    print(text)
    states = f"{'with' if state0 else 'without'} state0, {'with' if dstate_T else 'without'} dstate_T"
    assert f"{of} here and by the right cell disagree ({dtype})\n{T = }, {N = }, {D = }, {H = }, {states}\n" in text
    assert f"drawn by: draw_cell({of!r}, {T=}, {N=}, {D=}, {H=}, {dtype=}, seed=" in text
    # The lines at the end run by themselves.  Only this test's cell is wrong, so they give what is right.
    ours, theirs = (np.array(eval(re.search(f"\n  {who}: (.*)", text)[1])) for who in ("here", "the right cell"))
    again, lines = [], text.partition("what is here, again:\n")[2]
    exec(lines, {"print": again.append})
    assert agreement.relative_error(again[0], theirs) <= 0.1 * agreement.relative_error(ours, theirs)
    assert ("params = " in lines) == (T < 100)  # with all numbers in it


def disagreement(of: str, dtype: str, wrong: Wrong) -> str:
    """What is said of a wrong cell in the smallest case that hypothesis can find."""

    @settings(
        max_examples=40,
        phases=[Phase.generate, Phase.shrink],
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps, size, size, size, seeds, st.booleans(), st.booleans())
    def agree(T, N, D, H, seed, state0, dstate_T):
        question = questions.draw_cell(of, T, N, D, H, dtype, seed, state0, dstate_T)
        ours = by_package.answer(question, using=wrong)
        exact = by_package.answer(questions.cast(question, np.float64))
        bounds = agreement.bounds_for(question, ours, exact, by_package.answer)
        agreement.part_of_bounds(question, ours, exact, bounds, "the right cell", by_package.in_python)

    with pytest.raises(AssertionError) as raised:
        agree()
    return str(raised.value)


def test_of_a_net_that_stretches_errors_no_more_is_asked_than_anyone_could_give():
    """Two right ways through a chaotic net are apart by more than 1e-10, and a wrong one by more than rounding does."""
    question = questions.draw_cell("rnn_tanh", 80, 1, 1, 64, "float64", 1, False, False)
    question.inputs["params.W_hh"] *= 5
    exact, ours = by_package.answer(question), by_package.answer(question, using=by_package.in_steps(question))
    assert max(agreement.relative_error(ours[name], exact[name]) for name in exact) > 1e-10
    wrong = by_package.answer(question, using=Wrong(rnn.forward, without_transpose))
    arguments = "the right cell", by_package.in_python
    bounds = agreement.bounds_for(question, ours, exact, by_package.answer)
    assert agreement.part_of_bounds(question, ours, exact, bounds, *arguments) <= 1
    bounds = agreement.bounds_for(question, wrong, exact, by_package.answer)
    with pytest.raises(AssertionError, match="disagree"):
        agreement.part_of_bounds(question, wrong, exact, bounds, *arguments)


def test_numbers_that_are_no_numbers_agree_with_nothing():
    question = questions.draw_cell("gru", 2, 1, 2, 3, "float64", 0, False, False)
    right = by_package.answer(question)
    for bad in (np.nan, np.inf):
        for ours, theirs in ((right | {"dx": right["dx"] * bad}, right), (right, right | {"dx": right["dx"] * bad})):
            bounds = agreement.float64_bounds(ours, theirs)
            with pytest.raises(AssertionError, match="arrays that differ: dx\n"):
                agreement.part_of_bounds(question, ours, theirs, bounds, "the right cell", by_package.in_python)


def test_shapes_dtypes_and_names_must_be_the_same():
    question = questions.draw_cell("gru", 2, 1, 2, 3, "float64", 0, False, False)
    right = by_package.answer(question)
    bounds = agreement.float64_bounds(right, right)
    without = {name: array for name, array in right.items() if name != "dx"}
    for ours in (right | {"dx": right["dx"][0]}, right | {"dx": right["dx"].astype(np.float32)}, without):
        with pytest.raises(AssertionError, match=r"draw_cell\('gru', T=2, .* \(|, but of"):
            agreement.part_of_bounds(question, ours, right, bounds, "the right cell", by_package.in_python)
    assert agreement.part_of_bounds(question, right, right, bounds, "the right cell", by_package.in_python) == 0


def test_zeros_agree_with_zeros_only():
    zeros, tiny = np.zeros(3), np.array([0, 1e-300, 0])
    assert agreement.relative_error(zeros, zeros) == 0
    assert agreement.relative_error(zeros, tiny) == 1
    assert np.isnan(agreement.relative_error(zeros, np.array([0, np.nan, 0])))
