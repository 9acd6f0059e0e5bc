"""Monthly sunspot numbers, 1749 to 1983: one real series, 2,820 months long, that
rises and falls about every eleven years and never twice the same way.

The figures lie beside this file.  They are the data set ``sunspots`` of R's package
datasets (Andrews and Herzberg, *Data*, Springer 1985), collected at the Swiss Federal
Observatory in Zurich until 1960, then at the Tokyo Astronomical Observatory.  The
*relative* sunspot number counts spots, plus ten for every group of them, and is scaled
to make observers comparable.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_array, check_no_nan, check_real, check_size


class Series(NamedTuple):
    """A monthly series."""

    year: Array  # (2820,), the middle of each month in years
    number: Array  # (2820,), monthly mean relative sunspot number


def monthly() -> Series:
    """Return the whole series, from January 1749 to December 1983."""
    with (files("bptt_lessons.tasks") / "sunspots.txt").open(encoding="ascii") as table:
        rows = np.loadtxt(table)
    months = (np.arange(12) + 0.5) / 12
    return Series((rows[:, :1] + months).ravel(), rows[:, 1:].ravel())


def windows(series: Array, T: int) -> tuple[Array, Array]:
    """Cut a series into windows of T steps, each step's target the value that follows it.

    Parameters
    ----------
    series : array (L,)
    T : int
        Steps in a window, below L.

    Returns
    -------
    x, target : arrays (T, N, 1)
        N = (L - 1) // T windows that do not overlap; the oldest values that do not
        fill a window are left out.
    """
    check_array("series", series, "L")
    check_no_nan("series", series)
    check_real("series", series)
    T = check_size("T", T)
    N = (len(series) - 1) // T
    if N < 1:
        raise ValueError(f"series has shape {series.shape}, expected at least T + 1 = {T + 1} values")
    recent = series[-(N * T + 1) :]
    return recent[:-1].reshape(N, T).T[..., None].copy(), recent[1:].reshape(N, T).T[..., None].copy()
