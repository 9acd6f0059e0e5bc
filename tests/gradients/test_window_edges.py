"""Truncation and checkpointing with windows as long as the sequence or longer: full BPTT, in all four precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
from any_cell import all_cells, arrays_of, draw, whole
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.gradients import bptt, checkpointing, tbptt

size = st.integers(1, 3)
shapes = st.tuples(st.integers(1, 6), size, size, size)  # T, N, D, H
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64, np.complex64, np.complex128])


def draw_with_loss(cell: Any, seed: int, shape: Any, dtype: Any) -> tuple[Any, Any, Any, Any]:
    """Parameters, x, a state to start from, and a loss that is linear in h."""
    params, x, state0, weights, _ = draw(cell, seed, *shape, dtype)

    def loss_gradient(h: Any, start: int) -> Any:
        w = weights[start : start + len(h)]
        return np.sum(w * h), w, None

    return params, x, state0, loss_gradient


def assert_same(ours: bptt.Gradient, right: bptt.Gradient) -> None:
    """Loss and gradients agree to 100 units of rounding of the largest number, as in cells/test_symmetries.py."""
    a, b = arrays_of(ours.grads), arrays_of(right.grads)
    assert all(p.shape == q.shape and p.dtype == q.dtype for p, q in zip(a, b, strict=True))
    eps, scale = np.finfo(a[0].dtype).eps, max(np.abs(q).max() for q in b)
    assert max(np.abs(p - q).max() for p, q in zip(a, b, strict=True)) <= 100 * eps * scale
    assert abs(ours.loss - right.loss) <= 1000 * eps * max(1, abs(right.loss))


@all_cells
@given(shapes, seeds, dtypes, st.integers(0, 3))
def test_windows_and_segments_as_long_as_the_sequence_or_longer_are_full_bptt(cell, shape, seed, dtype, further):
    T = shape[0]
    given_to = draw_with_loss(cell, seed, shape, dtype)
    full = bptt.full_gradient(whole(cell), *given_to)
    k = T + further
    assert_same(tbptt.windowed_gradient(whole(cell), *given_to, k), full)
    assert_same(tbptt.windowed_gradient(whole(cell), *given_to, k, carry=False), full)
    assert_same(tbptt.sliding_gradient(cell, *given_to, k, k), full)
    assert_same(tbptt.sliding_gradient(cell, *given_to, 1, k), full)
    assert_same(tbptt.randomised_gradient(cell, *given_to, [], 0.5 if T == 1 else 0.0), full)
    assert_same(checkpointing.backward_sqrt(whole(cell), *given_to, segment=k), full)
    for keeps in ("state", "step"):
        assert_same(checkpointing.backward(cell, *given_to, checkpointing.schedule(T, k, keeps)), full)
