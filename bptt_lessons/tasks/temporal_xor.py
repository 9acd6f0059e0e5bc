"""Temporal XOR: predict the next bit of a stream in which every third bit is the XOR of
the two before it (Elman 1990).  Two bits in three cannot be known; one can.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_fits, check_rng


class Batch(NamedTuple):
    """Input bits, the bits that follow them, and where those can be known."""

    x: Array  # (T, N, 1), 0.0 or 1.0
    target: Array  # (T, N, 1), the next bit
    predictable: Array  # (T, N) bool


def sequences(rng: np.random.Generator, T: int, N: int) -> Batch:
    """Draw N streams of T steps: b1, b2, b1 xor b2, b3, b4, b3 xor b4, ...

    Parameters
    ----------
    rng : numpy.random.Generator
    T, N : int
        Steps and streams, at least 1.

    Returns
    -------
    Batch
    """
    check_rng(rng)
    T, N = check_fits(T=T, N=N)
    triples = T // 3 + 1
    bits = rng.integers(0, 2, (triples, 3, N))
    bits[:, 2] = bits[:, 0] ^ bits[:, 1]
    stream = bits.reshape(3 * triples, N, 1)[: T + 1].astype(float)
    predictable = np.broadcast_to((np.arange(T) % 3 == 1)[:, None], (T, N)).copy()
    return Batch(stream[:-1], stream[1:], predictable)
