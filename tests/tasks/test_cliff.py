"""The cliff: its gradient by other methods, and a wall of ten thousand times the usual steepness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import SIGMOID, sigmoid
from bptt_lessons.gradients import gradcheck
from bptt_lessons.tasks import cliff

ws, bs = st.floats(*cliff.W), st.floats(*cliff.B)


@given(ws, bs, st.sampled_from([1, 2, 7, 50]))
def test_the_gradient_agrees_with_complex_step(w, b, steps):
    point = cliff.Point(np.array([w]), np.array([b]))
    _, grads = cliff.loss_and_gradient(point, steps)
    oracle = gradcheck.by_field(
        gradcheck.complex_step, lambda moved: cliff.loss_and_gradient(moved, steps)[0].sum(), point
    )
    for ours, right in zip(grads, oracle, strict=True):  # at the wall rounding is magnified as the gradient is
        assert gradcheck.relative_error(ours, right) <= 1e-10


@given(ws, bs, st.sampled_from([1, 2, 7, 50]))
def test_it_is_the_sigmoid_rnn_of_one_unit(w, b, steps):
    """h_t = σ(x_t) is the state of the plain cell with W_hh = w, started from σ(x_0)."""
    cell = rnn.with_activation(SIGMOID)
    params = rnn.Params(np.zeros((1, 1)), np.array([[w]]), np.array([b]))
    h, h_T, tape = cell.forward(params, np.zeros((steps, 1, 1)), sigmoid(np.array([[cliff.START]])))
    dh = np.zeros_like(h)
    dh[-1] = 2 * (h_T - cliff.TARGET)
    right, _, _ = cell.backward(params, tape, dh)
    loss, grads = cliff.loss_and_gradient(cliff.Point(np.array(w), np.array(b)), steps)
    assert loss == pytest.approx((h_T.item() - cliff.TARGET) ** 2, rel=1e-9, abs=1e-15)
    assert grads.w == pytest.approx(right.W_hh.item(), rel=1e-9, abs=1e-30)
    assert grads.b == pytest.approx(right.b_h.item(), rel=1e-9, abs=1e-30)


def test_a_grid_is_its_points_one_by_one():
    w, b = np.meshgrid(np.linspace(*cliff.W, 4), np.linspace(*cliff.B, 3))
    loss, grads = cliff.loss_and_gradient(cliff.Point(w, b))
    assert (loss.shape, grads.w.shape, grads.b.shape) == ((3, 4), (3, 4), (3, 4))
    for i in np.ndindex(3, 4):
        alone, alone_grads = cliff.loss_and_gradient(cliff.Point(float(w[i]), float(b[i])))
        assert alone == pytest.approx(loss[i], rel=1e-12)
        assert alone_grads.w == pytest.approx(grads.w[i], rel=1e-9)
        assert alone_grads.b == pytest.approx(grads.b[i], rel=1e-9)


@pytest.mark.parametrize("points", [150, 201])
def test_the_largest_gradient_is_over_ten_thousand_times_the_median(points):
    """The wall is thinner than a coarse grid: with 101 points a side the ratio is 854, with 50 it is 104."""
    w, b = np.meshgrid(np.linspace(*cliff.W, points), np.linspace(*cliff.B, points))
    _, grads = cliff.loss_and_gradient(cliff.Point(w, b))
    norms = np.hypot(grads.w, grads.b)
    assert np.isfinite(norms).all()
    assert norms.max() > 1e4 * np.median(norms)
