"""Delayed echo: repeat the bit that came in a given number of steps ago.

The plainest question for a truncation: the answer lies exactly `lag` steps back.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_fits, check_rng, check_size


class Stream(NamedTuple):
    """Random bits, the bits of `lag` steps before, and where there are any."""

    x: Array  # (T, N, 1), -1.0 or 1.0
    target: Array  # (T, N) integer, 0 or 1; 0 where there is nothing to say yet
    mask: Array  # (T, N) bool, False for the first `lag` steps


def stream(rng: np.random.Generator, T: int, N: int, lag: int) -> Stream:
    """Draw N streams of T random bits.

    Parameters
    ----------
    rng : numpy.random.Generator
    T, N : int
    lag : int
        How many steps later a bit is asked for; below T.

    Returns
    -------
    Stream
    """
    check_rng(rng)
    lag, (T, N) = check_size("lag", lag), check_fits(T=T, N=N)
    if lag >= T:
        raise ValueError(f"lag must be below T = {T}, got {lag}")
    bits = rng.integers(0, 2, (T, N))
    target = np.concatenate([np.zeros((lag, N), dtype=bits.dtype), bits[:-lag]])
    mask = np.ones((T, N), dtype=bool)
    mask[:lag] = False
    return Stream(2.0 * bits[..., None] - 1.0, target, mask)
