"""Exercises on gradient checks: central differences and the complex step (lesson 02)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.course.catalogue.draws import (
    CUBES_AND_NEIGHBOURS,
    LAST_TANH,
    PRODUCT_OF_SINES,
    SUM_OF_CUBES,
    SUM_OF_EXPONENTIALS,
    Formula,
    draw,
)
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import gradcheck


def _case(label: str, f: Formula, w: object, eps: float) -> Case:
    return Case(f"{label}, eps = {eps:g}", {"f": f, "w": np.array(w), "eps": eps})


def central_difference_cases() -> tuple[Case, ...]:
    """First with a large step on a curved function, where one-sided differences are far off; then smaller steps."""
    rng = np.random.default_rng(71)
    return (
        _case("w of shape (3,)", SUM_OF_CUBES, [0.5, -1.2, 2.0], 0.1),
        _case("w of shape (2, 3)", CUBES_AND_NEIGHBOURS, [[0.4, -0.7, 1.1], [0.9, 0.2, -1.3]], 0.1),
        _case("w of shape (2, 1, 3)", PRODUCT_OF_SINES, draw(rng, 2, 1, 3, scale=1.4), 1e-3),
        _case("w of shape (3, 3)", LAST_TANH, draw(rng, 3, 3), 1e-5),
    )


def complex_step_cases() -> tuple[Case, ...]:
    """Tiny steps, as the method allows, and one large enough to see what is done with it."""
    rng = np.random.default_rng(72)
    return (
        _case("w of shape (3,)", SUM_OF_EXPONENTIALS, [0.5, -1.2, 2.0], 1e-30),
        _case("w of shape (2, 3)", CUBES_AND_NEIGHBOURS, [[0.4, -0.7, 1.1], [0.9, 0.2, -1.3]], 1e-20),
        _case("w of shape (2, 1, 3)", PRODUCT_OF_SINES, draw(rng, 2, 1, 3, scale=1.4), 1e-30),
        _case("w of shape (3, 3)", LAST_TANH, draw(rng, 3, 3), 0.01),
    )


def central_difference_lesson_case() -> Case:
    """As many numbers as the recurrent weights of a small net."""
    return _case("w of shape (16, 16)", LAST_TANH, draw(np.random.default_rng(73), 16, 16), 1e-5)


def complex_step_lesson_case() -> Case:
    """As many numbers as the recurrent weights of a small net."""
    return _case("w of shape (16, 16)", LAST_TANH, draw(np.random.default_rng(74), 16, 16), 1e-30)


EXERCISES = (
    Exercise(
        name="gradcheck.central_difference",
        lesson="02_backpropagation_through_time",
        minutes=8,
        solution=gradcheck.central_difference,
        returns=("gradient",),
        stub='''def my_gradcheck_central_difference(f, w, eps):
    """For each entry of w: (f(w moved up by eps) - f(w moved down by eps)) / (2 eps). f(w) is a number."""
    ...
''',
        hints=(
            "Move one entry of w a little up, then a little down, and see how much f changes. "
            "Everything else in w stays where it is, and w itself too.",
            "The gradient has the shape of w, whatever that is. np.ndindex(w.shape) runs over all indices i, "
            "such as (0, 2); w[i] and gradient[i] take them as they are.",
            "For each i take two fresh copies of w, add eps to entry i of one and subtract it in the other: "
            "gradient[i] is f of the first minus f of the second, over the distance between the two points.",
        ),
        make_cases=central_difference_cases,
        make_lesson_case=central_difference_lesson_case,
    ),
    Exercise(
        name="gradcheck.complex_step",
        lesson="02_backpropagation_through_time",
        minutes=7,
        solution=gradcheck.complex_step,
        returns=("gradient",),
        stub='''def my_gradcheck_complex_step(f, w, eps):
    """For each entry of w: the imaginary part of f(w with i·eps added to that entry), divided by eps."""
    ...
''',
        hints=(
            "f(w + i eps) = f(w) + i eps f'(w) + ...: the derivative sits in the imaginary part, "
            "and nothing has to be subtracted to get it out.",
            "The gradient is real and has the shape of w. The copy of w that you move has to be complex: "
            "w.astype(complex). np.ndindex(w.shape) runs over all indices.",
            "For each i: a fresh complex copy of w, 1j * eps added to its entry i, "
            "and gradient[i] is np.imag of f there, divided by eps.",
        ),
        make_cases=complex_step_cases,
        make_lesson_case=complex_step_lesson_case,
    ),
)
