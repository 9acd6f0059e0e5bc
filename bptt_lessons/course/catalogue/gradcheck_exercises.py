"""Exercises on gradient checks: central differences and the complex step (lesson 02)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

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
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import gradcheck

CENTRAL = Mistakes("central_difference")


@CENTRAL.add
def central_difference_forward_only(f, w, eps):
    """That is the forward difference, from w to w + eps. Its error falls as eps, not as eps²:
    step to both sides of w, and the two errors of first order cancel."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up = w.copy()
        up[i] += eps
        gradient[i] = (f(up) - f(w)) / eps
    return gradient


@CENTRAL.add
def central_difference_backward_only(f, w, eps):
    """That is the backward difference, from w - eps to w. Its error falls as eps, not as eps²:
    step to both sides of w, and the two errors of first order cancel."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        down = w.copy()
        down[i] -= eps
        gradient[i] = (f(w) - f(down)) / eps
    return gradient


@CENTRAL.add
def central_difference_divided_by_one_eps(f, w, eps):
    """Your gradient is twice what it should be: from w - eps to w + eps, how far apart are the two points?"""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / eps
    return gradient


@CENTRAL.add
def central_difference_no_brackets(f, w, eps):
    """You divide by 2 and then multiply by eps: Python works from left to right, so a / 2 * eps is (a / 2) * eps.
    The 2 eps below the line needs brackets."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / 2 * eps
    return gradient


@CENTRAL.add
def central_difference_not_divided(f, w, eps):
    """You return the difference itself: a slope is a difference divided by the distance of the two points."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = f(up) - f(down)
    return gradient


@CENTRAL.add
def central_difference_sign_flipped(f, w, eps):
    """Your gradient has the wrong sign: it is the value above minus the value below."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(down) - f(up)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_half_steps(f, w, eps):
    """A sound central difference, but with half the step asked for: go a whole eps to each side,
    so that the points are 2 eps apart."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps / 2
        down[i] -= eps / 2
        gradient[i] = (f(up) - f(down)) / eps
    return gradient


@CENTRAL.add
def central_difference_all_entries_at_once(f, w, eps):
    """You move all entries of w together, which gives one number: the slope along the diagonal.
    The gradient has an entry for each entry of w: move one at a time."""
    return (f(w + eps) - f(w - eps)) / (2 * eps)


@CENTRAL.add
def central_difference_all_entries_in_each_turn(f, w, eps):
    """You loop over the entries, but up and down move all of them at once, so every entry gets the same sum.
    Move entry i and leave the others."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        gradient[i] = (f(w + eps) - f(w - eps)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_entries_stay_moved(f, w, eps):
    """Entries that you have moved stay moved, and the next ones start from there:
    take fresh copies of w for each entry, or put it back."""
    gradient = np.zeros_like(w)
    up, down = w.copy(), w.copy()
    for i in np.ndindex(w.shape):
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_up_and_down_are_one_array(f, w, eps):
    """Your gradient is zero because up and down are two names for one array, which goes up and down again:
    each needs a copy of its own."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up = down = w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_up_and_down_are_w(f, w, eps):
    """up = w makes no copy: up, down and w are three names for one array, which goes up and down again. Your
    gradient is zero, and w itself has been written into: take w.copy() for each."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up = w
        down = w
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_w_left_changed(f, w, eps):
    """You move entries of w itself and do not put them back, so the next ones are taken at another place,
    and the caller's w has changed: save the old entry and restore it, or work on copies."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w[i] += eps
        above = f(w)
        w[i] -= 2 * eps
        gradient[i] = (above - f(w)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_one_step_back_too_few(f, w, eps):
    """From w + eps one step of eps leads back to w, not to w - eps: your difference covers eps and you divide by 2 eps.
    Go back by 2 eps, or take two copies, one up, one down."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w[i] += eps
        above = f(w)
        w[i] -= eps
        gradient[i] = (above - f(w)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_one_step_back_too_few_in_a_copy(f, w, eps):
    """You move one copy up by eps and back by eps, which leads to w, not to w - eps: your difference covers eps
    and you divide by 2 eps. Take two copies, one up, one down."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up = w.copy()
        up[i] += eps
        gradient[i] = (f(up) - f(w)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_forward_only_in_w(f, w, eps):
    """That is the forward difference, whose error falls as eps only: step to both sides of w. And adding and
    subtracting eps does not put w back exactly: work on copies."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        below = f(w)
        w[i] += eps
        gradient[i] = (f(w) - below) / eps
        w[i] -= eps
    return gradient


@CENTRAL.add
def central_difference_up_is_w(f, w, eps):
    """up = w makes no copy: up and w are one array, which you move, and which stays moved. The caller's w has changed,
    and the next entries are taken at another place: take w.copy() for up and for down."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        down = w.copy()
        up = w
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_float32_inside(f, w, eps):
    """Your copies of w are in float32, whose seven digits leave few after the subtraction: stay in the dtype of w
    (w.copy() keeps it)."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.astype(np.float32), w.astype(np.float32)
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_row_by_row(f, w, eps):
    """For a matrix you move a whole row at a time: w[i] is a row there. np.ndindex(w.shape) runs over single entries,
    whatever the shape."""
    gradient = np.zeros_like(w)
    for i in range(len(w)):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_flat(f, w, eps):
    """The numbers are right, but in one long row: give the gradient the shape of w."""
    gradient = []
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient.append((f(up) - f(down)) / (2 * eps))
    return np.array(gradient)


@CENTRAL.add
def central_difference_second(f, w, eps):
    """That is the second difference, which gives the curvature. For the slope, f(w) itself is not needed."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - 2 * f(w) + f(down)) / eps**2
    return gradient


@CENTRAL.add
def central_difference_mutates_input(f, w, eps):
    """The values are right, but you move entries of w itself, and adding and subtracting eps does not lead back
    exactly: save the old entry and put it back, or work on copies."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w[i] += eps
        above = f(w)
        w[i] -= 2 * eps
        gradient[i] = (above - f(w)) / (2 * eps)
        w[i] += eps
    return gradient


@CENTRAL.add
def central_difference_one_index_for_all_entries(f, w, eps):
    """One running number reaches every entry only if w has one axis; in a matrix w[i] is a row, and i soon too large.
    np.ndindex(w.shape) runs over single entries, whatever the shape."""
    gradient = np.zeros_like(w)
    for i in range(w.size):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@CENTRAL.add
def central_difference_two_indices_only(f, w, eps):
    """You take it that w has two axes. It may have any number of them: np.ndindex(w.shape) gives an index with as many
    parts as there are axes, and w[i] takes it as it is."""
    gradient = np.zeros_like(w)
    for i, j in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i, j] += eps
        down[i, j] -= eps
        gradient[i, j] = (f(up) - f(down)) / (2 * eps)
    return gradient


