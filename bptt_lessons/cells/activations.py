"""Activations: what turns a pre-activation z into a value in a bounded or one-sided range.

Each comes with its derivative *written in terms of its own value*, because the value
is what a recurrent net keeps for its backward pass, and with γ, the largest slope,
which rules whether gradients can grow.  All of them run on complex numbers, so that
the complex step can pass through.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from bptt_lessons.arguments import Array, check_numbers, shown


class Elementwise(Protocol):
    """A function of an array, entry by entry, that can write into `out`."""

    def __call__(self, z: Array, /, out: Array | None = None) -> Array: ...


class Activation(NamedTuple):
    """An activation as a value, its derivative from that value, and its largest slope."""

    name: str
    value: Elementwise
    derivative: Elementwise
    gamma: float


def sigmoid(z: Array, out: Array | None = None) -> Array:
    """Logistic function 1 / (1 + exp(-z)), without overflow at either end.

    Parameters
    ----------
    z : array, any shape
        Pre-activation, real or complex.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, the shape of `z`
        exp is only ever taken of numbers whose real part is at most 0.
    """
    check_numbers("z", z, out)
    e = np.exp(np.where(np.real(z) > 0, -z, z))
    value: Array = np.divide(np.where(np.real(z) > 0, 1, e), 1 + e, out=out)
    return value


def relu(z: Array, out: Array | None = None) -> Array:
    """Return 0 where the real part of z is at most 0, z elsewhere (NaN stays NaN)."""
    check_numbers("z", z, out)
    return np.positive(np.where(np.real(z) <= 0, np.zeros_like(z), z), out=out)


def identity(z: Array, out: Array | None = None) -> Array:
    """Return z itself (copied)."""
    check_numbers("z", z, out)
    return np.positive(z, out=out)


def tanh_derivative(h: Array, out: Array | None = None) -> Array:
    """1 - h², the slope of tanh where its value is h."""
    check_numbers("h", h, out)
    return np.subtract(1, np.multiply(h, h, out=out), out=out)


def sigmoid_derivative(h: Array, out: Array | None = None) -> Array:
    """h (1 - h), the slope of the sigmoid where its value is h."""
    check_numbers("h", h, out)
    slope: Array = np.multiply(h, 1 - h, out=out)
    return slope


def relu_derivative(h: Array, out: Array | None = None) -> Array:
    """1 where h is positive, 0 elsewhere (0 at the kink)."""
    check_numbers("h", h, out)
    return np.multiply(np.real(h) > 0, np.ones_like(h), out=out)


def identity_derivative(h: Array, out: Array | None = None) -> Array:
    """1 everywhere."""
    check_numbers("h", h, out)
    return np.multiply(1, np.ones_like(h), out=out)


TANH = Activation("tanh", np.tanh, tanh_derivative, 1.0)
SIGMOID = Activation("sigmoid", sigmoid, sigmoid_derivative, 0.25)
RELU = Activation("relu", relu, relu_derivative, 1.0)
LINEAR = Activation("linear", identity, identity_derivative, 1.0)


def check_activation(name: str, activation: object) -> None:
    """Raise ValueError unless `activation` is an Activation."""
    if not isinstance(activation, Activation):
        raise ValueError(f"{name} must be an Activation such as activations.TANH, got {type(activation).__name__}")
    if not (callable(activation.value) and callable(activation.derivative)):
        raise ValueError(f"{name} must have functions as its value and derivative, got {shown(activation)}")
