"""How gradients flow: step Jacobians and their products, norms against real BPTT, the bound, growth and decay."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
from any_cell import CELLS, all_cells, dot, draw
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import init, lstm, rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.gradients import flow, gradcheck

size = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)
ACTIVATIONS = {"rnn": TANH, "rnn_sigmoid": SIGMOID, "rnn_relu": RELU, "rnn_linear": LINEAR}
names = st.sampled_from(sorted(ACTIVATIONS))


def quiet_net(W_hh: Any, D: int = 1) -> rnn.Params:
    """A net with these recurrent weights, small inputs and no bias."""
    return rnn.Params(np.full((D, len(W_hh)), 0.1), W_hh, np.zeros(len(W_hh)))


def real_norms(params: rnn.Params, x: Any, h0: Any, dh_T: Any, activation: Any = TANH) -> Any:
    """‖dL/dh‖ after every step by real BPTT, for a loss at the last step."""
    cell = rnn.with_activation(activation)
    _, _, caches = unrolled.forward(cell, params, x, h0)
    return flow.gradient_norms(cell, params, caches, dh_T)


@given(size, size, size, seeds, names)
def test_the_step_jacobian_agrees_with_complex_step(N, D, H, seed, name):
    params, x, h0, _, _ = draw(CELLS[name], seed, 1, N, D, H)
    activation = ACTIVATIONS[name]
    h, _ = rnn.step(params, x[0], h0, activation)
    J = flow.step_jacobian(params, h, activation)
    assert J.shape == (N, H, H)
    for j in range(H):  # column j: how h_t[n, j] depends on h_{t-1}[n, :]
        oracle = gradcheck.complex_step(
            lambda h_prev, j=j: rnn.step(params, x[0], h_prev, activation)[0][:, j].sum(), h0
        )
        assert np.max(np.abs(J[:, :, j] - oracle)) <= 1e-13 * max(1, np.max(np.abs(J)))


@given(st.integers(1, 8), size, size, seeds, names)
def test_products_are_products(T, N, H, seed, name):
    params, x, h0, _, _ = draw(CELLS[name], seed, T, N, 2, H)
    activation = ACTIVATIONS[name]
    h, _, _ = rnn.forward(params, x, h0, activation)
    P = flow.jacobian_products(params, h, activation)
    assert P.shape == (T, N, H, H)
    for s in range(T):
        for n in range(N):
            steps = [params.W_hh @ np.diag(activation.derivative(h[t, n])) for t in range(s + 1, T)]
            assert gradcheck.relative_error(P[s, n], reduce(np.matmul, steps, np.eye(H))) <= 1e-13


@given(st.integers(1, 12), size, size, seeds, names)
def test_norms_from_products_equal_those_of_real_bptt(T, N, H, seed, name):
    params, x, h0, _, dh_T = draw(CELLS[name], seed, T, N, 2, H)
    activation = ACTIVATIONS[name]
    h, _, caches = unrolled.forward(rnn.with_activation(activation), params, x, h0)
    from_products = np.linalg.norm(
        np.einsum("nj,tnij->tni", dh_T, flow.jacobian_products(params, h, activation)), axis=2
    )
    dh, by_hand = dh_T, []
    for cache in caches[::-1]:
        by_hand.append(np.sqrt((dh**2).sum(axis=1)))
        _, _, dh = rnn.step_backward(params, cache, dh, activation)
    norms = real_norms(params, x, h0, dh_T, activation)
    assert norms.shape == (T, N)
    assert gradcheck.relative_error(norms, np.array(by_hand[::-1])) <= 1e-14
    for t in range(T):  # row by row: a shrinking gradient must not hide behind its largest norm
        assert gradcheck.relative_error(norms[t], from_products[t]) <= 1e-12


@all_cells
def test_norms_of_every_cell_are_those_of_the_complex_step(cell):
    """dL/dh after every step: how a loss at the end depends on h there, whatever else the state holds."""
    T, N = 6, 2
    params, x, state, _, dstate_T = draw(cell, 0, T, N, 2, 3)
    _, _, caches = unrolled.forward(cell, params, x, state)
    norms = flow.gradient_norms(cell, params, caches, dstate_T)
    assert norms.shape == (T, N)
    for t in range(T):
        state, _ = cell.step(params, x[t], state)

        def loss(h: Any, t: int = t, state: Any = state) -> Any:
            moved = state._replace(h=h) if hasattr(state, "h") else h
            for x_t in x[t + 1 :]:
                moved, _ = cell.step(params, x_t, moved)
            return dot(dstate_T, moved)

        oracle = gradcheck.complex_step(loss, unrolled.hidden(state))
        assert norms[t] == pytest.approx(np.linalg.norm(oracle, axis=1), rel=1e-13)


def test_an_lstm_with_an_open_forget_gate_passes_the_gradient_of_h_through_c():
    """With the forget gate open a loss at the end reaches h a hundred steps back, where the tanh net's is gone."""
    T, N, H = 101, 3, 20
    rng = np.random.default_rng(0)
    x, dh_T, none = rng.normal(size=(T, N, 2)), rng.normal(size=(N, H)), np.zeros((N, H))
    reached = {}
    for cell, params in ((lstm, lstm.init(rng, 2, H, 5.0)), (rnn, rnn.init(rng, 2, H))):
        dstate_T = lstm.State(dh_T, none) if cell is lstm else dh_T
        _, _, caches = unrolled.forward(cell, params, x, cell.zero_state(params, N))
        norms = flow.gradient_norms(cell, params, caches, dstate_T)
        reached[cell] = (norms[0] / norms[-1]).min()
    assert reached[lstm] > 1e-3
    assert reached[rnn] < 1e-10


