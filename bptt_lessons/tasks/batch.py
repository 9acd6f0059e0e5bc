"""A batch of a task: what the net reads, what it should say, and when that counts."""

from __future__ import annotations

from typing import NamedTuple

from bptt_lessons.arguments import Array


class Batch(NamedTuple):
    """N sequences of T steps, side by side."""

    x: Array  # (T, N, D)
    target: Array  # (T, N, K) numbers, or (T, N) integers
    mask: Array  # (T, N) bool, True where the target counts
