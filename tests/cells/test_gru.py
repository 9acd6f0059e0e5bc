"""The GRU's own: its equations, and what its gates keep."""

from __future__ import annotations

import numpy as np
import pytest
from any_cell import draw

from bptt_lessons.cells import gru
from bptt_lessons.gradients import gradcheck


def logistic(z: float) -> float:
    """σ by its formula."""
    return float(1 / (1 + np.exp(-z)))


def with_gates(params: gru.Params, **bias: float) -> gru.Params:
    """The parameters with the biases of these gates set, such as u=1000."""
    H = len(params.W_hh)
    b_h = params.b_h.copy()
    for gate, value in bias.items():
        block = "rug".index(gate)
        b_h[block * H : (block + 1) * H] = value
    return params._replace(b_h=b_h)


def test_one_step_is_the_equations_by_hand():
    """The reset gate multiplies after the product with W_hg, and b_hg is inside it."""
    params = gru.Params(
        np.array([[0.5, -1.0, 2.0]]), np.array([[0.1, 0.2, -0.3]]), np.array([0.25, 0.5, -1.0]), np.array([0.7])
    )
    x, h_prev = 0.75, -0.5
    r = logistic(0.5 * x + 0.1 * h_prev + 0.25)
    u = logistic(-1.0 * x + 0.2 * h_prev + 0.5)
    s = -0.3 * h_prev + 0.7
    g = np.tanh(2.0 * x - 1.0 + r * s)
    h, cache = gru.step(params, np.array([[x]]), np.array([[h_prev]]))
    assert h[0, 0] == pytest.approx((1 - u) * g + u * h_prev, rel=1e-15)
    right = gru.Cache(*(np.array([[value]]) for value in (x, h_prev, r, u, g, s)))
    assert gradcheck.worst_error(cache, right)[1] <= 1e-15


def test_one_step_back_is_the_equations_by_hand():
    x, h_prev, r, u, g, s, dh = 2.0, 0.9, 0.3, 0.6, -0.5, 0.8, 0.7
    params = gru.Params(np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]]), np.zeros(3), np.zeros(1))
    cache = gru.Cache(*(np.array([[value]]) for value in (x, h_prev, r, u, g, s)))
    grads, dx, dh_prev = gru.step_backward(params, cache, np.array([[dh]]))
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r = dz_g * s * r * (1 - r)
    assert grads.b_h == pytest.approx([dz_r, dz_u, dz_g], rel=1e-14)
    assert grads.b_hg == pytest.approx([dz_g * r], rel=1e-14)
    assert grads.W_xh[0] == pytest.approx([x * dz_r, x * dz_u, x * dz_g], rel=1e-14)
    assert grads.W_hh[0] == pytest.approx([h_prev * dz_r, h_prev * dz_u, h_prev * dz_g * r], rel=1e-14)
    assert dx[0, 0] == pytest.approx(dz_r + 2 * dz_u + 3 * dz_g, rel=1e-14)
    assert dh_prev[0, 0] == pytest.approx(4 * dz_r + 5 * dz_u + 6 * dz_g * r + dh * u, rel=1e-14)


def test_with_u_open_the_state_and_its_gradient_stay_for_a_thousand_steps():
    params, x, h0, _, dh_T = draw(gru, 1, 1000, 2, 3, 4)
    params = with_gates(params, u=1e3)
    h, h_T, tape = gru.forward(params, x, h0)
    assert gradcheck.relative_error(h, np.broadcast_to(h0, h.shape)) <= 1e-12
    assert np.array_equal(h_T, h[-1])
    grads, dx, dh_0 = gru.backward(params, tape, np.zeros_like(h), dh_T)
    assert np.array_equal(dh_0, dh_T)
    assert not dx.any()
    assert not grads.W_hh.any()


def test_with_u_shut_the_state_is_the_candidate():
    params, x, h0, _, _ = draw(gru, 1, 6, 2, 3, 4)
    h, _, tape = gru.forward(with_gates(params, u=-1e3), x, h0)
    assert np.array_equal(h, tape.g)
    assert not tape.u.any()


def test_with_r_shut_the_candidate_sees_the_input_alone():
    params, x, h0, _, _ = draw(gru, 2, 6, 2, 3, 4)
    _, _, tape = gru.forward(with_gates(params, r=-1e3), x, h0)
    alone = np.tanh(x @ params.W_xh[:, 8:] + params.b_h[8:])
    assert gradcheck.relative_error(tape.g, alone) <= 1e-14


def test_every_new_state_lies_between_the_old_one_and_the_candidate():
    params, x, h0, _, _ = draw(gru, 3, 40, 3, 2, 5)
    h, _, tape = gru.forward(params, x, h0)
    low, high = np.minimum(tape.g, tape.h_prev), np.maximum(tape.g, tape.h_prev)
    assert np.all(low - 1e-15 <= h)
    assert np.all(h <= high + 1e-15)


def test_the_biases_start_at_zero():
    params = gru.init(np.random.default_rng(0), 2, 4)
    assert (params.b_h.shape, params.b_hg.shape) == ((12,), (4,))
    assert not params.b_h.any()
    assert not params.b_hg.any()
