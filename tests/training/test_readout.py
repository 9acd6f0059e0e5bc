"""The readout: its equation, its gradient by complex step, dtypes, its start, and its loss window by window."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from any_cell import assert_gradient
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.gradients import tbptt
from bptt_lessons.training import losses, readout

size = st.integers(1, 4)


class Inputs(NamedTuple):
    """Everything that the gradient is taken with respect to."""

    params: Any
    h: Any


def draw(seed: int, T: int, N: int, H: int, K: int, dtype: Any = np.float64) -> tuple[Inputs, Any]:
    """Draw parameters, states and a gradient of the loss."""
    rng = np.random.default_rng(seed)
    W_hy, b_y, h, dy = (rng.normal(size=s).astype(dtype) for s in ((H, K), (K,), (T, N, H), (T, N, K)))
    return Inputs(readout.Readout(W_hy, b_y), h), dy


@given(st.tuples(size, size, size, size), st.integers(0, 2**32 - 1))
def test_backward_agrees_with_complex_step(whole, shape, seed):
    inputs, dy = draw(seed, *shape)
    ours = Inputs(*readout.backward(*inputs, dy))
    assert_gradient(ours, lambda i: np.sum(dy * readout.forward(i.params, i.h)), inputs, whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_every_dtype_is_kept_and_nothing_is_written_into(dtype):
    inputs, dy = draw(1, 4, 3, 2, 5, dtype)
    for array in (*inputs.params, inputs.h, dy):
        array.setflags(write=False)
    grads, dh = readout.backward(*inputs, dy)
    assert {a.dtype for a in (readout.forward(*inputs), *grads, dh)} == {np.dtype(dtype)}
    assert type(grads) is readout.Readout


def test_nothing_is_conjugated():
    inputs, dy = draw(3, 4, 3, 2, 5)
    inputs = Inputs(readout.Readout(*(p * (1 + 0.5j) for p in inputs.params)), inputs.h * (1 - 0.5j))
    grads, dh = readout.backward(*inputs, dy)
    direction = np.random.default_rng(4).normal(size=inputs.h.shape) * 1j
    moved = readout.forward(inputs.params, inputs.h + direction) - readout.forward(*inputs)
    assert np.sum(dy * moved) == pytest.approx(np.sum(dh * direction), rel=1e-12)  # y is linear in h
    direction = np.random.default_rng(5).normal(size=inputs.params.W_hy.shape) * 1j
    params = inputs.params._replace(W_hy=inputs.params.W_hy + direction)
    moved = readout.forward(params, inputs.h) - readout.forward(*inputs)
    assert np.sum(dy * moved) == pytest.approx(np.sum(grads.W_hy * direction), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_init(dtype):
    params = readout.init(np.random.default_rng(0), 50, 30, dtype)
    assert (params.W_hy.shape, params.b_y.shape) == ((50, 30), (30,))
    assert {p.dtype for p in params} == {np.dtype(dtype)}
    assert not params.b_y.any()
    assert 0.99 / np.sqrt(50) < np.abs(params.W_hy).max() <= 1.001 / np.sqrt(50)


def draw_loss(seed: int, T: int, N: int, K: int, classes: bool, masked: bool) -> tuple[Any, Any, Any]:
    """A target, a mask that keeps something (or None), and the pair of functions."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, K, (T, N)) if classes else rng.normal(size=(T, N, K))
    mask = None
    if masked:
        mask = rng.random((T, N)) < 0.4
        mask[rng.integers(T), rng.integers(N)] = True
    name = "softmax_cross_entropy" if classes else "mse"
    return target, mask, (getattr(losses, name), getattr(losses, f"{name}_gradient"))


@given(
    st.tuples(st.integers(1, 9), size, size, size),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    st.integers(1, 10),
)
def test_windows_add_up_to_the_mean_of_the_whole_and_its_gradient(whole, shape, seed, classes, masked, k):
    T, N, _, K = shape
    (params, h), _ = draw(seed, *shape)
    target, mask, (loss, loss_gradient) = draw_loss(seed, T, N, K, classes, masked)
    of_window = readout.loss_by_window(params, target, mask, loss, loss_gradient)
    value, grads, dh = 0.0, nested.zeros_like(params), []
    for start, stop in tbptt.windows(T, k):
        loss_k, dh_k, grads_k = of_window(h[start:stop], start)
        value, grads = value + loss_k, nested.add(grads, grads_k)
        dh.append(dh_k)
    assert value == pytest.approx(loss(readout.forward(params, h), target, mask), rel=1e-12, abs=1e-15)

    def loss_of_all(inputs: Inputs) -> Any:
        return loss(readout.forward(inputs.params, inputs.h), target, mask)

    gradient, point = Inputs(grads, np.concatenate(dh)), Inputs(params, h)
    assert_gradient(gradient, loss_of_all, point, whole, 1e-12)


def test_a_window_counts_by_its_kept_steps_and_one_without_any_counts_nothing():
    (params, h), _ = draw(0, 4, 2, 3, 1)
    target = np.zeros((4, 2, 1))
    mask = np.array([[True, True], [True, False], [False, False], [False, True]])
    of_window = readout.loss_by_window(params, target, mask)
    y = readout.forward(params, h)[..., 0]
    loss, _, _ = of_window(h[:2], 0)
    assert loss == pytest.approx((y[0, 0] ** 2 + y[0, 1] ** 2 + y[1, 0] ** 2) / 4, rel=1e-14)
    loss, dh, grads = of_window(h[2:3], 2)
    assert loss == 0
    assert not dh.any()
    assert not any(g.any() for g in grads)
    assert (dh.shape, type(grads)) == ((1, 2, 3), readout.Readout)


def test_a_window_beyond_the_target_is_refused():
    (params, h), _ = draw(0, 5, 3, 2, 4)
    of_window = readout.loss_by_window(params, np.zeros((5, 3, 4)))
    for start, length in ((4, 2), (5, 1), (-1, 1), (1, 5)):
        with pytest.raises(ValueError, match="h has shape"):
            of_window(h[:length], start)
