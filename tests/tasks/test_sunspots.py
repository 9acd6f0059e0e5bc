"""The sunspot series as R prints it, and windows of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.tasks import sunspots


def test_the_series_is_the_one_that_r_prints():
    year, number = sunspots.monthly()
    assert year.shape == number.shape == (2820,)
    assert not np.isnan(number).any()
    assert (number[0], number[-1]) == (58.0, 33.4)
    assert number.sum() == pytest.approx(144570.0, abs=1e-6)
    assert number.min() == 0.0
    assert number.max() == 253.8  # October 1957
    assert year[number.argmax()] == pytest.approx(1957 + 9.5 / 12)


def test_years_are_the_middles_of_months():
    year, _ = sunspots.monthly()
    assert (year[0], year[-1]) == pytest.approx((1749 + 0.5 / 12, 1984 - 0.5 / 12))
    assert np.allclose(np.diff(year), 1 / 12, rtol=0, atol=1e-9)


def test_what_a_caller_does_to_the_series_is_not_seen_by_the_next():
    sunspots.monthly().number[:] = 0
    assert sunspots.monthly().number[0] == 58.0


@given(st.integers(2, 60), st.integers(1, 20))
def test_windows_do_not_overlap_and_targets_are_the_next_value(length, T):
    series = np.arange(length, dtype=float)
    N = (length - 1) // T
    if N < 1:
        with pytest.raises(ValueError, match="series"):
            sunspots.windows(series, T)
        return
    x, target = sunspots.windows(series, T)
    assert x.shape == target.shape == (T, N, 1)
    assert np.array_equal(target, x + 1)
    in_order = x[..., 0].T.ravel()  # window after window
    assert np.array_equal(in_order, np.arange(length - 1 - N * T, length - 1))
    assert not np.shares_memory(x, series)
    assert not np.shares_memory(x, target)
