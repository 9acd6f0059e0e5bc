"""Stretches of time: as many steps at once as stay in the processor's cache while they are worked on."""

from __future__ import annotations

from collections.abc import Iterator

from bptt_lessons.arguments import Array

ROWS = 256  # enough for a quick matrix product; half or double of it costs 2 to 3 per cent of the time


def stretches(T: int, N: int) -> list[slice]:
    """Cut T steps of N sequences into slices of about ROWS rows, at least one step each."""
    length = max(1, ROWS // N)
    return [slice(start, min(start + length, T)) for start in range(0, T, length)]


def project(x: Array, W: Array, b: Array) -> Iterator[Array]:
    """Yield x_t W + b for every step, computed by one product a stretch.

    Parameters
    ----------
    x : array (T, N, D)
    W : array (D, K)
    b : array (K,)

    Yields
    ------
    array (N, K)
        Overwrite it at will.
    """
    T, N, D = x.shape
    for part in stretches(T, N):
        z = x[part].reshape(-1, D) @ W
        z += b
        yield from z.reshape(-1, N, len(b))
