"""Activations: values at the ends of the number line, slopes from values, the largest slope."""

from __future__ import annotations

import numpy as np
import pytest

from bptt_lessons.cells import activations
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.gradients import gradcheck

ALL = [TANH, SIGMOID, RELU, LINEAR]


@pytest.mark.parametrize(
    ("z", "value"),
    [
        *[(1000.0, 1.0), (1e300, 1.0), (np.inf, 1.0), (-1000.0, 0.0), (-1e300, 0.0), (-np.inf, 0.0)],
        *[(0.0, 0.5), (-0.0, 0.5), (1e-300, 0.5), (-1e-300, 0.5), (np.log(3), 0.75), (-np.log(3), 0.25)],
    ],
)
def test_sigmoid_is_exact_where_it_is_known(z, value):
    with np.errstate(all="raise", under="ignore"):
        result = activations.sigmoid(np.array([z, z]))
    assert np.abs(result - value).max() <= 1e-16


def test_sigmoid_keeps_small_values_that_are_not_zero():
    z = np.array([-700.0, -100.0, -40.0])
    assert gradcheck.relative_error(activations.sigmoid(z) / np.exp(z), np.ones(3)) <= 1e-15


def test_sigmoid_of_minus_z_is_one_minus_sigmoid_of_z():
    z = np.linspace(-30, 30, 1001)
    assert np.abs(activations.sigmoid(z) + activations.sigmoid(-z) - 1).max() <= np.finfo(float).eps


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
