"""The readout: its equation, its gradient by complex step, dtypes, its start, and its loss window by window."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.gradients import gradcheck, tbptt
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
def test_backward_agrees_with_complex_step(shape, seed):
    inputs, dy = draw(seed, *shape)
    ours = Inputs(*readout.backward(*inputs, dy))
    oracle = gradcheck.by_field(gradcheck.complex_step, lambda i: np.sum(dy * readout.forward(i.params, i.h)), inputs)
    name, error = gradcheck.worst_error(ours, oracle)
    assert error <= 1e-13, name


def test_forward_is_the_equation_at_every_step():
    inputs, _ = draw(0, 4, 3, 2, 5)
    y = readout.forward(*inputs)
    for t in range(4):
        for n in range(3):
            right = [sum(inputs.h[t, n, i] * inputs.params.W_hy[i, k] for i in range(2)) for k in range(5)]
            assert gradcheck.relative_error(y[t, n], np.array(right) + inputs.params.b_y) <= 1e-15


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


def test_views_and_fortran_order_are_as_good_as_any():
    inputs, dy = draw(2, 4, 3, 2, 5)
    right = Inputs(*readout.backward(*inputs, dy))
    turned = Inputs(*readout.backward(inputs.params, np.asfortranarray(inputs.h), dy[::-1].copy()[::-1]))
    assert gradcheck.worst_error(turned, right)[1] <= 1e-15


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
def test_windows_add_up_to_the_mean_of_the_whole_and_its_gradient(shape, seed, classes, masked, k):
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

    def whole(inputs: Inputs) -> Any:
        return loss(readout.forward(inputs.params, inputs.h), target, mask)

    oracle = gradcheck.by_field(gradcheck.complex_step, whole, Inputs(params, h))
    name, error = gradcheck.worst_error(Inputs(grads, np.concatenate(dh)), oracle)
    assert error <= 1e-12, name


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


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_windows_dtype_is_kept(dtype, classes, masked):
    (params, h), _ = draw(0, 5, 3, 2, 4, dtype)
    target, mask, pair = draw_loss(0, 5, 3, 4, classes, masked)
    of_window = readout.loss_by_window(params, target if classes else target.astype(dtype), mask, *pair)
    for start in range(5):
        loss, dh, grads = of_window(h[start : start + 1], start)
        assert {a.dtype for a in (dh, *grads)} == {np.dtype(dtype)}
        assert np.isfinite(loss)


def test_a_window_beyond_the_target_is_refused():
    (params, h), _ = draw(0, 5, 3, 2, 4)
    of_window = readout.loss_by_window(params, np.zeros((5, 3, 4)))
    for start, length in ((4, 2), (5, 1), (-1, 1), (1, 5)):
        with pytest.raises(ValueError, match="h has shape"):
            of_window(h[:length], start)


# Symmetries: what must not change, or change in a known way.

shapes = st.tuples(size, size, size, size)  # T, N, H, K
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64, np.complex64, np.complex128])


def arrays_of(*trees: Any) -> list[Any]:
    """All arrays of several structures."""
    return [array for tree in trees for _, array in nested.named_arrays(tree)]


def assert_close(ours: Any, right: Any, *made_of: Any) -> None:
    """Two structures agree to 64 units of rounding of the largest number in play: 16 terms of a size of 4."""
    a, b = arrays_of(ours), arrays_of(right)
    assert [(p.shape, p.dtype) for p in a] == [(q.shape, q.dtype) for q in b]
    allowed = 64 * np.finfo(a[0].dtype).eps * max(np.abs(q).max() for q in arrays_of(right, *made_of))
    assert max(np.abs(p - q).max() for p, q in zip(a, b, strict=True)) <= allowed


@given(shapes, seeds, dtypes, st.integers(-30, 30))
def test_backward_is_linear_in_the_gradient_it_is_given(shape, seed, dtype, k):
    inputs, dy = draw(seed, *shape, dtype)
    _, other = draw(seed + 1, *shape, dtype)
    one, two = (Inputs(*readout.backward(*inputs, d)) for d in (dy, other))
    assert_close(Inputs(*readout.backward(*inputs, dy + other)), nested.add(one, two), one, two)
    scaled = Inputs(*readout.backward(*inputs, dy * 2.0**k))
    assert all(np.array_equal(a, b * 2.0**k) for a, b in zip(arrays_of(scaled), arrays_of(one), strict=True))
    nothing = readout.backward(*inputs, np.zeros_like(dy))
    assert not any(array.any() for array in arrays_of(*nothing))


@given(shapes, seeds, dtypes)
def test_renaming_hidden_units_outputs_steps_or_sequences_renames_theirs(shape, seed, dtype):
    (params, h), dy = draw(seed, *shape, dtype)
    t, n, i, k = (np.random.default_rng(seed).permutation(length) for length in shape)
    turned = readout.Readout(params.W_hy[np.ix_(i, k)], params.b_y[k])
    y = readout.forward(params, h)
    assert_close(readout.forward(turned, h[np.ix_(t, n, i)]), y[np.ix_(t, n, k)])
    grads, dh = readout.backward(params, h, dy)
    ours = Inputs(*readout.backward(turned, h[np.ix_(t, n, i)], dy[np.ix_(t, n, k)]))
    assert_close(ours, Inputs(readout.Readout(grads.W_hy[np.ix_(i, k)], grads.b_y[k]), dh[np.ix_(t, n, i)]))


@given(shapes, seeds, dtypes, st.sampled_from([0, 1]), st.integers(0, 99))
def test_parts_of_a_batch_add_up_and_do_not_see_one_another(shape, seed, dtype, axis, place):
    """Cut in time or between sequences."""
    (params, h), dy = draw(seed, shape[0] + 1, shape[1] + 1, *shape[2:], dtype)
    cut = 1 + place % shape[axis]
    grads, dh = nested.zeros_like(params), []
    for h_part, dy_part in zip(np.split(h, [cut], axis), np.split(dy, [cut], axis), strict=True):
        part, dh_part = readout.backward(params, h_part, dy_part)
        grads = nested.add(grads, part)
        dh.append(dh_part)
    assert_close(Inputs(grads, np.concatenate(dh, axis)), Inputs(*readout.backward(params, h, dy)))
    y = [readout.forward(params, part) for part in np.split(h, [cut], axis)]
    assert_close(np.concatenate(y, axis), readout.forward(params, h))