COMPLEX = Mistakes("complex_step")


@COMPLEX.add
def complex_step_real_part(f, w, eps):
    """You take the real part, which is f(w) itself, to rounding. The derivative is in the imaginary part."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient[i] = np.real(f(w_complex)) / eps
    return gradient


@COMPLEX.add
def complex_step_modulus(f, w, eps):
    """np.abs mixes real and imaginary part. The derivative is in the imaginary part alone."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient[i] = np.abs(f(w_complex)) / eps
    return gradient


@COMPLEX.add
def complex_step_imaginary_part_not_taken(f, w, eps):
    """You return complex numbers: the gradient is real, and it is the imaginary part of f that holds it."""
    gradient = np.zeros(w.shape, complex)
    for i in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient[i] = f(w_complex) / eps
    return gradient


@COMPLEX.add
def complex_step_not_divided(f, w, eps):
    """The imaginary part is eps times the derivative: divide by eps."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient[i] = np.imag(f(w_complex))
    return gradient


@COMPLEX.add
def complex_step_divided_by_two_eps(f, w, eps):
    """Your gradient is half of what it should be. The 2 belongs to central differences, with two points 2 eps apart;
    here there is one point, eps away."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient[i] = np.imag(f(w_complex)) / (2 * eps)
    return gradient


