"""Exercises on activations: the sigmoid, with which the course warms up."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import math

import numpy as np

from bptt_lessons.cells import activations
from bptt_lessons.course.catalogue.draws import draw
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise

SIGMOID = Mistakes("sigmoid")


@SIGMOID.add
def sigmoid_sign_flipped(z):
    """Your curve falls where it should rise: for a large positive z, σ(z) should be near 1.
    Look at the sign of z inside exp."""
    return 1 / (1 + np.exp(z))


@SIGMOID.add
def sigmoid_exp_of_large_z(z):
    """Right for small z, but exp(1000) overflows to inf, and inf / inf is nan.
    Divide top and bottom by exp(z) where z is positive, so that exp only ever sees numbers of at most 0."""
    return np.exp(z) / (1 + np.exp(z))


@SIGMOID.add
def sigmoid_negative_half_forgotten(z):
    """You take exp(-|z|), which never overflows, good; but then σ(-2) comes out the same as σ(2).
    For negative z the fraction needs another numerator."""
    return 1 / (1 + np.exp(-np.abs(z)))


@SIGMOID.add
def sigmoid_clipped_too_early(z):
    """Clipping z does keep exp from overflowing, but you clip so early that σ(z) stops short of 0 and 1.
    No clipping is needed if exp only ever sees numbers of at most 0."""
    return 1 / (1 + np.exp(-np.clip(z, -10, 10)))


@SIGMOID.add
def sigmoid_if_on_an_array(z):
    """`if`, `max`, `and`, `or` want one answer, and z > 0 is a whole array of them.
    np.where(condition, this, that) chooses entry by entry."""
    if z > 0:
        return 1 / (1 + np.exp(-z))
    return np.exp(z) / (1 + np.exp(z))


@SIGMOID.add
def sigmoid_math_exp(z):
    """math.exp takes one number, and z is an array: np.exp takes every entry in turn."""
    return 1 / (1 + math.exp(-z))


@SIGMOID.add
def sigmoid_if_on_a_row(z):
    """Your loop gives you numbers only where z has one axis; in a matrix each v is a row, and an if cannot choose
    for a whole row. np.where(condition, this, that) chooses entry by entry, whatever the shape."""
    return np.array([1 / (1 + np.exp(-v)) if v > 0 else np.exp(v) / (1 + np.exp(v)) for v in z])


@SIGMOID.add
def sigmoid_no_brackets(z):
    """Python divides before it adds, so 1 / 1 + exp(-z) is 1 + exp(-z): the whole denominator needs brackets."""
    return 1 / 1 + np.exp(-z)


@SIGMOID.add
def sigmoid_wrong_numerator(z):
    """You write exp(-z) / (1 + exp(-z)), which is 1 - σ(z): with exp(-z) below the line, a 1 stands above it."""
    return np.exp(-z) / (1 + np.exp(-z))


@SIGMOID.add
def sigmoid_no_one_below(z):
    """The 1 in the denominator is missing: what you have is exp(z), which grows without end.
    σ(0) should be one half."""
    return 1 / np.exp(-z)


@SIGMOID.add
def sigmoid_tanh(z):
    """That is tanh, which runs from -1 to 1; the sigmoid runs from 0 to 1.
    (They are cousins: σ(z) = (1 + tanh(z / 2)) / 2.)"""
    return np.tanh(z)


@SIGMOID.add
def sigmoid_derivative(z):
    """That is the slope σ(z) (1 - σ(z)), a bump around 0; what is asked for here is the value σ(z) itself."""
    s = activations.sigmoid(z)
    return s * (1 - s)


@SIGMOID.add
def sigmoid_softmax(z):
    """You divide by a sum over the whole array, which is a softmax: one entry's value then depends on the others.
    The sigmoid treats every entry of z on its own."""
    e = np.exp(z - z.max())
    return e / e.sum()


@SIGMOID.add
def sigmoid_mutates_input(z):
    """The values are right, but you write into z, and whoever called you still needs it:
    put the result into a new array."""
    positive = z > 0
    z[positive] *= -1
    np.exp(z, out=z)
    return np.where(positive, 1, z) / (1 + z)


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
        misconceptions=SIGMOID.catalogue,
    ),
)
