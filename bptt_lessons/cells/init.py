"""Starts: how a weight matrix is drawn before training."""

from __future__ import annotations

from typing import Any

import numpy as np

from bptt_lessons.arguments import Array, check_dtype, check_positive, check_rng, check_size


def uniform(rng: np.random.Generator, rows: int, columns: int, bound: float, dtype: Any = np.float64) -> Array:
    """Draw a (rows, columns) matrix, uniform in [-bound, bound).

    Raises
    ------
    ValueError
        If a size is below 1, `bound` is not positive or `dtype` is not floating.
    """
    check_rng(rng)
    shape = (check_size("rows", rows), check_size("columns", columns))
    limit = check_positive("bound", bound)
    return rng.uniform(-limit, limit, shape).astype(check_dtype(dtype))
