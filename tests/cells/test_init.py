"""Starts: range, spread, dtype, and the same draw from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from bptt_lessons.cells import init


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float32"])
def test_uniform_fills_its_range(dtype):
    W = init.uniform(np.random.default_rng(0), 100, 200, 0.3, dtype)
    assert (W.shape, W.dtype) == ((100, 200), np.dtype(dtype))
    assert -0.3 <= W.min() < -0.299
    assert 0.299 < W.max() <= np.dtype(dtype).type(0.3)
    assert abs(W.mean()) < 0.005  # four standard errors: 4 · 0.3 / √3 / √20000
    assert abs(W.std() - 0.3 / np.sqrt(3)) < 0.003


def test_uniform_draws_from_the_generator_it_is_given():
    one, two = (init.uniform(np.random.default_rng(5), 3, 4, 1.0) for _ in range(2))
    assert np.array_equal(one, two)
    rng = np.random.default_rng(5)
    init.uniform(rng, 3, 4, 1.0)
    assert not np.array_equal(init.uniform(rng, 3, 4, 1.0), one)
