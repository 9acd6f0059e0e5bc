"""Copying: the message, the gap, the sign and the message again, and what guessing costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bptt_lessons.tasks import copying
from bptt_lessons.training import losses

gaps = st.integers(1, 60)
batches = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)


@given(gaps, batches, seeds)
@example(1, 1, 0)
def test_the_layout(gap, N, seed):
    x, target, mask = copying.sequences(np.random.default_rng(seed), gap, N)
    assert (x.shape, target.shape) == ((gap + 20, N, 10), (gap + 20, N))
    assert (x.dtype, target.dtype.kind) == (np.float64, "i")
    assert set(np.unique(x)) == {0.0, 1.0}
    assert (x.sum(axis=2) == 1).all()
    symbol = x.argmax(axis=2)
    message, between, sign, after = np.split(symbol, [10, 9 + gap, 10 + gap])
    assert (len(between), len(sign), len(after)) == (gap - 1, 1, 10)
    assert np.all(message < copying.SYMBOLS)
    assert np.all(sign == copying.SIGN)
    assert np.all(between == copying.BLANK)
    assert np.all(after == copying.BLANK)
    assert np.array_equal(target[-10:], message)  # each symbol is wanted gap + 10 steps after it came
    assert np.all(target[:-10] == copying.BLANK)
    assert (copying.BLANK, copying.SIGN) == (8, 9)
    assert (mask.shape, mask.dtype, mask.all()) == (target.shape, np.bool_, True)  # every step counts


def test_every_symbol_comes_up_about_equally_often_in_every_place():
    _, target, _ = copying.sequences(np.random.default_rng(0), 3, 8000)
    for place in target[-10:]:
        assert np.allclose(np.bincount(place, minlength=8) / 8000, 1 / 8, atol=0.02)  # over five standard errors


@pytest.mark.parametrize("gap", [1, 30, 100])
def test_the_baseline_is_the_loss_of_who_has_the_timing_right_and_the_message_forgotten(gap):
    _, target, _ = copying.sequences(np.random.default_rng(0), gap, 4)
    y = np.zeros((gap + 20, 4, 10))
    y[:-10, :, copying.BLANK] = 1000  # sure of nothing
    y[-10:, :, copying.SYMBOLS :] = -1000  # then any of the eight
    assert copying.baseline(gap) == pytest.approx(float(losses.softmax_cross_entropy(y, target)), rel=1e-12)
