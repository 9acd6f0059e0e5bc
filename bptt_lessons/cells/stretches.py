"""Stretches of time: as many steps as fit into the processor's cache together."""

from __future__ import annotations

from collections.abc import Iterator

from bptt_lessons.arguments import Array, check_array, check_size

ROWS = 256  # enough for a fast matrix product; half or double costs 2 to 3 per cent more time


def stretches(T: int, N: int) -> list[slice]:
    """Cut T steps of N sequences into slices of about ROWS rows, at least one step each."""
    length = max(1, ROWS // check_size("N", N))
    T = check_size("T", T)
    return [slice(start, min(start + length, T)) for start in range(0, T, length)]


def project(x: Array, W: Array, b: Array) -> Iterator[Array]:
    """Return x_t W + b step by step, computed with one matrix product for each stretch.

    Parameters
    ----------
    x : array (T, N, D)
    W : array (D, K)
    b : array (K,)

    Returns
    -------
    iterator over T arrays (N, K)
        The caller may overwrite them.
    """
    _, _, D = check_array("x", x, "T N D").shape
    check_array("W", W, "D K", {"D": D})
    check_array("b", b, "K", {"K": W.shape[1]})
    return _projected(x, W, b)


def _projected(x: Array, W: Array, b: Array) -> Iterator[Array]:
    T, N, D = x.shape
    for part in stretches(T, N):
        z = x[part].reshape(-1, D) @ W
        z += b
        yield from z.reshape(-1, N, len(b))
