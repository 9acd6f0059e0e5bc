"""Influence balancing: a cell like any other, on which a gradient that is cut short points the wrong way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import unrolled
from bptt_lessons.gradients import gradcheck, tbptt
from bptt_lessons.tasks import influence_balancing as ib

seeds = st.integers(0, 2**32 - 1)
CELL = unrolled.looped(ib)


def net(theta: float) -> ib.Params:
    """The parameter."""
    return ib.Params(np.array([theta]))


def no_input(T: int, N: int = 1) -> Any:
    """What a cell that uses no input is given."""
    return np.zeros((T, N, 1))


def test_the_matrix_and_the_influence_are_those_of_the_paper():
    A, u = ib.matrix(), ib.influence()
    assert (A.shape, u.shape) == ((23, 23), (23,))
    assert u.tolist() == [1.0] * 10 + [-1.0] * 13
    for i in range(23):
        for j in range(23):
            assert A[i, j] == (0.5 if j in (i, i + 1) else 0)
    assert np.array_equal(ib.matrix(3), [[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 0.5]])
    assert np.array_equal(ib.A, A)
    assert np.array_equal(ib.U, u)


@given(st.integers(1, 4), seeds)
def test_a_step_is_the_equation_and_its_backward_pass_agrees_with_complex_step(N, seed):
    rng = np.random.default_rng(seed)
    params, x, h_prev, dh = (
        net(rng.normal()),
        rng.normal(size=(N, 2)),
        rng.normal(size=(N, 23)),
        rng.normal(size=(N, 23)),
    )
    h, cache = ib.step(params, x, h_prev)
    for n in range(N):
        assert gradcheck.relative_error(h[n], ib.matrix() @ h_prev[n] + params.theta * ib.influence()) <= 1e-15
    grads, dx, dh_prev = ib.step_backward(params, cache, dh)
    assert type(grads) is ib.Params
    assert (grads.theta.shape, dx.shape) == ((1,), x.shape)
    assert not dx.any()
    oracle = gradcheck.complex_step(lambda theta: np.sum(dh * ib.step(ib.Params(theta), x, h_prev)[0]), params.theta)
    assert gradcheck.relative_error(grads.theta, oracle) <= 1e-13
    oracle = gradcheck.complex_step(lambda state: np.sum(dh * ib.step(params, x, state)[0]), h_prev)
    assert gradcheck.relative_error(dh_prev, oracle) <= 1e-13


def test_the_loss_by_hand():
    h = np.zeros((2, 2, 23))
    h[:, :, 0] = [[1, 3], [0, 2]]
    loss, dh, extra = ib.loss_gradient(h, 17)
    assert loss == 0.5 * (0 + 4 + 1 + 1)
    assert dh[..., 0].tolist() == [[0, 2], [-1, 1]]
    assert not dh[..., 1:].any()
    assert extra is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_dtype_is_kept(dtype):
    params = ib.Params(np.array([0.5], dtype))
    state = ib.zero_state(params, 2)
    h, cache = ib.step(params, np.zeros((2, 1), dtype), state)
    grads, dx, dh_prev = ib.step_backward(params, cache, h)
    loss, dh, _ = ib.loss_gradient(h[None], 0)
    assert {a.dtype for a in (state, h, grads.theta, dx, dh_prev, dh, loss)} == {np.dtype(dtype)}


def test_the_sensitivity_has_the_wrong_sign_up_to_forty_steps_and_is_minus_six_in_the_end():
    signs = [np.sign(ib.sensitivity(steps)) for steps in range(1, 200)]
    assert signs == [1] * 40 + [-1] * 159
    assert ib.sensitivity(2000) == pytest.approx(-6, rel=1e-12)
    assert np.linalg.solve(np.eye(23) - ib.matrix(), ib.influence())[0] == pytest.approx(-6, rel=1e-12)
    assert [ib.sensitivity(steps) for steps in (1, 2, 5, 10)] == [1, 2, 5, 10]  # no unit of the minuses is within reach


@pytest.mark.parametrize("steps", [1, 5, 41, 60])
def test_the_sensitivity_is_a_derivative_and_a_sum_of_powers(steps):
    oracle = gradcheck.complex_step(
        lambda theta: unrolled.forward(ib, ib.Params(theta), no_input(steps), np.zeros((1, 23)))[1][0, 0],
        np.array([0.5]),
    )
    assert ib.sensitivity(steps) == pytest.approx(oracle[0], rel=1e-12)
    powers = [np.linalg.matrix_power(ib.matrix(), j) @ ib.influence() for j in range(steps)]
    assert ib.sensitivity(steps) == pytest.approx(sum(power[0] for power in powers), rel=1e-12)


def test_the_optimum_is_at_minus_a_sixth():
    """There the first unit comes to rest at 1, and the loss at 0; from elsewhere it does not."""
    _, state, _ = unrolled.forward(ib, net(-1 / 6), no_input(1000), np.ones((1, 23)))
    assert state[0, 0] == pytest.approx(1, rel=1e-12)
    _, state, _ = unrolled.forward(ib, net(0.5), no_input(1000), np.ones((1, 23)))
    assert state[0, 0] == pytest.approx(-3, rel=1e-12)


@pytest.mark.parametrize("L", [1, 10, 41])
def test_truncated_to_l_steps_the_gradient_is_the_sensitivity_times_the_error(L):
    """By tbptt.sliding_gradient with k1 = 1: Σ (s_t[first] - 1) · sensitivity(min(t, L))."""
    T, params, h0 = 60, net(0.5), np.ones((1, 23))
    h, _, _ = unrolled.forward(ib, params, no_input(T), h0)
    ours = tbptt.sliding_gradient(ib, params, no_input(T), h0, ib.loss_gradient, 1, L)
    right = sum((h[t, 0, 0] - 1) * ib.sensitivity(min(t + 1, L)) for t in range(T))
    assert ours.grads.theta[0] == pytest.approx(right, rel=1e-10)
