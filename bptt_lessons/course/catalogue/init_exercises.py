"""Exercises on starts: a random orthogonal matrix (lesson 03)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import init
from bptt_lessons.course.catalogue.draws import Seeded
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise

ORTHOGONAL = Mistakes("orthogonal")


@ORTHOGONAL.add
def orthogonal_without_signs(rng, H, gain):
    """Your Q is orthogonal, but its signs are whatever the QR routine chose, so some matrices come more often than
    others. Multiply each column by the sign of R's diagonal entry there."""
    Q, _ = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q


@ORTHOGONAL.add
def orthogonal_signs_on_rows(rng, H, gain):
    """Your signs multiply the rows of Q. R's diagonal entry j belongs to column j of Q: without a new axis, Q * signs
    multiplies the columns."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q * np.sign(np.diag(R))[:, None]


@ORTHOGONAL.add
def orthogonal_product_with_the_signs(rng, H, gain):
    """@ multiplies Q with the vector of signs and adds up, which leaves one number for each row. The star multiplies
    column by column: each column of Q by its own sign."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q @ np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_product_with_signs_of_the_whole_r(rng, H, gain):
    """You multiply Q, as a matrix, by the signs of all of R. Only the signs of R's diagonal are wanted, one for each
    column of Q, and the star multiplies column by column."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q @ np.sign(R)


@ORTHOGONAL.add
def orthogonal_signs_of_q(rng, H, gain):
    """You take the signs from the diagonal of Q. It is R whose diagonal is to become positive, so its signs are the
    ones to use."""
    Q, _ = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q * np.sign(np.diag(Q))


@ORTHOGONAL.add
def orthogonal_signs_of_the_whole_r(rng, H, gain):
    """You multiply by the signs of all of R, which is 0 below its diagonal, so half of Q is gone. Only the signs of the
    diagonal are wanted, np.diag(R), one for each column."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q * np.sign(R)


@ORTHOGONAL.add
def orthogonal_diagonal_for_its_signs(rng, H, gain):
    """You multiply the columns by R's diagonal itself, so they no longer have length 1: only its signs are wanted,
    np.sign."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q * np.diag(R)


@ORTHOGONAL.add
def orthogonal_absolute_values(rng, H, gain):
    """You take the absolute values of Q, and its columns are then no longer at right angles. The signs that are to
    become positive are those of R's diagonal: multiply each column of Q by its own."""
    Q, _ = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * np.abs(Q)


@ORTHOGONAL.add
def orthogonal_signs_made_negative(rng, H, gain):
    """Your matrix is the right one times -1: multiply each column by the sign of R's diagonal entry as it is, so that
    the diagonal becomes positive."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q * -np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_gain_forgotten(rng, H, gain):
    """Your matrix does not depend on gain. If you multiplied the normals by it, QR has put it into R: multiply at the
    end, after the signs."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_gain_and_signs_forgotten(rng, H, gain):
    """You return Q as it comes from QR: multiply each column by the sign of R's diagonal entry there, and the whole by
    gain."""
    Q, _ = np.linalg.qr(rng.normal(size=(H, H)))
    return Q


@ORTHOGONAL.add
def orthogonal_gain_squared(rng, H, gain):
    """You multiply by gain twice: once is enough for all singular values to be gain."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain**2 * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_gain_rooted(rng, H, gain):
    """You multiply by the root of gain. The singular values of Q are 1, and those of gain times Q are gain: no root."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return np.sqrt(gain) * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_divided_by_gain(rng, H, gain):
    """You divide by gain, so a larger gain makes a smaller matrix: multiply."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return Q * np.sign(np.diag(R)) / gain


@ORTHOGONAL.add
def orthogonal_r_returned(rng, H, gain):
    """You return R, the triangular factor. The orthogonal one is Q, the first thing that np.linalg.qr returns."""
    _, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * R


@ORTHOGONAL.add
def orthogonal_q_and_r_exchanged(rng, H, gain):
    """Q and R have changed places: np.linalg.qr returns Q first, the orthogonal factor, and then R, the triangular
    one."""
    R, Q = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_result_not_unpacked(rng, H, gain):
    """np.linalg.qr returns two matrices, and a pair does not multiply as an array does: write Q, R = np.linalg.qr(...)
    first."""
    return gain * np.linalg.qr(rng.normal(size=(H, H)))


@ORTHOGONAL.add
def orthogonal_transposed(rng, H, gain):
    """Your matrix is the transpose of the one asked for: orthogonal too, but another one. Leave Q as QR gives it."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * (Q * np.sign(np.diag(R))).T