@COMPLEX.add
def complex_step_sign_flipped(f, w, eps):
    """Your step goes to -i eps, which flips the sign of the result: go to w + i eps."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i] -= 1j * eps
        gradient[i] = np.imag(f(w_complex)) / eps
    return gradient


@COMPLEX.add
def complex_step_real_step(f, w, eps):
    """You step along the real axis, as for differences, where an eps of 1e-30 is lost in rounding:
    the step is imaginary, 1j * eps."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up = w.copy()
        up[i] += eps
        gradient[i] = (f(up) - f(w)) / eps
    return gradient


@COMPLEX.add
def complex_step_central_difference(f, w, eps):
    """That is the central difference, where an eps of 1e-30 is lost in rounding.
    Here w moves into the complex plane, by 1j * eps, and nothing is subtracted."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@COMPLEX.add
def complex_step_copy_still_real(f, w, eps):
    """Your gradient is zero, since f never sees an imaginary part. Either the step is real: it is 1j * eps. Or the copy
    of w is, and drops the imaginary part as you write it in: w.astype(complex) is complex."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w_step = w.copy()
        w_step[i] += 1j * eps
        gradient[i] = np.imag(f(w_step)) / eps
    return gradient


@COMPLEX.add
def complex_step_imaginary_step_into_w(f, w, eps):
    """w is an array of real numbers, and += cannot put complex ones into it. Make a complex copy for each entry,
    w.astype(complex), and add 1j * eps to that entry."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w += 1j * eps
        gradient[i] = np.imag(f(w)) / eps
    return gradient


@COMPLEX.add
def complex_step_w_left_changed(f, w, eps):
    """You move entries of w itself: it is real, so f never sees an imaginary part, and the caller's w has changed.
    Make a complex copy for each entry, w.astype(complex), and add 1j * eps there."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w[i] += eps
        gradient[i] = np.imag(f(w)) / eps
    return gradient


@COMPLEX.add
def complex_step_all_entries_at_once(f, w, eps):
    """You move all entries of w together, which gives one number: the slope along the diagonal.
    The gradient has an entry for each entry of w: move one at a time."""
    return np.imag(f(w + 1j * eps)) / eps


@COMPLEX.add
def complex_step_entries_stay_moved(f, w, eps):
    """Entries that you have moved stay moved, so each result contains those before it as well:
    take a fresh complex copy of w for each entry."""
    gradient = np.zeros_like(w)
    w_complex = w.astype(complex)
    for i in np.ndindex(w.shape):
        w_complex[i] += 1j * eps
        gradient[i] = np.imag(f(w_complex)) / eps
    return gradient


@COMPLEX.add
def complex_step_row_by_row(f, w, eps):
    """For a matrix you move a whole row at a time: w[i] is a row there. np.ndindex(w.shape) runs over single entries,
    whatever the shape."""
    gradient = np.zeros_like(w)
    for i in range(len(w)):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient[i] = np.imag(f(w_complex)) / eps
    return gradient


@COMPLEX.add
def complex_step_flat(f, w, eps):
    """The numbers are right, but in one long row: give the gradient the shape of w."""
    gradient = []
    for i in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient.append(np.imag(f(w_complex)) / eps)
    return np.array(gradient)


@COMPLEX.add
def complex_step_one_index_for_all_entries(f, w, eps):
    """One running number reaches every entry only if w has one axis; in a matrix w[i] is a row, and i soon too large.
    np.ndindex(w.shape) runs over single entries, whatever the shape."""
    gradient = np.zeros_like(w)
    for i in range(w.size):
        w_complex = w.astype(complex)
        w_complex[i] += 1j * eps
        gradient[i] = np.imag(f(w_complex)) / eps
    return gradient


@COMPLEX.add
def complex_step_two_indices_only(f, w, eps):
    """You take it that w has two axes. It may have any number of them: np.ndindex(w.shape) gives an index with as many
    parts as there are axes, and w[i] takes it as it is."""
    gradient = np.zeros_like(w)
    for i, j in np.ndindex(w.shape):
        w_complex = w.astype(complex)
        w_complex[i, j] += 1j * eps
        gradient[i, j] = np.imag(f(w_complex)) / eps
    return gradient


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
        misconceptions=CENTRAL.catalogue,
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
        misconceptions=COMPLEX.catalogue,
    ),
)