@pytest.mark.parametrize("activation", [TANH, SIGMOID, RELU, LINEAR], ids=lambda a: a.name)
@pytest.mark.parametrize("scale", [0.3, 0.9, 1.0, 1.3, 4.0])
def test_the_bound_holds_at_every_lag(activation, scale):
    T = 25
    for seed in range(10):
        rng = np.random.default_rng(seed)
        H = int(rng.integers(1, 7))
        params = rnn.Params(rng.normal(size=(2, H)), scale * rng.normal(size=(H, H)) / np.sqrt(H), rng.normal(size=H))
        h, _, _ = rnn.forward(params, rng.normal(size=(T, 2, 2)), None, activation)
        norms = flow.operator_norms(flow.jacobian_products(params, h, activation))
        bound = flow.bound(params.W_hh, activation.gamma, T)
        assert bound[0] == 1
        assert np.all(norms <= (1 + 1e-12) * bound[::-1, None])  # lag T - 1 - s of P[s]


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_the_bound_is_reached_by_a_linear_orthogonal_net(gain):
    """No smaller bound would hold."""
    params = quiet_net(init.orthogonal(np.random.default_rng(0), 5, gain))
    h, _, _ = rnn.forward(params, np.ones((20, 1, 1)), None, LINEAR)
    norms = flow.operator_norms(flow.jacobian_products(params, h, LINEAR))[:, 0]
    assert np.allclose(norms, flow.bound(params.W_hh, LINEAR.gamma, 20)[::-1], rtol=1e-12, atol=0)


def test_the_bound_in_numbers():
    W = np.array([[0.0, 8.0], [0.0, 0.0]])
    assert np.array_equal(flow.bound(W, 0.25, 4), [1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize(
    ("W", "radius", "sigma"),
    [
        (np.diag([0.5, -2.0, 1.0]), 2.0, 2.0),
        (np.array([[0.0, 5.0], [0.0, 0.0]]), 0.0, 5.0),
        (np.array([[0.0, -3.0], [3.0, 0.0]]), 3.0, 3.0),  # the eigenvalues are ±3i
        (np.array([[1.0, 1.0], [0.0, 1.0]]), 1.0, (1 + np.sqrt(5)) / 2),
        (np.array([[1.0, 2.0], [0.5, 1.0]]), 2.0, 2.5),
        (np.array([[-0.25]]), 0.25, 0.25),
        (np.zeros((3, 3)), 0.0, 0.0),
    ],
)
def test_spectral_radius_and_largest_singular_value_in_closed_cases(W, radius, sigma):
    assert flow.spectral_radius(W) == pytest.approx(radius, abs=1e-14)
    assert flow.largest_singular_value(W) == pytest.approx(sigma, rel=1e-15)
    assert flow.operator_norms(W) == pytest.approx(sigma, rel=1e-15)


def test_operator_norms_keep_the_leading_axes_and_precision():
    matrices = np.random.default_rng(0).normal(size=(3, 2, 4, 4)).astype(np.float32)
    norms = flow.operator_norms(matrices)
    assert (norms.shape, norms.dtype) == ((3, 2), np.float32)
    for index in np.ndindex(3, 2):
        assert norms[index] == pytest.approx(flow.largest_singular_value(matrices[index].astype(float)), rel=1e-5)


def test_float32_stays_float32():
    params, x, h0, _, dh_T = draw(rnn, 0, 4, 3, 2, 5, np.float32)
    h, _, caches = unrolled.forward(rnn, params, x, h0)
    assert flow.step_jacobian(params, h[0]).dtype == np.float32
    assert flow.jacobian_products(params, h).dtype == np.float32
    assert flow.gradient_norms(rnn, params, caches, dh_T).dtype == np.float32


@pytest.mark.parametrize("seed", range(2))
def test_a_tanh_net_vanishes_at_gain_1_05_and_explodes_at_1_5(seed):
    """More than 1 as largest singular value is necessary for exploding, not sufficient (100 steps, H = 50)."""
    growth = {}
    for gain in (1.05, 1.5):
        rng = np.random.default_rng(seed)
        params = rnn.Params(0.1 * rng.normal(size=(2, 50)), init.orthogonal(rng, 50, gain), np.zeros(50))
        dh_T = rng.normal(size=(4, 50))
        norms = real_norms(params, rng.normal(size=(101, 4, 2)), np.zeros((4, 50)), dh_T)
        growth[gain] = (norms[0] / norms[-1]).mean()
    assert growth[1.05] < 0.1
    assert 100 < growth[1.5] < 10_000
