"""Delayed echo: the bit of `lag` steps before, and where there is none yet."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.tasks import delayed_echo

seeds = st.integers(0, 2**32 - 1)


@given(st.integers(2, 40), st.integers(1, 5), seeds, st.data())
def test_the_target_is_the_bit_of_lag_steps_before(T, N, seed, data):
    lag = data.draw(st.integers(1, T - 1))
    x, target, mask = delayed_echo.stream(np.random.default_rng(seed), T, N, lag)
    assert (x.shape, target.shape, mask.shape) == ((T, N, 1), (T, N), (T, N))
    assert (x.dtype, target.dtype.kind, mask.dtype) == (np.float64, "i", np.bool_)
    assert set(np.unique(x)) <= {-1.0, 1.0}
    for t in range(T):
        assert mask[t].tolist() == [t >= lag] * N
        assert np.array_equal(target[t], x[t - lag, :, 0] > 0 if t >= lag else np.zeros(N))


def test_bits_are_fair_and_independent_over_steps_and_streams():
    x, _, _ = delayed_echo.stream(np.random.default_rng(0), 4000, 5, 3)
    bits = x[..., 0]
    assert abs(bits.mean()) < 0.04  # 20,000 fair bits of size 1: over five standard errors
    assert abs((bits[1:] * bits[:-1]).mean()) < 0.04
    assert abs((bits[3:] * bits[:-3]).mean()) < 0.04
    assert abs((bits[:, 0] * bits[:, 1]).mean()) < 0.08
