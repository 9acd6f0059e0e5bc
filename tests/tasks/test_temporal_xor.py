"""Temporal XOR: every third bit is the XOR of the two before it, and only that can be known."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.tasks import temporal_xor

lengths = st.integers(1, 20)
streams = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)


@given(lengths, streams, seeds)
def test_shapes_values_and_the_next_bit(T, N, seed):
    x, target, predictable = temporal_xor.sequences(np.random.default_rng(seed), T, N)
    assert (x.shape, target.shape, predictable.shape) == ((T, N, 1), (T, N, 1), (T, N))
    assert (x.dtype, target.dtype, predictable.dtype) == (np.float64, np.float64, np.bool_)
    assert set(np.unique([x, target])) <= {0.0, 1.0}
    assert np.array_equal(target[:-1], x[1:])


@given(lengths, streams, seeds)
def test_every_third_bit_is_the_xor_and_predictable_marks_exactly_those(T, N, seed):
    x, target, predictable = temporal_xor.sequences(np.random.default_rng(seed), T, N)
    bits = np.concatenate([x[:1], target]).astype(bool)[..., 0]  # the stream of T + 1 bits
    for position in range(T + 1):
        if position % 3 == 2:
            assert np.array_equal(bits[position], bits[position - 1] ^ bits[position - 2])
    assert np.array_equal(predictable, np.array([[(t + 1) % 3 == 2] * N for t in range(T)]))


def test_the_bits_that_cannot_be_known_are_fair_and_streams_are_their_own():
    x, target, predictable = temporal_xor.sequences(np.random.default_rng(0), 3000, 10)
    assert abs(target[~predictable].mean() - 0.5) < 0.02  # 20,000 fair bits: 0.02 is over five standard errors
    assert abs(np.corrcoef(x[:, 0, 0], x[:, 1, 0])[0, 1]) < 0.1
