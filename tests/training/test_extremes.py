"""Extreme magnitudes: right to rounding wherever the right value is a number of the dtype, and no warnings.

Numbers are drawn evenly over the exponents of their dtype, from the smallest subnormal to the largest finite number,
with the ends themselves, zeros of both signs and 1.  The right values are computed in Python's fractions and in
decimals of 60 digits, which do not overflow.  NumPy raises at everything but underflow: a number too small for its
dtype becomes 0 or subnormal, and may be off by the smallest subnormal number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import any_cell
import numpy as np
import pytest
from any_cell import arrays_of, fast_cells, whole
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import activations, gru, lstm, rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.gradients import flow
from bptt_lessons.training import losses, optim, readout

gated = pytest.mark.parametrize("cell", [rnn, lstm, gru, *any_cell.VARIANTS], ids=any_cell.name_of)
REALS = (np.float32, np.float64)
reals = pytest.mark.parametrize("dtype", REALS)
PRECISE = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)


def numbers(dtype: Any, least: float = 0.0, most: float = math.inf) -> st.SearchStrategy[float]:
    """Plain numbers of every magnitude that a dtype has, or of those from `least` to `most`."""
    info = np.finfo(dtype)
    low, high = math.frexp(max(least, float(info.smallest_subnormal)))[1], math.frexp(min(most, float(info.max)))[1]
    magnitudes = st.builds(lambda m, e: math.ldexp(m, e), st.floats(0.5, 1, exclude_max=True), st.integers(low, high))
    ends = [0.0, 1.0, *map(float, (info.smallest_subnormal, info.tiny, info.eps, info.max))]
    either = st.one_of(magnitudes, st.sampled_from([end for end in ends if end == 0 or least <= end <= most]))
    rounded = either.map(lambda a: float(np.asarray(min(a, most, float(info.max)), dtype)))
    return st.builds(math.copysign, rounded, st.sampled_from([1.0, -1.0]))


def rows(dtype: Any, least: float = 0.0, most: float = math.inf, size: int = 6) -> st.SearchStrategy[list[float]]:
    """From 1 to `size` such numbers."""
    return st.lists(numbers(dtype, least, most), min_size=1, max_size=size)


@contextmanager
def strict() -> Iterator[None]:
    """Everything but underflow raises."""
    with np.errstate(all="raise", under="ignore"):
        yield


def largest(dtype: Any) -> Fraction:
    """The largest finite number."""
    return Fraction(float(np.finfo(dtype).max))


def assert_right(ours: Any, right: Any, dtype: Any, units: float = 8, scale: Any = 0) -> None:
    """One number is right to `units` of rounding, of itself or of `scale`, or to as many smallest numbers."""
    info = np.finfo(dtype)
    assert np.isfinite(ours), (ours, float(right))
    allowed = units * (Fraction(float(info.eps)) * max(abs(Fraction(right)), abs(Fraction(scale))))
    allowed += units * Fraction(float(info.smallest_subnormal))
    error = abs(Fraction(float(ours)) - Fraction(right))
    assert error <= allowed, (float(ours), float(right))


def exp(x: Fraction) -> Fraction:
    """e to the power of x to 60 digits; 0 below e^-2000, which no dtype here can hold."""
    if x < -2000:
        return Fraction(0)
    with localcontext(PRECISE):
        return Fraction((Decimal(x.numerator) / Decimal(x.denominator)).exp())


def log(x: Fraction) -> Fraction:
    """The natural logarithm to 60 digits."""
    with localcontext(PRECISE):
        return Fraction((Decimal(x.numerator) / Decimal(x.denominator)).ln())


def root(x: Fraction) -> Fraction:
    """The square root to 60 digits."""
    with localcontext(PRECISE):
        return Fraction((Decimal(x.numerator) / Decimal(x.denominator)).sqrt())


def length(row: list[float]) -> Fraction:
    """The root of the sum of squares."""
    return root(sum((Fraction(a) ** 2 for a in row), Fraction(0)))


# Elementwise functions.


def right_sigmoid(z: float) -> Fraction:
    """1 / (1 + e^-z), by the exponential of a number that is not positive."""
    e = exp(-abs(Fraction(z)))
    return (1 if z > 0 else e) / (1 + e)


def right_tanh(z: float) -> Fraction:
    """(1 - e^-2|z|) / (1 + e^-2|z|) with the sign of z; z - z³/3 where 60 digits would cancel."""
    if abs(z) < 1e-15:
        return Fraction(z) - Fraction(z) ** 3 / 3
    e = exp(-2 * abs(Fraction(z)))
    return (1 - e) / (1 + e) * (1 if z > 0 else -1)


RIGHT = {
    "sigmoid": right_sigmoid,
    "tanh": right_tanh,
    "relu": lambda z: max(Fraction(z), Fraction(0)),
    "linear": Fraction,
}
SLOPES = {
    "sigmoid": lambda h: Fraction(h) * (1 - Fraction(h)),
    "tanh": lambda h: 1 - Fraction(h) ** 2,
    "relu": lambda h: Fraction(int(h > 0)),
    "linear": lambda h: Fraction(1),
}


@reals
@pytest.mark.parametrize("activation", [TANH, SIGMOID, RELU, LINEAR], ids=lambda a: a.name)
@given(st.data())
def test_activations_and_their_slopes_are_right_at_every_magnitude(activation, dtype, data):
    z = data.draw(rows(dtype))
    with strict():
        h = activation.value(np.array(z, dtype))
        slope = activation.derivative(h)
    for z_i, h_i, slope_i in zip(z, h, slope, strict=True):
        assert_right(h_i, RIGHT[activation.name](z_i), dtype)
        if activation.name in ("tanh", "sigmoid"):
            assert_right(slope_i, SLOPES[activation.name](float(h_i)), dtype, scale=1)
        else:
            assert slope_i == SLOPES[activation.name](float(h_i))


@reals
def test_the_logistic_function_keeps_all_its_digits_before_it_saturates(dtype):
    """½ + ½ tanh(z/2) would lose them where the value is small and not yet 0."""
    z = np.linspace(-100, 20, 97).astype(dtype) if dtype is np.float32 else np.linspace(-745, 40, 97)
    with strict():
        values = activations.sigmoid(z)
    for ours, z_i in zip(values, z, strict=True):
        assert_right(ours, right_sigmoid(float(z_i)), dtype)


# Losses.


@reals
def test_the_squared_errors_gradient_of_the_largest_number_is_right_where_two_of_it_are_not(dtype):
    top = np.finfo(dtype).max
    y = np.full((2, 1, 2), top, dtype)
    with strict():
        dy = losses.mse_gradient(y, np.zeros_like(y))
    assert (dy == top / 2).all()


def right_cross_entropy(row: list[float], k: int) -> tuple[Fraction, list[Fraction]]:
    """The loss of one step and its gradient."""
    top = max(map(Fraction, row))
    e = [exp(Fraction(a) - top) for a in row]
    p = [a / sum(e) for a in e]
    return log(sum(e)) + top - Fraction(row[k]), [a - (i == k) for i, a in enumerate(p)]


@reals
@given(st.data())
def test_cross_entropy_and_its_gradient_are_right_even_of_logits_further_apart_than_any_number(dtype, data):
    row = data.draw(rows(dtype, size=5))
    k = data.draw(st.integers(0, len(row) - 1))
    y, target = np.array(row, dtype)[None, None], np.array([[k]])
    value, gradient = right_cross_entropy(row, k)
    with strict():
        dy = losses.softmax_cross_entropy_gradient(y, target).ravel()
        loss = losses.softmax_cross_entropy(y, target)
    if value <= largest(dtype):
        assert_right(loss, value, dtype, scale=1)
    elif value > 2 * largest(dtype) * (1 - Fraction(1, 1000)):
        assert loss == np.inf
    for ours, right in zip(dy, gradient, strict=True):
        assert_right(ours, right, dtype, scale=1)
    with strict():
        in_complex = losses.softmax_cross_entropy_gradient(y + 0j, target).ravel()
    assert np.isfinite(in_complex).all()
    assert np.abs(in_complex - dy).max() <= 8 * np.finfo(dtype).eps


@reals
def test_logits_at_both_ends_at_once(dtype):
    top = float(np.finfo(dtype).max)
    y = np.array([[[top, -top, 0.0], [top, top, -top]]], dtype)
    with strict():
        assert losses.softmax_cross_entropy(y, np.array([[0, 1]])) == pytest.approx(math.log(2) / 2, rel=1e-6)
        dy = losses.softmax_cross_entropy_gradient(y, np.array([[1, 2]]))
    assert np.array_equal(dy, np.array([[[0.5, -0.5, 0.0], [0.25, 0.25, -0.5]]]))


# Readout.


# Optimisers.


def tree(row: list[float], dtype: Any) -> Any:
    """A gradient with these entries, the last of them in the bias."""
    array = np.array(row, dtype)
    return readout.Readout(array[:-1, None], array[-1:])


def entries(a_tree: Any) -> Any:
    """All entries in one row."""
    return np.concatenate([array.ravel() for array in arrays_of(a_tree)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@given(st.data())
def test_the_global_norm_is_right_at_every_magnitude(dtype, data):
    real = np.empty(0, dtype).real.dtype.type
    row = data.draw(rows(real))
    grads = tree(row, real)
    if np.dtype(dtype).kind == "c":  # real and imaginary parts count alike
        grads = nested.map_arrays(lambda a: (a + 1j * a).astype(dtype), grads)
        row = row * 2
    right = length([float(real(a)) for a in row])
    if right <= largest(np.float64) * (1 - Fraction(1, 10**12)):
        with strict():
            ours = optim.global_norm(grads)
        own = np.float32 if dtype is np.complex64 else np.float64  # whose moduli are taken in their own precision
        assert_right(ours, right, own)


@reals
@given(st.data())
def test_clipping_keeps_the_direction_and_gives_the_length_at_every_magnitude(dtype, data):
    row, max_norm = data.draw(rows(dtype)), abs(data.draw(numbers(np.float64, least=1e-300, most=1e300))) or 1.0
    norm = length(row)
    with strict():
        clipped = entries(optim.clip_by_global_norm(tree(row, dtype), max_norm)) if norm < largest(np.float64) else []
    scale = min(Fraction(1), Fraction(max_norm) / norm) if norm else Fraction(1)
    info = np.finfo(dtype)
    # The scale is a number of the dtype: below the smallest normal one it is rounded to a multiple of the smallest.
    rounding = 8 * Fraction(float(info.eps)) * scale + 2 * Fraction(float(info.smallest_subnormal))
    for ours, a in zip(clipped, row, strict=len(clipped) > 0):
        allowed = rounding * abs(Fraction(a)) + 2 * Fraction(float(info.smallest_subnormal))
        assert abs(Fraction(float(ours)) - scale * Fraction(a)) <= allowed


def test_a_gradient_longer_than_any_number_is_refused():
    with pytest.raises(ValueError, match="global norm inf"):
        optim.clip_by_global_norm(tree([1.7e308, 1.7e308], np.float64), 1.0)


# Gradient flow.


@reals
@given(st.data())
def test_lengths_of_gradients_that_all_but_vanish_or_explode_are_right(dtype, data):
    """A linear net whose only weight is a power of two: the gradient halves or doubles at every step, exactly."""
    row = data.draw(rows(dtype, least=float(np.finfo(dtype).tiny), most=float(np.finfo(dtype).max) / 1e3, size=4))
    halvings = data.draw(st.integers(0, 60))
    H = len(row)
    cell = rnn.with_activation(LINEAR)
    params = rnn.Params(np.zeros((1, H), dtype), np.eye(H, dtype=dtype) / 2, np.zeros(H, dtype))
    _, _, caches = unrolled.forward(cell, params, np.zeros((halvings + 1, 2, 1), dtype), np.zeros((2, H), dtype))
    dh_T = np.stack([np.array(row, dtype), np.ones(H, dtype)])
    with strict():
        norms = flow.gradient_norms(cell, params, caches, dh_T)
    for s in (0, halvings):
        right = length(row) / 2 ** (halvings - s)
        assert_right(norms[s, 0], right, dtype, units=8 * H)  # halved H times below the normal numbers
        assert_right(norms[s, 1], root(Fraction(H)) / 2 ** (halvings - s), dtype)


# Cells.


@gated
@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_weights_of_every_size_with_inputs_of_the_inverse_size_are_the_plain_net(cell, size):
    """x by its power of two, W_xh by the inverse: the same pre-activations, bit for bit."""
    power = 2.0 ** round(math.log2(size))
    params, x, state0, dh, dstate_T = any_cell.draw(cell, 0, 5, 3, 2, 4)
    scaled = params._replace(W_xh=params.W_xh / power)
    with strict():
        h, state_T, tape = whole(cell).forward(scaled, x * power, state0)
        grads, dx, dstate_0 = whole(cell).backward(scaled, tape, dh, dstate_T)
    right_h, right_T, right_tape = whole(cell).forward(params, x, state0)
    right, right_dx, right_0 = whole(cell).backward(params, right_tape, dh, dstate_T)
    ours = [h, state_T, grads._replace(W_xh=grads.W_xh / power), dx * power, dstate_0]
    expected = [right_h, right_T, right, right_dx, right_0]
    assert all(np.array_equal(a, b) for a, b in zip(arrays_of(*ours), arrays_of(*expected), strict=True))


@gated
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@given(st.data())
def test_cells_with_weights_of_every_size_stay_finite_and_quiet(cell, dtype, data):
    """Saturated or all but silent, with gradients as large as their sums allow: T·H·|W_hh| must not pile up."""
    real = np.empty(0, dtype).real.dtype.type
    third = float(np.finfo(real).max) ** (1 / 3)
    of_x, of_W, of_b, of_dh = (abs(data.draw(numbers(real, least=1 / third, most=third / 1e3))) for _ in range(4))
    problem = any_cell.draw(cell, data.draw(st.integers(0, 1000)), 4, 2, 3, 3, dtype)
    params, x, state0, dh, dstate_T = problem
    params = params._replace(W_xh=params.W_xh * real(of_W), b_h=params.b_h * real(of_b))
    with strict():
        h, state_T, tape = whole(cell).forward(params, x * real(of_x), state0)
        grads, dx, dstate_0 = whole(cell).backward(params, tape, dh * real(of_dh), dstate_T)
        state, cache = cell.step(params, x[0] * real(of_x), state0)
        back = cell.step_backward(params, cache, nested.map_arrays(lambda d: d * real(of_dh), dstate_T))
    made = arrays_of(h, state_T, grads, dx, dstate_0, state, list(back))
    assert all(np.isfinite(array).all() for array in made)
    if np.dtype(dtype).kind == "f":
        assert np.abs(h).max() <= max(1, np.abs(unrolled.hidden(state0)).max())


@fast_cells
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.data())
def test_the_fast_pass_of_a_saturated_net_is_that_of_the_loop(cell, dtype, data):
    """Gates are right to rounding of 1: one that is shut by e^-40 may be 0 in one and 4e-18 in the other."""
    size = abs(data.draw(numbers(dtype, least=1e-3, most=1e30))) or 1.0
    params, x, state0, _, _ = any_cell.draw(cell, data.draw(st.integers(0, 1000)), 4, 2, 3, 3, dtype)
    params = params._replace(W_xh=params.W_xh * dtype(size))
    with strict():
        h, state_T, _ = cell.forward(params, x, state0)
        slow_h, slow_state_T, _ = unrolled.forward(cell, params, x, state0)
    eps = np.finfo(dtype).eps
    # a pre-activation of size z is itself rounded to z·eps, where the slope may be as large as 1; that of h is about 1
    near = min(max(size, 1.0), 20.0)
    assert np.abs(h - slow_h).max() <= 100 * eps * near
    for ours, right in zip(arrays_of(state_T), arrays_of(slow_state_T), strict=True):
        assert np.abs(ours - right).max() <= 100 * eps * near
    assert activations.sigmoid(np.array([-40.0])).item() == pytest.approx(math.exp(-40), rel=1e-15)
