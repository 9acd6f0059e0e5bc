"""The linear baseline finds the recurrence that made a series."""

from __future__ import annotations

import numpy as np
import pytest

from bptt_lessons.training import autoregression


def test_lagged_values_newest_first_and_a_one():
    rows = autoregression.lagged(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    assert np.array_equal(rows, [[2, 1, 1], [3, 2, 1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_linear_recurrence_is_found_and_forecast(dtype):
    series = [1.0, 2.0]
    for _ in range(30):
        series.append(1.2 * series[-1] - 0.9 * series[-2] + 0.5)
    series = np.array(series, dtype)
    weights = autoregression.fit(series, 2)
    tolerance = 1e-4 if dtype is np.float32 else 1e-12
    assert np.abs(weights - np.array([1.2, -0.9, 0.5])).max() <= tolerance
    forecast = autoregression.predict(weights, series)
    assert forecast.shape == (30,)
    assert weights.dtype == forecast.dtype == dtype
    assert np.abs(forecast - series[2:]).max() <= 10 * tolerance
