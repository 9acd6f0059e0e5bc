"""Exercises on starts: a random orthogonal matrix (lesson 03)."""

from __future__ import annotations

from bptt_lessons.cells import init
from bptt_lessons.course.catalogue.draws import Seeded
from bptt_lessons.course.exercises import Case, Exercise


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
    ),
)
