"""A wrong cell is reduced to its smallest case, and the report shows it: the differential tests can fail.

Neither PyTorch nor JAX is needed: cells with one mistake each are compared with the right ones.
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

from bptt_lessons.cells import rnn, unrolled


class Wrong(NamedTuple):
    """A forward and a backward pass, one of them wrong."""

    forward: Any
    backward: Any


def without_dh_next(params: Any, caches: Any, dh: Any, dh_T: Any = None) -> Any:
    """The gradient from the step after is dropped."""
    dh = dh.copy()
    dh[-1] += 0 if dh_T is None else dh_T
    alone = [rnn.step_backward(params, cache, dh_t) for cache, dh_t in zip(caches, dh, strict=True)]
    grads, dx, dh_0 = zip(*alone, strict=True)
    return rnn.Params(*map(sum, zip(*grads, strict=True))), np.stack(dx), dh_0[0]


def without_transpose(params: Any, tape: Any, dh: Any, dh_T: Any = None) -> Any:
    """W_hh is used in place of its transpose."""
    grads, dx, dh_0 = rnn.backward(params._replace(W_hh=params.W_hh.T), tape, dh, dh_T)
    return grads, dx, dh_0


def with_digits_lost(params: Any, x: Any, h0: Any = None) -> Any:
    """A parameter passes through half the precision."""
    half = {np.dtype(np.float64): np.float32, np.dtype(np.float32): np.float16}[x.dtype]
    return rnn.forward(params._replace(W_xh=params.W_xh.astype(half).astype(x.dtype)), x, h0)


MISTAKES = {  # what is wrong, in which precision, and T, N, D, H of the smallest case
    "dh_next dropped": ("float64", Wrong(unrolled.looped(rnn).forward, without_dh_next), (2, 1, 1, 1)),
    "no transpose": ("float64", Wrong(rnn.forward, without_transpose), (1, 1, 1, 2)),
    "digits lost": ("float64", Wrong(with_digits_lost, rnn.backward), (SHORT + 1, 1, 1, 1)),
    "digits lost, float32": ("float32", Wrong(with_digits_lost, rnn.backward), (SHORT + 1, 1, 1, 1)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_made_small_and_shown(mistake):
    dtype, wrong, (T, N, D, H) = MISTAKES[mistake]
    text = disagreement("rnn_tanh", dtype, wrong)
    assert f"rnn_tanh here and by the right cell disagree ({dtype})\n{T = }, {N = }, {D = }, {H = }, without" in text
    drawn = f"draw_cell('rnn_tanh', {T=}, {N=}, {D=}, {H=}, {dtype=}, seed="
    assert f"drawn by: {drawn}" in text
    again = re.search(r"again: by_package\.answer\(questions\.(draw_cell\(.*\))\)\['(.*)'\]", text)
    question = eval(again[1], {"draw_cell": questions.draw_cell})
    assert question.drawn.startswith(drawn)
    assert again[2] in by_package.answer(question)


def disagreement(of: str, dtype: str, wrong: Wrong) -> str:
    """The report of a wrong cell in the smallest case that hypothesis can find."""

    @settings(
        max_examples=30,
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
        agreement.part_of_bounds(question, ours, exact, bounds, "the right cell")

    with pytest.raises(AssertionError) as raised:
        agree()
    return str(raised.value)


def test_a_net_that_stretches_errors_may_be_off_by_what_rounding_does():
    """Two right ways through a chaotic net are apart by more than 1e-10, and a wrong one by more than rounding does."""
    question = questions.draw_cell("rnn_tanh", 80, 1, 1, 64, "float64", 1, False, False)
    question.inputs["params.W_hh"] *= 5
    exact, ours = by_package.answer(question), by_package.answer(question, using=unrolled.looped(rnn))
    assert max(agreement.relative_error(ours[name], exact[name]) for name in exact) > 1e-10
    wrong = by_package.answer(question, using=Wrong(rnn.forward, without_transpose))
    bounds = agreement.bounds_for(question, ours, exact, by_package.answer)
    assert agreement.part_of_bounds(question, ours, exact, bounds, "the right cell") <= 1
    bounds = agreement.bounds_for(question, wrong, exact, by_package.answer)
    with pytest.raises(AssertionError, match="disagree"):
        agreement.part_of_bounds(question, wrong, exact, bounds, "the right cell")


def test_nan_and_infinity_agree_with_nothing():
    question = questions.draw_cell("gru", 2, 1, 2, 3, "float64", 0, False, False)
    right = by_package.answer(question)
    for bad in (np.nan, np.inf):
        for ours, theirs in ((right | {"dx": right["dx"] * bad}, right), (right, right | {"dx": right["dx"] * bad})):
            bounds = agreement.float64_bounds(ours, theirs)
            with pytest.raises(AssertionError, match="arrays that differ: dx\n"):
                agreement.part_of_bounds(question, ours, theirs, bounds, "the right cell")


def test_shapes_dtypes_and_names_must_be_the_same():
    question = questions.draw_cell("gru", 2, 1, 2, 3, "float64", 0, False, False)
    right = by_package.answer(question)
    bounds = agreement.float64_bounds(right, right)
    without = {name: array for name, array in right.items() if name != "dx"}
    for ours in (right | {"dx": right["dx"][0]}, right | {"dx": right["dx"].astype(np.float32)}, without):
        with pytest.raises(AssertionError, match=r"draw_cell\('gru', T=2, .* \(|, but of"):
            agreement.part_of_bounds(question, ours, right, bounds, "the right cell")
    assert agreement.part_of_bounds(question, right, right, bounds, "the right cell") == 0
