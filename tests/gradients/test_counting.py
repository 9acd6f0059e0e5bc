"""Multiplications are counted as the shapes say."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.gradients import counting


def test_one_product():
    counted = counting.multiplications(np.matmul, np.ones((2, 3)), np.ones((3, 5)))
    assert counted.multiplications == 30
    assert type(counted.result) is np.ndarray
    assert np.array_equal(counted.result, np.full((2, 5), 3.0))


def test_a_step_back_multiplies_twice_as_often_as_a_step():
    N, D, H = 3, 2, 5
    rng = np.random.default_rng(0)
    params, x, h0, dh = rnn.init(rng, D, H), rng.normal(size=(N, D)), np.zeros((N, H)), np.ones((N, H))
    step = counting.multiplications(rnn.step, params, x, h0)
    assert step.multiplications == N * H * (D + H)
    back = counting.multiplications(rnn.step_backward, params, step.result[1], dh)
    assert back.multiplications == 2 * N * H * (D + H)
    right = rnn.step_backward(params, rnn.step(params, x, h0)[1], dh)
    assert all(np.array_equal(a, b) for a, b in zip(back.result[0], right[0], strict=True))
    assert type(back.result[0]) is rnn.Params
