"""Two mistakes at once: each is named, with the arrays in which it is seen."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from bptt_lessons.cells import rnn
from bptt_lessons.cells.rnn import Cache, Params
from bptt_lessons.course import EXERCISES
from bptt_lessons.course.grading import ALL_ELSE_IS_RIGHT

EXERCISE = EXERCISES["rnn.step_backward"]
# Mistakes in different arrays: the array, what it is instead, and the name of the mistake.
MISTAKES = {
    "grads.W_hh": (lambda params, cache, dh, dz: cache.h.T @ dz, "h-for-h-prev"),
    "grads.b_h": (lambda params, cache, dh, dz: dz.mean(axis=0), "bias-averaged"),
    "dx": (lambda params, cache, dh, dz: dh @ params.W_xh.T, "dh-for-dz-in-dx"),
    "dh_prev": (lambda params, cache, dh, dz: dz @ params.W_hh, "recurrent-weights-not-transposed"),
}


def with_mistakes(*arrays: str) -> Any:
    """Return a backward step in which these arrays are wrong."""

    def step_backward(params: Params, cache: Cache, dh: Any) -> Any:
        grads, dx, dh_prev = rnn.step_backward(params, cache, dh)
        right = {"grads.W_xh": grads.W_xh, "grads.W_hh": grads.W_hh, "grads.b_h": grads.b_h}
        right |= {"dx": dx, "dh_prev": dh_prev}
        dz = dh * (1 - cache.h**2)
        right |= {array: MISTAKES[array][0](params, cache, dh, dz) for array in arrays}
        return Params(*list(right.values())[:3]), right["dx"], right["dh_prev"]

    return step_backward


def sentence(array: str) -> str:
    text = ALL_ELSE_IS_RIGHT.sub("", EXERCISE.misconceptions[MISTAKES[array][1]].sentence)
    return text[0].upper() + text[1:]


@pytest.mark.parametrize("array", MISTAKES)
def test_alone_it_is_named_as_itself(array: str) -> None:
    report = EXERCISE.grade(with_mistakes(array))
    assert report.misconception == MISTAKES[array][1]
    assert "More than one thing" not in str(report)


@pytest.mark.parametrize(
    "arrays",
    [
        *itertools.combinations(MISTAKES, 2),
        *(pytest.param(three, marks=pytest.mark.long) for three in itertools.combinations(MISTAKES, 3)),
    ],
)
def test_together_each_is_named_where_it_is_seen(arrays: tuple[str, ...]) -> None:
    report = EXERCISE.grade(with_mistakes(*arrays))
    assert (report.status, report.misconception) == ("wrong", None)
    text = str(report)
    assert text.count("More than one thing is off.") == 1
    for array in arrays:
        assert f"In `{array}`: {sentence(array)}" in text
    assert "Only dx is off" not in text


def test_a_mistake_is_named_although_another_has_spoilt_one_of_its_arrays() -> None:
    def step_backward(params: Params, cache: Cache, dh: Any) -> Any:
        dz = dh * (1 - cache.h)  # without the square: everything is off, and W_hh's gradient has the wrong state too
        grads = Params(cache.x.T @ dz, cache.h.T @ dz, dz.sum(axis=0))
        return grads, dz @ params.W_xh.T, dz @ params.W_hh.T

    text = str(EXERCISE.grade(step_backward))
    known = EXERCISE.misconceptions["slope-not-squared"].sentence
    assert f"This, and something else, is off. In `grads.W_xh`, `grads.b_h`, `dx`, `dh_prev`: {known}" in text


@pytest.mark.parametrize(
    "name", ["rnn.step_backward", "unrolled.backward", "lstm.step_backward", "tbptt.contributions"]
)
def test_of_numbers_that_mean_nothing_nothing_is_said(name: str) -> None:
    exercise = EXERCISES[name]

    def scrambled(value: Any) -> Any:
        if isinstance(value, tuple):
            items = [scrambled(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return np.random.default_rng(np.shape(value)).normal(size=np.shape(value)) if value is not None else None

    report = exercise.grade(lambda *arguments: scrambled(exercise.solution(*arguments)))
    assert (report.status, report.misconception) == ("wrong", None)
    assert "off. In" not in str(report)


def test_a_sentence_that_says_that_all_else_is_right_says_only_the_rest() -> None:
    for sentence, rest in {
        "Only dx is off: it is made from dh.": "it is made from dh.",
        "dx and dh_prev are right, but the others are not.": "the others are not.",
        "Your h is right, but the cache holds z_t.": "the cache holds z_t.",
        "You divide by N: that is right, but late.": "You divide by N: that is right, but late.",
    }.items():
        assert ALL_ELSE_IS_RIGHT.sub("", sentence) == rest
