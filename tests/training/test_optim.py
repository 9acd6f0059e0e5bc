"""Plain gradient descent."""

from __future__ import annotations

import numpy as np
import pytest

from bptt_lessons.cells import rnn
from bptt_lessons.training import loop, optim, readout


def test_sgd_takes_the_step_it_says_and_leaves_its_arguments_alone():
    params = rnn.Params(np.array([[1.0]]), np.array([[2.0]]), np.array([3.0]))
    grads = rnn.Params(np.array([[10.0]]), np.array([[-20.0]]), np.array([0.0]))
    for array in (*params, *grads):
        array.setflags(write=False)
    better = optim.sgd(params, grads, 0.5)
    assert type(better) is rnn.Params
    assert [float(p.item()) for p in better] == [-4.0, 12.0, 3.0]
    assert not any(np.shares_memory(new, old) for new, old in zip(better, params, strict=True))


def test_sgd_goes_through_a_nested_model():
    rng = np.random.default_rng(0)
    model = loop.Model(rnn.init(rng, 2, 3), readout.init(rng, 3, 1))
    better = optim.sgd(model, model, 0.25)
    assert type(better) is loop.Model
    assert type(better.readout) is readout.Readout
    assert np.array_equal(better.cell.W_hh, 0.75 * model.cell.W_hh)
    assert np.array_equal(better.readout.W_hy, 0.75 * model.readout.W_hy)


@pytest.mark.parametrize("lr", [0.1, 1, np.float64(0.1), np.float32(0.1), np.int64(1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_dtype_is_kept_whatever_number_lr_is(lr, dtype):
    params = rnn.Params(*(np.ones((1, 1), dtype) for _ in range(3)))
    assert {p.dtype for p in optim.sgd(params, params, lr)} == {np.dtype(dtype)}