@ORTHOGONAL.add
def orthogonal_of_the_transpose(rng, H, gain):
    """You factorise the transpose of the normals, which gives another orthogonal matrix: factorise them as they were
    drawn."""
    Q, R = np.linalg.qr(rng.normal(size=(H, H)).T)
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_normals_only(rng, H, gain):
    """You return the normals themselves, times gain. Their singular values are all different: factorise them with
    np.linalg.qr, and go on with Q."""
    return gain * rng.normal(size=(H, H))


@ORTHOGONAL.add
def orthogonal_normals_scaled(rng, H, gain):
    """You return normals divided by the root of H. That keeps lengths on average, but stretches some directions and
    crushes others: factorise the normals with np.linalg.qr, and go on with Q."""
    return gain * rng.normal(size=(H, H)) / np.sqrt(H)


@ORTHOGONAL.add
def orthogonal_normals_divided_by_their_norm(rng, H, gain):
    """You divide the normals by their largest singular value. One direction then has the right length, and all others
    shrink: factorise with np.linalg.qr, and go on with Q."""
    A = rng.normal(size=(H, H))
    return gain * A / np.linalg.norm(A, 2)


@ORTHOGONAL.add
def orthogonal_scaled_to_the_radius(rng, H, gain):
    """You scale the normals to the spectral radius gain. That settles the largest eigenvalue, and no length is kept:
    factorise with np.linalg.qr, and go on with Q."""
    A = rng.normal(size=(H, H))
    return gain * A / np.abs(np.linalg.eigvals(A)).max()


@ORTHOGONAL.add
def orthogonal_columns_of_length_one(rng, H, gain):
    """Your columns have length 1, but they are not at right angles to one another. np.linalg.qr does both."""
    A = rng.normal(size=(H, H))
    return gain * A / np.linalg.norm(A, axis=0)


@ORTHOGONAL.add
def orthogonal_rows_of_length_one(rng, H, gain):
    """Your rows have length 1, but they are not at right angles to one another. np.linalg.qr does both."""
    A = rng.normal(size=(H, H))
    return gain * A / np.linalg.norm(A, axis=1, keepdims=True)


@ORTHOGONAL.add
def orthogonal_left_singular_vectors(rng, H, gain):
    """You return the left singular vectors. They are orthogonal too, but with signs that nobody has settled; here the
    recipe is QR, with the signs of R's diagonal."""
    U, _, _ = np.linalg.svd(rng.normal(size=(H, H)))
    return gain * U


@ORTHOGONAL.add
def orthogonal_right_singular_vectors(rng, H, gain):
    """You return the right singular vectors. They are orthogonal too, but with signs that nobody has settled; here the
    recipe is QR, with the signs of R's diagonal."""
    _, _, Vt = np.linalg.svd(rng.normal(size=(H, H)))
    return gain * Vt


@ORTHOGONAL.add
def orthogonal_nearest_one(rng, H, gain):
    """You take the orthogonal matrix nearest to the normals, by SVD. It is drawn as fairly, but it is another one; the
    recipe here is QR, with the signs of R's diagonal."""
    U, _, Vt = np.linalg.svd(rng.normal(size=(H, H)))
    return gain * U @ Vt


@ORTHOGONAL.add
def orthogonal_eigenvectors(rng, H, gain):
    """You make a symmetric matrix and take its eigenvectors. They are orthogonal, with signs that nobody has settled;
    the recipe here is QR of the normals themselves."""
    A = rng.normal(size=(H, H))
    return gain * np.linalg.eigh(A + A.T)[1]


