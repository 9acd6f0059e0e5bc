"""Adding: two of many numbers are marked, and the target is their sum at the end
(Hochreiter and Schmidhuber 1997, experiment 4, in the form of Martens and Sutskever 2011).
"""

from __future__ import annotations

import numpy as np

from bptt_lessons.arguments import check_fits, check_rng
from bptt_lessons.tasks.batch import Batch

BASELINE = 1 / 6  # mean squared error of always saying 1: the variance of the sum of two uniform numbers


def sequences(rng: np.random.Generator, T: int, N: int) -> Batch:
    """Draw N sequences of T numbers, one marked in the first half and one in the second.

    Parameters
    ----------
    rng : numpy.random.Generator
    T, N : int
        T at least 2.  The first half is steps 0 ... T // 2 - 1.

    Returns
    -------
    Batch
        x (T, N, 2): a number in [0, 1), and 1.0 where it is marked, else 0.0; target (T, N, 1): the sum,
        the same at every step; mask (T, N): True at the last step only.
    """
    T, N = check_sizes(rng, T, N)
    x = np.zeros((T, N, 2))
    x[:, :, 0] = rng.random((T, N))
    n = np.arange(N)
    first, second = rng.integers(0, T // 2, N), rng.integers(T // 2, T, N)
    x[first, n, 1] = x[second, n, 1] = 1
    total = x[first, n, 0] + x[second, n, 0]
    mask = np.zeros((T, N), dtype=bool)
    mask[-1] = True
    return Batch(x, np.tile(total[:, None], (T, 1, 1)), mask)


def check_sizes(rng: np.random.Generator, T: int, N: int) -> tuple[int, int]:
    """Return T and N as ints if `sequences` can take these, else raise ValueError."""
    check_rng(rng)
    T, N = check_fits(T=T, N=N)
    if T < 2:
        raise ValueError(f"T must be at least 2, so that both halves hold a number, got {T}")
    return T, N
