"""The LSTM's own: its equations, what its forget gate keeps, and how long a bias keeps it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from any_cell import draw
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import lstm
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.gradients import gradcheck

seeds = st.integers(0, 2**32 - 1)


def logistic(z: float) -> float:
    """σ by its formula."""
    return float(1 / (1 + np.exp(-z)))


def with_gates(params: lstm.Params, **bias: float) -> lstm.Params:
    """The parameters with the biases of these gates set, such as f=1000."""
    H = len(params.W_hh)
    b_h = params.b_h.copy()
    for gate, value in bias.items():
        block = "ifgo".index(gate)
        b_h[block * H : (block + 1) * H] = value
    return params._replace(b_h=b_h)


def test_one_step_is_the_equations_by_hand():
    """One unit, one input: every number of the two equations written out."""
    params = lstm.Params(
        np.array([[0.5, -1.0, 2.0, 0.25]]), np.array([[0.1, 0.2, -0.3, 0.4]]), np.array([1.0, 2, 3, 4])
    )
    x, h_prev, c_prev = 0.75, -0.5, 1.5
    i = logistic(0.5 * x + 0.1 * h_prev + 1)
    f = logistic(-1.0 * x + 0.2 * h_prev + 2)
    g = np.tanh(2.0 * x - 0.3 * h_prev + 3)
    o = logistic(0.25 * x + 0.4 * h_prev + 4)
    c = f * c_prev + i * g
    state = lstm.State(np.array([[h_prev]]), np.array([[c_prev]]))
    (h_t, c_t), cache = lstm.step(params, np.array([[x]]), state)
    right = lstm.Cache(*(np.array([[value]]) for value in (x, h_prev, c_prev, i, f, g, o, np.tanh(c))))
    assert c_t[0, 0] == pytest.approx(c, rel=1e-15)
    assert h_t[0, 0] == pytest.approx(o * np.tanh(c), rel=1e-15)
    assert gradcheck.worst_error(cache, right)[1] <= 1e-15


def test_one_step_back_is_the_equations_by_hand():
    i, f, g, o, tanh_c, c_prev, dh, dc = 0.3, 0.6, -0.5, 0.8, 0.4, 1.5, 0.7, -0.2
    params = lstm.Params(np.ones((1, 4)), np.array([[1.0, 2.0, 3.0, 4.0]]), np.zeros(4))
    cache = lstm.Cache(*(np.array([[value]]) for value in (2.0, 0.9, c_prev, i, f, g, o, tanh_c)))
    grads, dx, before = lstm.step_backward(params, cache, lstm.State(np.array([[dh]]), np.array([[dc]])))
    whole_dc = dc + dh * o * (1 - tanh_c**2)
    dz = np.array(
        [
            whole_dc * g * i * (1 - i),
            whole_dc * c_prev * f * (1 - f),
            whole_dc * i * (1 - g**2),
            dh * tanh_c * o * (1 - o),
        ]
    )
    assert grads.b_h == pytest.approx(dz, rel=1e-15)
    assert grads.W_xh[0] == pytest.approx(2 * dz, rel=1e-15)
    assert grads.W_hh[0] == pytest.approx(0.9 * dz, rel=1e-15)
    assert dx[0, 0] == pytest.approx(dz.sum(), rel=1e-15)
    assert before.h[0, 0] == pytest.approx(dz @ [1, 2, 3, 4], rel=1e-15)
    assert before.c[0, 0] == pytest.approx(whole_dc * f, rel=1e-15)


def test_with_f_open_and_i_shut_the_content_and_its_gradient_stay_exactly_for_a_thousand_steps():
    params, x, state0, _, dstate_T = draw(lstm, 1, 1000, 2, 3, 4)
    params = with_gates(params, f=1e3, i=-1e3)
    _, state_T, tape = lstm.forward(params, x, state0)
    assert np.array_equal(state_T.c, state0.c)
    assert len(np.unique(tape.h_prev)) > 1000  # h keeps changing
    _, _, dstate_0 = lstm.backward(params, tape, np.zeros((1000, 2, 4)), dstate_T._replace(h=np.zeros((2, 4))))
    assert np.array_equal(dstate_0.c, dstate_T.c)


@given(seeds)
def test_along_the_carousel_one_step_back_multiplies_by_f_and_by_nothing_else(seed):
    """Whatever the weights: what reaches c_t from later steps, and not through h_t, is passed back as f dc."""
    params, x, state, _, dstate = draw(lstm, seed, 1, 3, 2, 4)
    _, cache = lstm.step(params, x[0], state)
    _, _, before = lstm.step_backward(params, cache, lstm.State(np.zeros((3, 4)), dstate.c))
    assert np.array_equal(before.c, cache.f * dstate.c)


@given(seeds)
def test_without_recurrent_weights_the_gradient_is_the_product_of_the_forget_gates(seed):
    T, N, H = 20, 2, 4
    params, x, state0, _, dstate_T = draw(lstm, seed, T, N, 3, H)
    params = params._replace(W_hh=np.zeros((H, 4 * H)))
    _, _, tape = lstm.forward(params, x, state0)
    no_dh = np.zeros((T, N, H))
    _, _, dstate_0 = lstm.backward(params, tape, no_dh, dstate_T._replace(h=no_dh[0]))
    product = dstate_T.c * np.prod(tape.f, axis=0)
    assert np.max(np.abs(dstate_0.c / product - 1)) <= 1e-14  # entry by entry: each has shrunk by itself
    assert not dstate_0.h.any()


@pytest.mark.parametrize(
    ("bias", "half_life", "left_after_100"),
    [(0, "1", "7.9e-31"), (1, "2.2", "2.5e-14"), (3, "14", "0.0078"), (5, "103", "0.51")],
)
def test_published_half_lives(bias, half_life, left_after_100):
    """CURRICULUM.md, lesson 06."""
    steps = lstm.memory_half_life(float(bias))
    assert f"{steps:.{len(half_life.replace('.', ''))}g}" == half_life
    assert float(f"{logistic(bias) ** 100:.2g}") == float(left_after_100)
    assert logistic(bias) ** steps == pytest.approx(0.5, rel=1e-12)


def test_the_half_life_is_that_of_a_cells_content():
    """A forget gate with bias 3, nothing coming in: half of the content is gone between steps 14 and 15."""
    params = lstm.Params(np.zeros((1, 4)), np.zeros((1, 4)), np.array([-1e3, 3.0, 0.0, 0.0]))
    _, _, tape = lstm.forward(params, np.zeros((20, 1, 1)), lstm.State(np.zeros((1, 1)), np.ones((1, 1))))
    half = lstm.memory_half_life(3.0)
    assert 14 < half < 15
    assert tape.c_prev[14, 0, 0] > 0.5 > tape.c_prev[15, 0, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_half_life_of_many_biases_at_once(dtype):
    b = np.linspace(-5, 5, 12, dtype=dtype).reshape(3, 4)
    steps = lstm.memory_half_life(b)
    assert (steps.shape, steps.dtype) == ((3, 4), dtype)
    assert np.allclose(sigmoid(b) ** steps, 0.5, rtol=1e-5 if dtype is np.float32 else 1e-12)
    with np.errstate(all="raise", under="ignore"):
        assert lstm.memory_half_life(-1e4) == pytest.approx(np.log(2) / 1e4)
        assert lstm.memory_half_life(700.0) == pytest.approx(np.log(2) * np.exp(700))


@pytest.mark.parametrize("forget_bias", [None, -2.5, np.float64(3), np.int64(5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_only_the_forget_gates_quarter_of_the_bias_is_not_zero(forget_bias, dtype):
    H = 4
    how: dict[str, Any] = {} if forget_bias is None else {"forget_bias": forget_bias}
    params = lstm.init(np.random.default_rng(0), 2, H, **how, dtype=dtype)
    i, f, g, o = params.b_h.reshape(4, H)
    assert np.all(f == (1 if forget_bias is None else float(forget_bias)))
    assert not np.concatenate([i, g, o]).any()
    assert params.b_h.dtype == dtype