@ORTHOGONAL.add
def orthogonal_uniform(rng, H, gain):
    """You draw uniform numbers. Only normals have no favourite direction, which makes all orthogonal matrices equally
    likely: rng.normal(size=(H, H))."""
    Q, R = np.linalg.qr(rng.uniform(-1, 1, size=(H, H)))
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_uniform_from_zero(rng, H, gain):
    """You draw numbers between 0 and 1, so all your columns lean one way. Draw normals, which favour no direction:
    rng.normal(size=(H, H))."""
    Q, R = np.linalg.qr(rng.random(size=(H, H)))
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_drawn_twice(rng, H, gain):
    """You draw two matrices: Q comes from one and the signs from the other. Draw once, call np.linalg.qr once, and keep
    both its results."""
    Q = np.linalg.qr(rng.normal(size=(H, H)))[0]
    R = np.linalg.qr(rng.normal(size=(H, H)))[1]
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_seed_of_its_own(rng, H, gain):
    """You make a generator of your own, so every matrix you draw is the same. Draw from the rng that you are given."""
    Q, R = np.linalg.qr(np.random.default_rng(0).normal(size=(H, H)))
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_global_random_state(rng, H, gain):
    """You draw from np.random, a state that the whole program shares, and never look at rng: nobody could repeat your
    draw. Use rng.normal."""
    Q, R = np.linalg.qr(np.random.normal(size=(H, H)))  # noqa: NPY002
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_sizes_for_mean_and_width(rng, H, gain):
    """rng.normal(H, H) is one number, with the mean H and the standard deviation H. The shape is a keyword:
    rng.normal(size=(H, H))."""
    Q, R = np.linalg.qr(rng.normal(H, H))
    return gain * Q * np.sign(np.diag(R))


@ORTHOGONAL.add
def orthogonal_one_row_drawn(rng, H, gain):
    """np.linalg.qr wants a matrix, and you drew one row of numbers. The shape is a pair and goes by keyword,
    rng.normal(size=(H, H)): without size=, rng.normal takes a pair for two means."""
    Q, R = np.linalg.qr(rng.normal((H, H)))
    return gain * Q * np.sign(np.diag(R))


def _orthogonal_case(seed: int, H: int, gain: float) -> Case:
    return Case(f"H = {H}, gain = {gain:g}", {"rng": Seeded(seed), "H": H, "gain": gain})


def orthogonal_cases() -> tuple[Case, ...]:
    """Different sizes and gains, one of them 1, each with both signs on R's diagonal."""
    return (
        _orthogonal_case(132, H=3, gain=1.5),
        _orthogonal_case(134, H=5, gain=0.9),
        _orthogonal_case(135, H=4, gain=1.0),
        _orthogonal_case(137, H=6, gain=2.0),
    )


def orthogonal_lesson_case() -> Case:
    """The lesson's recurrent matrix."""
    return _orthogonal_case(136, H=50, gain=1.05)


EXERCISES = (
    Exercise(
        name="init.orthogonal",
        lesson="03_gradient_flow",
        minutes=8,
        solution=init.orthogonal,
        returns=("W",),
        stub='''def my_init_orthogonal(rng, H, gain):
    """Draw rng.normal(size=(H, H)) once, factorise it with np.linalg.qr, multiply each column of Q by the sign of R's
    diagonal entry there, and the whole by gain. Return W (H, H)."""
    ...
''',
        hints=(
            "Normals have no favourite direction; QR makes their columns perpendicular and of length 1. "
            "Q is settled up to a sign for each column, and the signs of R's diagonal settle those.",
            "rng.normal(size=(H, H)) is drawn once, and np.linalg.qr gives Q (H, H) and R (H, H). "
            "The diagonal of R is (H,), and so are its signs. A vector (H,) times a matrix (H, H), entry by entry, "
            "multiplies the columns.",
            "Keep both results of np.linalg.qr, Q and R. The signs are np.sign of np.diag of R; W is gain times Q "
            "times the signs, with the star each time.",
        ),
        make_cases=orthogonal_cases,
        make_lesson_case=orthogonal_lesson_case,
        misconceptions=ORTHOGONAL.catalogue,
    ),
)
