"""Losses: values by hand, gradients by complex step, masks, extremes and dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.gradients import gradcheck
from bptt_lessons.training import losses

size = st.integers(1, 4)
shapes = st.tuples(size, size, size)  # T, N, K
seeds = st.integers(0, 2**32 - 1)

PAIRS = {
    "mse": (losses.mse, losses.mse_gradient),
    "softmax_cross_entropy": (losses.softmax_cross_entropy, losses.softmax_cross_entropy_gradient),
}


def draw(kind: str, seed: int, T: int, N: int, K: int, masked: bool) -> tuple[Any, Any, Any]:
    """Draw outputs, targets and a mask that keeps at least one step."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(T, N, K)) * 3
    target = rng.normal(size=(T, N, K)) if kind == "mse" else rng.integers(0, K, (T, N))
    mask = rng.random((T, N)) < 0.5
    mask[rng.integers(T), rng.integers(N)] = True
    return y, target, mask if masked else None


@given(st.sampled_from(sorted(PAIRS)), shapes, seeds, st.booleans())
def test_gradients_agree_with_complex_step(kind, shape, seed, masked):
    y, target, mask = draw(kind, seed, *shape, masked)
    value, gradient = PAIRS[kind]
    oracle = gradcheck.complex_step(lambda w: value(w, target, mask), y)
    dy = gradient(y, target, mask)
    assert np.abs(dy - oracle).max() <= 1e-14  # (with K = 1 the cross-entropy's gradient is all zero)
    if oracle.any():
        assert gradcheck.relative_error(dy, oracle) <= 1e-13


def test_mse_by_hand():
    y, target = np.array([[[1.0, 2.0]], [[3.0, 4.0]]]), np.array([[[0.0, 0.0]], [[3.0, 2.0]]])
    assert losses.mse(y, target) == (1 + 4 + 0 + 4) / 4
    assert np.array_equal(losses.mse_gradient(y, target), np.array([[[0.5, 1.0]], [[0.0, 1.0]]]))
    mask = np.array([[True], [False]])
    assert losses.mse(y, target, mask) == 2.5
    assert np.array_equal(losses.mse_gradient(y, target, mask), np.array([[[1.0, 2.0]], [[0.0, 0.0]]]))


def test_cross_entropy_by_hand():
    y = np.log(np.array([[[1.0, 3.0]], [[4.0, 1.0]]]))
    target = np.array([[1], [1]])
    assert losses.softmax_cross_entropy(y, target) == pytest.approx((np.log(4 / 3) + np.log(5)) / 2, rel=1e-15)
    right = np.array([[[0.125, -0.125]], [[0.4, -0.4]]])
    assert gradcheck.relative_error(losses.softmax_cross_entropy_gradient(y, target), right) <= 1e-15


@given(shapes, seeds, st.floats(-1e6, 1e6))
def test_cross_entropy_does_not_change_when_all_logits_move(shape, seed, shift):
    y, target, mask = draw("softmax_cross_entropy", seed, *shape, True)
    one, two = (losses.softmax_cross_entropy(logits, target, mask) for logits in (y, y + shift))
    assert abs(one - two) <= 1e-9
    dy = losses.softmax_cross_entropy_gradient(y + shift, target, mask)
    assert np.abs(dy.sum(axis=2)).max() <= 1e-15


@pytest.mark.parametrize("kind", sorted(PAIRS))
def test_what_the_mask_drops_may_hold_anything(kind):
    y, target, mask = draw(kind, 0, 4, 3, 2, True)
    value, gradient = PAIRS[kind]
    right, right_dy = value(y, target, mask), gradient(y, target, mask)
    y[~mask] = np.nan
    if kind == "mse":
        target[~mask] = np.nan
    else:
        target[~mask] = -1  # what other libraries call "ignore"
    assert value(y, target, mask) == right
    dy = gradient(y, target, mask)
    assert np.array_equal(dy, right_dy)
    assert not dy[~mask].any()


@pytest.mark.parametrize("kind", sorted(PAIRS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("masked", [False, True])
def test_every_dtype_is_kept_and_nothing_is_written_into(kind, dtype, masked):
    y, target, mask = draw(kind, 2, 4, 3, 2, masked)
    y = y.astype(dtype)
    if kind == "mse":
        target = target.astype(dtype)
    for array in (y, target, mask):
        if array is not None:
            array.setflags(write=False)
    value, gradient = PAIRS[kind]
    assert value(y, target, mask).dtype == dtype
    assert gradient(y, target, mask).dtype == dtype


@given(st.sampled_from(sorted(PAIRS)), shapes, seeds, st.booleans(), st.sampled_from([0, 1]), st.integers(0, 99))
def test_parts_of_a_batch_add_up_by_what_their_masks_keep(kind, shape, seed, masked, axis, place):
    """Cut in time or between sequences: each part's mean counts as much as it has kept steps."""
    shape = (shape[0] + 1, shape[1] + 1, shape[2])
    y, target, mask = draw(kind, seed, *shape, masked)
    value, gradient = PAIRS[kind]
    kept = np.ones(shape[:2], bool) if mask is None else mask
    cut = 1 + place % (shape[axis] - 1)
    total, dy = 0.0, []
    parts = ([*np.split(array, [cut], axis)] for array in (y, target, kept))
    for y_part, target_part, kept_part in zip(*parts, strict=True):
        share = kept_part.sum() / kept.sum()
        if not share:
            dy.append(np.zeros_like(y_part))
            continue
        total += share * value(y_part, target_part, kept_part)
        dy.append(share * gradient(y_part, target_part, kept_part))
    assert total == pytest.approx(value(y, target, mask), rel=1e-13, abs=1e-15)
    right = gradient(y, target, mask)
    assert np.abs(np.concatenate(dy, axis) - right).max() <= 1e-14 * max(1, np.abs(right).max())
