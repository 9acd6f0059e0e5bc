"""The one-line variants: each equals the cell that it varies where the changed line makes no difference.

Their values are compared with JAX's in ``oracles/test_golden.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
from any_cell import Inputs, draw, whole
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole
from bptt_lessons.gradients import gradcheck

seeds = st.integers(0, 2**32 - 1)
size = st.integers(1, 4)
shapes = st.tuples(size, size, size, size)


def passes(cell, problem):
    """The hidden states, the last state and the gradients."""
    h, state_T, tape = whole(cell).forward(*problem[:3])
    return h, state_T, Inputs(*whole(cell).backward(problem.params, tape, problem.dh, problem.dstate_T))


def assert_same(ours, right, tolerance=1e-13):
    """Two structures agree."""
    name, error = gradcheck.worst_error(ours, right)
    assert error <= tolerance, (name, error)


@given(shapes, seeds)
def test_peepholes_of_zero_are_none(shape, seed):
    problem = draw(lstm, seed, *shape)
    H = shape[3]
    seeing = lstm_peephole.Params(*problem.params, *np.zeros((3, H)))
    h, state_T, ours = passes(lstm_peephole, problem._replace(params=seeing))
    right_h, right_state_T, right = passes(lstm, problem)
    assert gradcheck.relative_error(h, right_h) <= 1e-13
    assert_same(state_T, right_state_T)
    assert_same(Inputs(lstm.Params(*ours.params[:3]), ours.x, ours.state0), right)


def test_peepholes_start_at_zero_and_the_rest_like_the_lstms():
    for dtype in (np.float32, np.float64):
        params = lstm_peephole.init(np.random.default_rng(0), 3, 4, 2.0, dtype)
        plain = lstm.init(np.random.default_rng(0), 3, 4, 2.0, dtype)
        assert_same(lstm.Params(*params[:3]), plain, 0)
        assert [(w.shape, w.dtype, w.any()) for w in params[3:]] == [((4,), dtype, False)] * 3


def as_lstm(params: lstm_coupled.Params) -> lstm.Params:
    """The LSTM whose input gate is 1 - f because its pre-activation is the negative one: σ(-z) = 1 - σ(z)."""

    def packed(array):
        f, g, o = np.split(array, 3, axis=-1)
        return np.concatenate([-f, f, g, o], axis=-1)

    return lstm.Params(*map(packed, params))


def as_coupled(grads: lstm.Params) -> lstm_coupled.Params:
    """The coupled cell's gradient from that LSTM's: f's columns are used twice, once with a minus."""

    def packed(array):
        i, f, g, o = np.split(array, 4, axis=-1)
        return np.concatenate([f - i, g, o], axis=-1)

    return lstm_coupled.Params(*map(packed, grads))


@given(shapes, seeds)
def test_coupled_gates_are_an_lstm_whose_input_gate_is_one_minus_the_forget_gate(shape, seed):
    problem = draw(lstm_coupled, seed, *shape)
    h, state_T, ours = passes(lstm_coupled, problem)
    right_h, right_state_T, right = passes(lstm, problem._replace(params=as_lstm(problem.params)))
    assert gradcheck.relative_error(h, right_h) <= 1e-13
    assert_same(state_T, right_state_T)
    assert gradcheck.relative_error(ours.x, right.x) <= 1e-13
    assert_same(ours.state0, right.state0)
    scale = max(np.abs(array).max() for array in right.params)  # f - i may all but cancel
    for array, expected in zip(ours.params, as_coupled(right.params), strict=True):
        assert np.max(np.abs(array - expected)) <= 1e-13 * scale


def test_a_coupled_cell_has_a_quarter_fewer_parameters_and_its_forget_bias_first():
    coupled, plain = (cell.init(np.random.default_rng(0), 5, 4, 2.5) for cell in (lstm_coupled, lstm))
    assert 4 * sum(p.size for p in coupled) == 3 * sum(p.size for p in plain)
    assert np.array_equal(coupled.b_h, [2.5] * 4 + [0.0] * 8)


def test_a_coupled_content_stays_a_mean_of_candidates():
    """With i + f = 1 a content that starts within (-1, 1) never leaves it; the LSTM's counts up beyond."""
    params, x, state0, _, _ = draw(lstm_coupled, 3, 200, 3, 2, 4)
    contents = [cache.c_prev for cache in whole(lstm_coupled).forward(params, x, state0)[2]]
    assert np.abs(contents).max() < 1
    open_gates = lstm.Params(np.zeros((2, 16)), np.zeros((4, 16)), np.full(16, 1e3))
    assert lstm.forward(open_gates, x)[1].c == pytest.approx(200)


@given(shapes, seeds)
def test_with_the_reset_gate_open_its_place_does_not_matter(shape, seed):
    problem = draw(gru, seed, *shape)
    H = shape[3]
    b_h = problem.params.b_h.copy()
    b_h[:H] = 1e3
    problem = problem._replace(params=problem.params._replace(b_h=b_h))
    h, h_T, ours = passes(gru_reset_first, problem)
    right_h, right_h_T, right = passes(gru, problem)
    assert gradcheck.relative_error(h, right_h) <= 1e-13
    assert gradcheck.relative_error(h_T, right_h_T) <= 1e-13
    assert_same(ours, right)
