"""Temporal order: two signals in their places, noise elsewhere, and a class that says in which order they came."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.tasks import temporal_order

lengths = st.integers(10, 120)
batches = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


@given(lengths, batches, seeds)
def test_shapes_dtypes_and_one_symbol_at_every_step(T, N, seed):
    x, target, mask = temporal_order.sequences(np.random.default_rng(seed), T, N)
    assert (x.shape, target.shape, mask.shape) == ((T, N, 6), (T, N), (T, N))
    assert (x.dtype, target.dtype.kind, mask.dtype) == (np.float64, "i", np.bool_)
    assert set(np.unique(x)) <= {0.0, 1.0}
    assert (x.sum(axis=2) == 1).all()


@given(lengths, batches, seeds)
def test_the_two_signals_are_in_their_places_and_make_the_class(T, N, seed):
    x, target, mask = temporal_order.sequences(np.random.default_rng(seed), T, N)
    symbol = x.argmax(axis=2)
    for n in range(N):
        first, second = np.flatnonzero(symbol[:, n] < 2)
        assert T // 10 <= first < 2 * T // 10
        assert 4 * T // 10 <= second < 5 * T // 10
        classes = {"AA": 0, "AB": 1, "BA": 2, "BB": 3}
        order = "".join(temporal_order.SYMBOLS[symbol[t, n]] for t in (first, second))
        assert (target[:, n] == classes[order]).all()
    assert mask[-1].all()
    assert not mask[:-1].any()


def test_every_class_place_and_symbol_comes_up_about_equally_often():
    x, target, _ = temporal_order.sequences(np.random.default_rng(0), 50, 8000)
    assert np.allclose(np.bincount(target[0], minlength=4) / 8000, 0.25, atol=0.025)  # over five standard errors
    symbol = x.argmax(axis=2)
    noise = symbol[symbol >= 2]
    assert np.allclose(np.bincount(noise)[2:] / len(noise), 0.25, atol=0.005)
    places = np.argwhere(symbol.T < 2)[:, 1].reshape(8000, 2)
    for column, start in ((0, 5), (1, 20)):
        counts = np.bincount(places[:, column] - start, minlength=5)
        assert len(counts) == 5
        assert np.allclose(counts / 8000, 0.2, atol=0.025)
