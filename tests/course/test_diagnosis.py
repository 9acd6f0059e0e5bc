"""Diagnosis: what is named explains every result, pairs and slips included."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from bptt_lessons.cells.rnn import Params
from bptt_lessons.course import EXERCISES, grading
from bptt_lessons.course.mistakes import derive, edits
from bptt_lessons.course.mistakes.edits import EditError
from bptt_lessons.course.results import is_right, same
from bptt_lessons.course.sandbox import called
from bptt_lessons.course.suspects import line_up, sentence_of

QUICK = [name for name in EXERCISES if name.split(".")[0] in ("rnn", "readout", "losses", "optim", "flow", "tbptt")]
some = pytest.mark.parametrize(
    "name", [n if n in QUICK[::4] else pytest.param(n, marks=pytest.mark.long) for n in EXERCISES]
)


def answers_of(exercise: Any, function: Any) -> Any:
    """Run a function of the course's own on all cases, and take its results apart."""
    return grading.tried(exercise, lambda case: called(function, case.arguments)).mine


def explained(exercise: Any, function: Any, names: tuple[str, ...]) -> bool:
    """Say whether the derived function of these mistakes gives what a function gives, in every case."""
    line = line_up(exercise)
    suspects = [next(s for s in line.suspects if s.name == name) for name in names]
    return all(map(same, answers_of(exercise, line.function(*suspects)), answers_of(exercise, function)))


def pairs_of(exercise: Any, number: int) -> list[tuple[str, str, Any]]:
    """Draw pairs of mistakes in different statements of the solution that do not cancel, with their function."""
    known = exercise.known.mistakes
    tree = edits.parsed(exercise.solution)
    candidates = list(itertools.combinations([m for m in known.values() if m.way == 0 and m.edits[0].statement], 2))
    random.Random(exercise.name).shuffle(candidates)
    right = answers_of(exercise, exercise.solution)
    found = []
    for a, b in candidates:
        if {e.statement for e in a.edits} & {e.statement for e in b.edits}:
            continue
        try:
            function = derive.derived(tree, [a, b], exercise.all_names)
        except (EditError, SyntaxError):
            continue
        mine = answers_of(exercise, function)
        finite = all(m.arrays is not None and all(np.isfinite(x).all() for x in m.arrays.values()) for m in mine)
        singles = [answers_of(exercise, exercise.misconceptions[m.name].function) for m in (a, b)]
        told_apart = finite and not any(all(map(same, mine, single)) for single in singles)
        if told_apart and all(m.problem is None for m in mine) and not all(map(is_right, mine, right)):
            found.append((a.name, b.name, function))
        if len(found) == number:
            break
    return found


@some
@np.errstate(all="ignore")
def test_two_mistakes_are_both_named_or_something_as_true_is(name: str, whole: bool) -> None:
    exercise = EXERCISES[name]
    named = []
    for a, b, function in pairs_of(exercise, 10 if whole else 4):
        report = exercise.grade(function)
        assert report.status == "wrong"
        if report.mistakes:
            assert explained(exercise, function, report.mistakes), (a, b, report.mistakes)
        named.append(set(report.mistakes) == {a, b})
    assert len(named) < 4 or sum(named) >= len(named) / 2, f"{sum(named)} of {len(named)}"


def not_a_slip_of_ours(params: Any, cache: Any, dh: Any) -> Any:
    """Scale W_hh's gradient by a factor that nobody would write."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, 0.37 * cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


def test_where_nothing_is_known_the_report_says_where_the_numbers_depart() -> None:
    report = EXERCISES["rnn.step_backward"].grade(not_a_slip_of_ours)
    assert (report.status, report.mistakes) == ("wrong", ())
    assert "`grads.W_hh" in str(report)
    assert "Every entry is 0.37 times as large." in str(report)
    assert "grads.W_hh, yours (* differs)" in report.block


def test_a_slip_is_told_by_its_quantity_and_kind_and_its_name_can_be_looked_up() -> None:
    exercise = EXERCISES["rnn.step_backward"]

    def slip(params: Any, cache: Any, dh: Any) -> Any:
        dz = dh * (1 - cache.h**2)
        return Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0)), dz @ params.W_xh.T, dz * dh @ params.W_hh.T

    report = exercise.grade(slip)
    if report.mistakes:
        assert explained(exercise, slip, report.mistakes)

    def minus(params: Any, cache: Any, dh: Any) -> Any:
        dz = dh * (1 + cache.h**2)
        return Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0)), dz @ params.W_xh.T, dz @ params.W_hh.T

    named = exercise.grade(minus).mistakes
    assert len(named) == 1
    assert explained(exercise, minus, named)
    assert sentence_of(exercise, named[0])


def remembers_its_first_answer() -> Any:
    kept: dict[Any, Any] = {}

    def step_backward(params: Any, cache: Any, dh: Any) -> Any:
        if dh.shape not in kept:
            kept[dh.shape] = EXERCISES["rnn.step_backward"].solution(params, cache, dh)
        return kept[dh.shape]

    return step_backward


def test_a_function_that_remembers_is_caught() -> None:
    report = EXERCISES["rnn.step_backward"].grade(remembers_its_first_answer())
    assert (report.status, report.misconception) == ("wrong", "remembers")


def test_the_array_that_is_written_into_is_named() -> None:
    def writes(params: Any, cache: Any, dh: Any) -> Any:
        result = EXERCISES["rnn.step_backward"].solution(params, cache, dh)
        cache.h_prev[0] = 0
        return result

    report = EXERCISES["rnn.step_backward"].grade(writes)
    assert report.misconception == "mutates-input"
    assert "The values are right, but `cache.h_prev` has been written into." in str(report)


def test_nan_alone_names_no_mistake() -> None:
    report = EXERCISES["losses.mse"].grade(lambda y, target, mask: np.float64("nan"))
    assert report.mistakes == ()
    assert report.misconception == "not-finite"
