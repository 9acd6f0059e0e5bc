"""Exercises on activations: the sigmoid, with which the course warms up."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import activations
from bptt_lessons.course.catalogue.draws import draw
from bptt_lessons.course.exercises import Case, Exercise


def sigmoid_cases() -> tuple[Case, ...]:
    """Both signs, several ranks, and |z| up to 1000."""
    rng = np.random.default_rng(1)
    return (
        Case("shape (3,)", {"z": np.array([-2.0, 0.5, 3.0])}),
        Case("shape (2, 3), with a zero", {"z": np.array([[0.0, -1.5, 4.0], [12.0, -15.0, 0.3]])}),
        Case("shape (5,), |z| up to 1000", {"z": np.array([-1000.0, 1000.0, -40.0, 40.0, 1.0])}),
        Case("shape (4, 2, 3)", {"z": draw(rng, 4, 2, 3, scale=30.0)}),
    )


def sigmoid_lesson_case() -> Case:
    """An array as large as a batch of hidden states."""
    return Case("shape (48, 32, 16)", {"z": draw(np.random.default_rng(2), 48, 32, 16, scale=5.0)})


EXERCISES = (
    Exercise(
        name="activations.sigmoid",
        lesson="00_start_here",
        minutes=5,
        solution=activations.sigmoid,
        returns=("result",),
        stub='''def my_activations_sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z)) for every entry of the array z, however large |z| is."""
    ...
''',
        hints=(
            "exp(-z) overflows for very negative z, exp(z) for very positive z. "
            "The same fraction can be written with either of them: use each where it is at most 1.",
            "z may have any shape, and the result has the same one. np.where(z > 0, a, b) takes an entry of a "
            "where z is positive and of b elsewhere; both are arrays of that shape.",
            "With e = exp(-|z|), which lies between 0 and 1, the value is 1 / (1 + e) where z is positive. "
            "Where z is negative, the numerator is something other than 1.",
        ),
        make_cases=sigmoid_cases,
        make_lesson_case=sigmoid_lesson_case,
    ),
)
