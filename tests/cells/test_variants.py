"""The one-line variants: each equals the cell that it varies where the line makes no difference, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from any_cell import Inputs, draw, whole
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole
from bptt_lessons.cells.activations import sigmoid
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


def test_peepholes_start_at_zero_and_the_rest_as_the_lstms_does():
    for dtype in (np.float32, np.float64):
        params = lstm_peephole.init(np.random.default_rng(0), 3, 4, 2.0, dtype)
        plain = lstm.init(np.random.default_rng(0), 3, 4, 2.0, dtype)
        assert_same(lstm.Params(*params[:3]), plain, 0)
        assert [(w.shape, w.dtype, w.any()) for w in params[3:]] == [((4,), dtype, False)] * 3


def test_a_peephole_shows_its_own_unit_to_its_own_gate():
    """i and f see the content before the step, o the content after it; g sees none."""
    params, x, state, _, _ = draw(lstm_peephole, 1, 1, 3, 2, 4)
    (_, c), cache = lstm_peephole.step(params, x[0], state)
    z = x[0] @ params.W_xh + state.h @ params.W_hh + params.b_h
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)
    assert gradcheck.relative_error(cache.i, sigmoid(z_i + params.w_ci * state.c)) <= 1e-15
    assert gradcheck.relative_error(cache.f, sigmoid(z_f + params.w_cf * state.c)) <= 1e-15
    assert gradcheck.relative_error(cache.g, np.tanh(z_g)) <= 1e-15
    assert gradcheck.relative_error(cache.o, sigmoid(z_o + params.w_co * c)) <= 1e-15
    assert np.array_equal(cache.c, c)


@pytest.mark.parametrize("which", ["w_ci", "w_cf", "w_co"])
def test_each_peephole_has_an_effect_and_a_gradient(which):
    problem = draw(lstm, 2, 5, 3, 2, 4)
    none = lstm_peephole.Params(*problem.params, *np.zeros((3, 4)))
    one = none._replace(**{which: np.full(4, 0.5)})
    h, _, ours = passes(lstm_peephole, problem._replace(params=none))
    assert gradcheck.relative_error(h, passes(lstm_peephole, problem._replace(params=one))[0]) > 1e-3
    assert np.all(getattr(ours.params, which) != 0)  # zero peepholes can be learnt away from zero


def as_lstm(params: lstm_coupled.Params) -> lstm.Params:
    """The LSTM whose input gate is 1 - f because its pre-activation is the negative one: σ(-z) = 1 - σ(z)."""

    def packed(array):
        f, g, o = np.split(array, 3, axis=-1)
        return np.concatenate([-f, f, g, o], axis=-1)

    return lstm.Params(*map(packed, params))


def as_coupled(grads: lstm.Params) -> lstm_coupled.Params:
    """What the coupled cell's gradient is by that LSTM's: f's columns are used twice, once with a minus."""

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
def test_with_the_reset_gate_open_it_does_not_matter_where_it_stands(shape, seed):
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


def test_otherwise_it_does():
    problem = draw(gru, 4, 5, 3, 2, 4)
    h, _, ours = passes(gru_reset_first, problem)
    right_h, _, right = passes(gru, problem)
    assert gradcheck.relative_error(h, right_h) > 1e-3
    assert gradcheck.relative_error(ours.params.W_hh, right.params.W_hh) > 1e-2


def test_the_first_unit_alone_resets_after_or_before_alike_but_for_the_bias():
    """H = 1 and b_hg = 0: r (h w) = (r h) w.  With b_hg, only the later gate multiplies it."""
    problem = draw(gru, 5, 4, 3, 2, 1)
    plain = problem._replace(params=problem.params._replace(b_hg=np.zeros(1)))
    assert gradcheck.relative_error(passes(gru_reset_first, plain)[0], passes(gru, plain)[0]) <= 1e-14
    assert gradcheck.relative_error(passes(gru_reset_first, problem)[0], passes(gru, problem)[0]) > 1e-3


def test_the_reset_first_is_the_equation_of_cho_and_others():
    params, x, h0, _, _ = draw(gru, 6, 1, 3, 2, 4)
    h, cache = gru_reset_first.step(params, x[0], h0)
    r = sigmoid(x[0] @ params.W_xh[:, :4] + h0 @ params.W_hh[:, :4] + params.b_h[:4])
    u = sigmoid(x[0] @ params.W_xh[:, 4:8] + h0 @ params.W_hh[:, 4:8] + params.b_h[4:8])
    g = np.tanh(x[0] @ params.W_xh[:, 8:] + (r * h0) @ params.W_hh[:, 8:] + params.b_h[8:] + params.b_hg)
    assert gradcheck.relative_error(cache.g, g) <= 1e-14
    assert gradcheck.relative_error(h, (1 - u) * g + u * h0) <= 1e-14
