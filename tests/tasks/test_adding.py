"""Adding: one mark in each half, the sum of the marked numbers as the target, and what saying 1 always costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bptt_lessons.tasks import adding
from bptt_lessons.training import losses

lengths = st.integers(2, 60)
batches = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


@given(lengths, batches, seeds)
@example(2, 1, 0)
@example(3, 4, 0)
def test_one_mark_in_each_half_and_their_sum(T, N, seed):
    x, target, mask = adding.sequences(np.random.default_rng(seed), T, N)
    assert (x.shape, target.shape, mask.shape) == ((T, N, 2), (T, N, 1), (T, N))
    assert (x.dtype, target.dtype, mask.dtype) == (np.float64, np.float64, np.bool_)
    assert np.all(x[:, :, 0] >= 0)
    assert np.all(x[:, :, 0] < 1)
    assert set(np.unique(x[:, :, 1])) <= {0.0, 1.0}
    for n in range(N):
        first, second = np.flatnonzero(x[:, n, 1])
        assert first < T // 2 <= second
        assert np.all(target[:, n, 0] == x[first, n, 0] + x[second, n, 0])
    assert mask[-1].all()
    assert not mask[:-1].any()


def test_the_marks_and_the_numbers_are_uniform():
    x, _, _ = adding.sequences(np.random.default_rng(0), 10, 20_000)
    shares = x[:, :, 1].mean(axis=1)
    assert np.allclose(shares, 1 / 5, atol=0.015)  # over five standard errors
    tenths = np.bincount((10 * x[:, :, 0]).astype(int).ravel(), minlength=10) / x[:, :, 0].size
    assert np.allclose(tenths, 0.1, atol=0.004)
    marked = x[:, :, 0][x[:, :, 1] == 1]
    assert marked.mean() == pytest.approx(0.5, abs=0.008)  # a mark says nothing of its number


def test_the_baseline_is_the_variance_of_a_sum_of_two_uniform_numbers():
    """∫∫ (a + b - 1)² da db = 2 (1/3 - 1/4) = 1/6, and no other constant does better."""
    assert abs(adding.BASELINE - 2 * (1 / 3 - 1 / 4)) <= 1e-15
    x, target, mask = adding.sequences(np.random.default_rng(1), 8, 50_000)
    found = losses.mse(np.ones_like(target), target, mask)
    assert found == pytest.approx(adding.BASELINE, abs=0.006)  # over five standard errors
    assert all(losses.mse(np.full_like(target, y), target, mask) > found for y in (0.9, 1.1))
    assert len(x) == 8
