"""Exercises on text: characters as numbers, and one character drawn from what a net says (lesson 09)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.catalogue.draws import draw, sizes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.tasks import text as text_task


def _encode_case(text: str, alphabet: str) -> Case:
    return Case(f"{len(text)} characters, K = {len(alphabet)}", {"text": text, "alphabet": alphabet})


def encode_cases() -> tuple[Case, ...]:
    """An alphabet that is in no order; capitals, spaces and line ends; one with more than is needed; one character."""
    return (
        _encode_case("banana", "nbca"),
        _encode_case("\n Up and up, it says. \n", " \n,.Uuadinpsyt?"),
        _encode_case("f(x) = 'é' # ε\n", "\n '()#=fxéabcε"),
        _encode_case("z", "xyz"),
    )


def encode_lesson_case() -> Case:
    """A text of fifty thousand characters."""
    alphabet = "".join(map(chr, range(32, 127)))
    rng = np.random.default_rng(940)
    return _encode_case("".join(alphabet[k] for k in rng.integers(0, len(alphabet), 50_000)), alphabet)


def _sample_case(seed: int, N: int, K: int, temperature: float, scale: float = 2.0) -> Case:
    rng = np.random.default_rng(seed)
    arguments = {"y": draw(rng, N, K, scale=scale), "temperature": temperature, "u": np.round(rng.random(N), 3)}
    return Case(f"{sizes(N=N, K=K)}, temperature = {temperature:g}", arguments)


def _edge_case() -> Case:
    """Four equally likely symbols, with u on the edges; two that are out of the question; and u just below 1."""
    y: Array = np.zeros((6, 4))
    y[4, 0], y[5, 3] = -5000.0, -5000.0
    u = np.array([0.0, 0.25, 0.5, 0.75, 0.0, 0.999])
    return Case("N = 6, K = 4, u on the edges", {"y": y, "temperature": 1.0, "u": u})


def sample_cases() -> tuple[Case, ...]:
    """Warm, cold and plain; logits that overflow; and u that falls on an edge exactly."""
    return (
        _sample_case(950, N=4, K=3, temperature=0.5),
        _sample_case(951, N=12, K=5, temperature=2.0),
        _sample_case(952, N=9, K=7, temperature=0.7, scale=2000.0),
        _edge_case(),
        _sample_case(953, N=20, K=8, temperature=1.5),
    )


def sample_lesson_case() -> Case:
    """A hundred texts side by side."""
    return _sample_case(954, N=100, K=90, temperature=0.8)


EXERCISES = (
    Exercise(
        name="text.encode",
        lesson="09_language_model",
        minutes=4,
        solution=text_task.encode,
        returns=("symbols",),
        stub='''def my_text_encode(text, alphabet):
    """Replace each of the L characters of text by its place in alphabet, a string of K characters in no particular
    order, each once. Return an array (L,) of integers from 0 to K - 1. (All characters of text are in alphabet.)"""
    ...
''',
        hints=(
            "Each character of the text is looked up in the alphabet. The alphabet is used as it is, in its own order.",
            "For the text 'banana' and the alphabet 'nbca' the answer is [1, 3, 0, 3, 0, 3]. A text may have half a "
            "million characters, and a dictionary finds each of them at once.",
            "enumerate(alphabet) gives pairs of place and character; make a dictionary from character to place, and an "
            "array of what it says for each character of the text.",
        ),
        make_cases=encode_cases,
        make_lesson_case=encode_lesson_case,
    ),
    Exercise(
        name="text.sample",
        lesson="09_language_model",
        minutes=6,
        solution=text_task.sample,
        returns=("symbols",),
        stub='''def my_text_sample(y, temperature, u):
    """One symbol for each row of y (N, K), from softmax(y / temperature), by u (N,), uniform numbers in [0, 1):
    the first j with P(0) + ... + P(j) > u. Logits may be as large as 5000. Return an array (N,) of integers."""
    ...
''',
        hints=(
            "Lay the probabilities of a row side by side from 0 to 1, each as wide as it is likely. u falls into one "
            "of these pieces, and that is the symbol.",
            "np.cumsum with axis=1 gives the right edges of the pieces, (N, K). u[:, None] is (N, 1) and can be "
            "compared with all edges of its own row. np.exp overflows above 709: take each row's maximum off first.",
            "Divide y by the temperature, take off the maximum (axis=1, keepdims=True), exponentiate, divide by the "
            "sum. In each row, count the edges that are <= u.",
        ),
        make_cases=sample_cases,
        make_lesson_case=sample_lesson_case,
    ),
)
