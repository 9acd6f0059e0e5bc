"""Temporal order: two signals far apart in noise, and the question is in which order they came
(Hochreiter and Schmidhuber 1997, experiment 6a; as Pascanu, Mikolov and Bengio 2013 use it).
"""

from __future__ import annotations

import numpy as np

from bptt_lessons.arguments import check_fits, check_rng, check_size
from bptt_lessons.tasks.batch import Batch

SYMBOLS = "ABcdef"  # the two signals, and four that mean nothing


def sequences(rng: np.random.Generator, T: int, N: int) -> Batch:
    """Draw N sequences: one signal within [T/10, 2T/10), one within [4T/10, 5T/10), noise elsewhere.

    Parameters
    ----------
    rng : numpy.random.Generator
    T, N : int
        T at least 10.

    Returns
    -------
    Batch
        x (T, N, 6): one of the six is 1.0; target (T, N): 0 for A A, 1 for A B, 2 for B A, 3 for B B, the
        same at every step; mask (T, N): True at the last step only.
    """
    check_rng(rng)
    if check_size("T", T) < 10:
        raise ValueError(f"T must be at least 10, so that both signals have a place, got {T}")
    T, N = check_fits(T=T, N=N)
    n = np.arange(N)
    symbol = rng.integers(2, 6, (T, N))
    signals = rng.integers(0, 2, (2, N))
    symbol[rng.integers(T // 10, 2 * T // 10, N), n] = signals[0]
    symbol[rng.integers(4 * T // 10, 5 * T // 10, N), n] = signals[1]
    mask = np.zeros((T, N), dtype=bool)
    mask[-1] = True
    return Batch(np.eye(6)[symbol], np.broadcast_to(2 * signals[0] + signals[1], (T, N)).copy(), mask)
