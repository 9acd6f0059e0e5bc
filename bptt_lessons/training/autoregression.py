"""Linear autoregression: the next value as a weighted sum of the last p, the honest
baseline for a network that forecasts a series.
"""

from __future__ import annotations

import numpy as np

from bptt_lessons.arguments import (
    Array,
    check_array,
    check_no_nan,
    check_precision,
    check_real,
    check_size,
    check_solvable,
)


def fit(series: Array, p: int) -> Array:
    """Fit the weights by least squares.

    Parameters
    ----------
    series : array (L,)
        L > p.
    p : int
        How many values back.

    Returns
    -------
    array (p + 1,)
        Weights of the last p values, the newest first, then the constant.
    """
    rows = lagged(series, p)
    p = rows.shape[1] - 1
    check_solvable("series", series)
    return np.linalg.lstsq(rows, series[p:], rcond=None)[0]


def predict(weights: Array, series: Array) -> Array:
    """Forecast every value of a series but the first p from the p values before it.

    Parameters
    ----------
    weights : array (p + 1,)
        From `fit`.
    series : array (L,)

    Returns
    -------
    array (L - p,)
        Forecasts of ``series[p:]``.
    """
    check_array("weights", weights, "p+1")
    if len(weights) < 2:
        raise ValueError(f"weights has shape {weights.shape}, expected (p+1,) with p at least 1")
    check_array("series", series, "L")
    check_real("weights", weights)
    check_precision(weights=weights, series=series)
    return lagged(series, len(weights) - 1) @ weights


def lagged(series: Array, p: int) -> Array:
    """Return, for each value but the first p, the p values before it, newest first, and a 1: array (L - p, p + 1)."""
    check_array("series", series, "L")
    check_real("series", series)
    check_no_nan("series", series)
    p = check_size("p", p)
    if len(series) <= p:
        raise ValueError(f"series has shape {series.shape}, expected more than p = {p} values")
    columns = [series[p - 1 - lag : len(series) - 1 - lag] for lag in range(p)]
    return np.stack([*columns, np.ones(len(series) - p, series.dtype)], axis=1)
