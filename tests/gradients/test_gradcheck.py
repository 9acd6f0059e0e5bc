"""The checks themselves, on functions whose gradient is known in closed form."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bptt_lessons.gradients import gradcheck

shapes = hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)
seeds = st.integers(0, 2**32 - 1)


def smooth(w: Any) -> Any:
    """Sum of w³ + sin w, with gradient 3 w² + cos w."""
    return np.sum(w**3 + np.sin(w))


@given(shapes, seeds)
def test_both_methods_find_a_known_gradient(shape, seed):
    w = np.asarray(np.random.default_rng(seed).uniform(-2, 2, shape))
    before = w.copy()
    right = np.asarray(3 * w**2 + np.cos(w))
    assert gradcheck.relative_error(gradcheck.central_difference(smooth, w), right) <= 1e-8
    assert gradcheck.relative_error(gradcheck.complex_step(smooth, w), right) <= 1e-14
    assert np.array_equal(w, before)


def test_the_error_of_central_differences_falls_as_the_square_of_the_step():
    w = np.array([0.3])
    errors = [
        abs(gradcheck.central_difference(lambda v: np.exp(v[0]), w, eps)[0] - np.exp(0.3)) for eps in (1e-2, 1e-3)
    ]
    assert 95 < errors[0] / errors[1] < 105
    assert abs(errors[0] - np.exp(0.3) * 1e-4 / 6) < 1e-9


def test_the_error_of_the_complex_step_has_no_v_shape():
    w = np.array([0.3])
    for eps in (1e-10, 1e-30, 1e-100, 1e-300):
        assert abs(gradcheck.complex_step(lambda v: np.exp(v[0]), w, eps)[0] / np.exp(0.3) - 1) <= 1e-15


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_dtype_is_kept(dtype):
    w = np.array([0.5, -1.5], dtype)
    for gradient in (gradcheck.central_difference(smooth, w, 1e-3), gradcheck.complex_step(smooth, w)):
        assert gradient.dtype == dtype
        assert gradcheck.relative_error(gradient, 3 * w**2 + np.cos(w)) <= 1e-3


def test_the_function_sees_a_fresh_array_of_the_same_precision_every_time():
    seen = []

    def spoiling(w: Any) -> Any:
        seen.append(w.dtype)
        value = np.sum(w * w)
        w[:] = 0
        return value

    w = np.array([1.0, 2.0], np.float32)
    assert gradcheck.relative_error(gradcheck.complex_step(spoiling, w), 2 * w) <= 1e-6
    assert gradcheck.relative_error(gradcheck.central_difference(spoiling, w, 1e-2), 2 * w) <= 1e-3
    assert np.array_equal(w, [1, 2])
    assert set(seen) == {np.dtype(np.complex64), np.dtype(np.float32)}


class Pair(NamedTuple):
    """Two arrays."""

    a: Any
    b: Any


def test_by_field_goes_through_nested_tuples():
    point = Pair(Pair(np.array([1.0, 2.0]), np.array([[3.0]])), np.array(4.0))

    def f(p: Any) -> Any:
        return p.a.a[0] * p.a.a[1] * p.a.b[0, 0] * p.b

    gradient = gradcheck.by_field(gradcheck.complex_step, f, point)
    right = Pair(Pair(np.array([24.0, 12.0]), np.array([[8.0]])), np.array(6.0))
    assert gradcheck.worst_error(gradient, right)[1] <= 1e-15


def test_relative_error_is_one_number_per_array():
    a, b = np.array([1.0, 1e-9]), np.array([1.0, 2e-9])
    assert gradcheck.relative_error(a, b) == pytest.approx(1e-9)  # per entry it would be a half
    assert gradcheck.relative_error(2 * a, a) == 0.5
    assert gradcheck.relative_error(a, 2 * a) == 0.5
    assert gradcheck.relative_error(np.zeros(3), np.zeros(3)) == 0
    assert gradcheck.relative_error(np.zeros(0), np.zeros(0)) == 0
    assert gradcheck.relative_error(np.array([3 + 4j]), np.array([0j])) == 1
    assert gradcheck.relative_error(np.array([1], np.uint8), np.array([2], np.uint8)) == 0.5  # 1 - 2 is not 255
    assert gradcheck.relative_error([1, 2], [1, 2]) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_below_no_tolerance(value):
    bad, good = np.array([1.0, value]), np.array([1.0, 2.0])
    for a, b in ((bad, good), (good, bad), (bad, bad)):
        assert not gradcheck.relative_error(a, b) <= 1e300
    for pair in (Pair(good, bad), Pair(bad, good)):
        _, error = gradcheck.worst_error(pair, Pair(good, 2 * good))
        assert not error <= 1e300


def test_worst_error_names_the_array():
    a = Pair(Pair(np.array([1.0]), np.array([1.0])), np.array([1.0]))
    b = Pair(Pair(np.array([1.0]), np.array([2.0])), np.array([1.1]))
    assert gradcheck.worst_error(a, b) == ("a.b", 0.5)
