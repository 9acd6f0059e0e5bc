"""The cliff: a net of one unit whose loss has a wall (Pascanu, Mikolov and Bengio 2013, figure 6).

    x_t = w σ(x_{t-1}) + b,        L = (σ(x_50) - 0.7)²,        x_0 = 0.5

Two numbers, fifty steps, no input: enough for a place where the gradient is ten thousand
times larger than nearby.  Everything runs over arrays of w and b at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_numbers, check_size

STEPS, START, TARGET = 50, 0.5, 0.7
W, B = (4.5, 7.0), (-3.2, -2.0)  # the region of the wall


class Point(NamedTuple):
    """The two parameters, or a gradient with respect to them."""

    w: Array  # any shape
    b: Array  # the shape of w


def loss_and_gradient(point: Point, steps: int = STEPS) -> tuple[Array, Point]:
    """Loss and gradient at every (w, b), by backpropagation through time.

    Parameters
    ----------
    point : Point
        Two arrays of one shape, or two numbers.
    steps : int, optional

    Returns
    -------
    loss : array, the shape of w
    grads : Point
    """
    if not isinstance(point, tuple) or len(point) != 2:
        raise ValueError(f"point must be cliff.Point(w, b), got {type(point).__name__}")
    w, b = point
    check_numbers("point.w", w)
    check_numbers("point.b", b)
    if np.shape(w) != np.shape(b):
        raise ValueError(f"point.b has shape {np.shape(b)}, expected that of w, {np.shape(w)}")
    h = [np.full(np.shape(w), 1 / (1 + np.exp(-START)), np.result_type(w, b, 1.0))]  # σ(x_0)
    for _ in range(check_size("steps", steps)):
        h.append(1 / (1 + np.exp(-(w * h[-1] + b))))
    dh, dw, db = 2 * (h[-1] - TARGET), np.zeros_like(h[0]), np.zeros_like(h[0])
    for h_prev, h_t in zip(h[-2::-1], h[:0:-1], strict=True):
        dx = dh * h_t * (1 - h_t)
        dw, db, dh = dw + dx * h_prev, db + dx, dx * w
    return (h[-1] - TARGET) ** 2, Point(dw, db)
