"""Activations: slopes from values, the largest slope, dtypes.  Their values are in ``training/test_extremes.py``."""

from __future__ import annotations

import numpy as np
import pytest

from bptt_lessons.cells import activations
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.gradients import gradcheck

ALL = [TANH, SIGMOID, RELU, LINEAR]


def test_sigmoid_of_a_plain_number():
    assert activations.sigmoid(0.0) == 0.5
    assert activations.sigmoid(np.float32(0)) == 0.5


@pytest.mark.parametrize("activation", ALL, ids=lambda a: a.name)
def test_the_slope_written_in_the_value_is_the_slope(activation):
    z = np.linspace(-4, 4, 98)  # an even number of them: none at the kink
    slope = [gradcheck.complex_step(lambda w: activation.value(w)[0], np.array([z_i]))[0] for z_i in z]
    assert gradcheck.relative_error(activation.derivative(activation.value(z)), np.array(slope)) <= 1e-14
    assert np.max(slope) <= activation.gamma
    assert np.max(slope) >= 0.995 * activation.gamma


@pytest.mark.parametrize("activation", ALL, ids=lambda a: a.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_and_shape_are_kept_and_out_is_filled(activation, dtype):
    z = np.linspace(-2, 2, 6).astype(dtype).reshape(2, 3)
    before = z.copy()
    for function in (activation.value, activation.derivative):
        result, out = function(z), np.empty_like(z)
        assert (result.dtype, result.shape) == (z.dtype, z.shape)
        assert function(z, out=out) is out
        assert np.array_equal(out, result)
        assert not np.shares_memory(result, z)
    assert np.array_equal(z, before)


@pytest.mark.parametrize("activation", ALL, ids=lambda a: a.name)
def test_the_value_may_be_written_over_its_argument(activation):
    z = np.linspace(-2, 2, 6)
    value = activation.value(z)
    activation.value(z, out=z)
    assert np.array_equal(z, value)


def test_relu_at_and_beside_the_kink():
    z = np.array([-1.0, 0.0, 2.0])
    assert np.array_equal(activations.relu(z), [0, 0, 2])
    assert np.array_equal(activations.relu_derivative(activations.relu(z)), [0, 0, 1])
