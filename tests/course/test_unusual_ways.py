"""Right results in unusual containers are accepted, and a lesson that uses them gets what the package would return.

Wrong ones that differ from a right one only in how they are built are rejected.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from other_ways import RIGHT, name_of
from other_ways.dress import FUNCTIONS, RESULTS, WRONG_RESULTS, leaves_of, rebuilt, yielding

from bptt_lessons.course import EXERCISES
from bptt_lessons.course import learner_function as module_of_learner_function
from bptt_lessons.course.exercises import Exercise
from bptt_lessons.course.learner_function import LearnerFunction
from bptt_lessons.course.outcomes import snapshot
from bptt_lessons.course.sandbox import copied

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES.keys())

# These two ask for a mask of True and False and for whole numbers: numbers in a mask would be used as indices.
MASKS = {"adding.sequences", "copying.sequences"}
PATIENT = 60.0  # seconds for a function that is right, however busy the machine
NOT_ACCEPTED = dict.fromkeys(("whole numbers as floats", "yes and no as 1 and 0", "whole values as integers"), MASKS)
# Single precision cannot do these: it keeps four digits of logits near 500, and few of a small difference.
NEEDS_FLOAT64 = {
    "losses.softmax_cross_entropy": "float32-inside",
    "losses.softmax_cross_entropy_gradient": "float32-inside",
    "gradcheck.central_difference": "float32-inside",
}


def halved(names: Iterable[str]) -> list[Any]:
    """Keep every other one for the long run."""
    return [pytest.param(name, marks=pytest.mark.long) if i % 2 else name for i, name in enumerate(names)]


class Recorded:
    """A solution that has been run on all cases of its exercise, and now returns its results in turn."""

    def __init__(self, name: str) -> None:
        self.results = recorded_results(name)
        self.calls = 0

    def __call__(self, *arguments: Any) -> Any:
        result = self.results[self.calls % len(self.results)]
        self.calls += 1
        if isinstance(result, ValueError):
            raise result
        return copied(result)


@functools.cache
def quick(name: str) -> Exercise:
    """Return an exercise whose cases and results are known and whose mistakes have no names; draws stay as they are."""
    exercise = dataclasses.replace(EXERCISES[name], misconceptions={})
    if exercise.properties is not None:
        return exercise
    cases = exercise.make_cases()
    return dataclasses.replace(exercise, make_cases=lambda: cases, solution=Recorded(name))


@functools.cache
def recorded_results(name: str) -> list[Any]:
    """Return the package's results in all cases, and its errors."""
    results: list[Any] = []
    for case in EXERCISES[name].make_cases():
        try:
            with np.errstate(all="ignore"):
                results.append(EXERCISES[name].solution(*map(copied, case.arguments.values())))
        except ValueError as error:
            results.append(error)
    return results


def returned(name: str) -> list[Any]:
    """Return the package's results in the cases that it answers."""
    return [result for result in recorded_results(name) if not isinstance(result, ValueError)]


def right(name: str) -> Callable[..., Any]:
    """Return a right function for the quick exercise of that name."""
    return EXERCISES[name].solution if name in MASKS else Recorded(name)


def dressed(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a function whose result is changed."""
    return lambda *arguments: change(function(*arguments))


def second_case(exercise: Exercise) -> list[Any]:
    """Return copies of the arguments of the second case, whose sizes differ."""
    return list(map(copied, exercise.make_cases()[1].arguments.values()))


@functools.cache
def learner_function(name: str) -> LearnerFunction:
    """Return a learner's function in a lesson; it is given its function later, since making one takes time."""
    return LearnerFunction(EXERCISES[name], EXERCISES[name].solution)


def in_a_lesson(name: str, function: Callable[..., Any]) -> Any:
    """Return what a lesson gets from a right function; the function must not fail there."""
    learner = learner_function(name)
    learner.function, learner.failed = function, False
    result = learner(*second_case(EXERCISES[name]))
    assert not learner.failed, f"{name}: it was right, and failed in the lesson"
    return result


def unlike(a: Any, b: Any, tolerance: float, path: str = "result") -> str:
    """Say where `a` is not what the package returns, `b`: in type, dtype, shape or value; else nothing."""
    if isinstance(b, (list, tuple)):
        if type(a) is not type(b) or len(a) != len(b):
            return f"{path} is {a!r}, expected {b!r}"
        found = (unlike(p, q, tolerance, f"{path}[{i}]") for i, (p, q) in enumerate(zip(a, b, strict=True)))
        return next(filter(None, found), "")
    if b is None:
        return "" if a is None else f"{path} is not None"
    kind = np.ndarray if isinstance(b, np.ndarray) else (int, float, np.generic)
    if not isinstance(a, kind) or (isinstance(a, np.ndarray) and type(a) is not np.ndarray):
        return f"{path} is of type {type(a)}, expected {type(b)}"
    a, b = np.asarray(a), np.asarray(b)
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return f"{path} is of {a.dtype} and {a.shape}, expected {b.dtype} and {b.shape}"
    scale = max(np.max(np.abs(b), initial=0), 1e-300)
    return "" if np.max(np.abs(a - 1.0 * b), initial=0) <= tolerance * scale else f"{path} differs in value"


@pytest.mark.parametrize("dress", halved(RESULTS))
def test_a_right_result_in_unusual_dress_is_right(dress: str) -> None:
    tolerance = 1e-6 if "float32" in dress else 0
    wrong = {}
    for name, exercise in EXERCISES.items():
        report = quick(name).grade(dressed(right(name), RESULTS[dress]), time_limit=PATIENT)
        if report.status != "correct":
            wrong[name] = str(report)
            continue
        result = in_a_lesson(name, dressed(exercise.solution, RESULTS[dress]))
        assert not unlike(result, exercise.solution(*second_case(exercise)), tolerance), name
    assert wrong.keys() == NOT_ACCEPTED.get(dress, set()), wrong


@pytest.mark.parametrize("style", halved(FUNCTIONS))
def test_a_right_function_written_in_an_unusual_style_is_right(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name, exercise in EXERCISES.items():
        report = quick(name).grade(FUNCTIONS[style](right(name)), time_limit=PATIENT)
        assert report.status == "correct", str(report)
        if style != "talking":
            result = in_a_lesson(name, FUNCTIONS[style](exercise.solution))
            assert not unlike(result, exercise.solution(*second_case(exercise)), 0)
    assert capsys.readouterr() == ("", "")


def test_a_generator_function_is_right() -> None:
    yields = 0
    for name, exercise in EXERCISES.items():
        if all(isinstance(result, (list, tuple)) or np.ndim(result) for result in returned(name)):  # no number
            yields += 1
            report = exercise.grade(yielding(exercise.solution), time_limit=PATIENT)
            assert report.status == "correct", str(report)
    assert yields >= 30


@pytest.mark.parametrize("dress", halved(WRONG_RESULTS))
def test_right_numbers_built_wrongly_are_wrong(dress: str) -> None:
    """Where the dress changes anything: a result without a NamedTuple cannot have one too few."""
    changed = 0
    for name in EXERCISES:
        if all(same_build(WRONG_RESULTS[dress](result), result) for result in returned(name)):
            continue
        changed += 1
        report = quick(name).grade(dressed(right(name), WRONG_RESULTS[dress]))
        assert report.status == "wrong", f"{name}: {report}"
        assert report.misconception != "check-failed", str(report)
    assert changed >= 8


def same_build(a: Any, b: Any) -> bool:
    """Whether two results are built alike, of the same numbers; a list is as good as a NamedTuple."""
    one, other = (snapshot(rebuilt(value, row=list, record=list)) for value in (a, b))
    return repr(one) == repr(other)


@each_exercise
def test_single_precision_is_right_where_it_is_right_to_a_millionth(exercise: Exercise) -> None:
    if exercise.name == "loop.fit":  # which computes nothing: its batches come in the precision they have
        return

    def cast(value: Any) -> Any:
        return rebuilt(value, lambda a: np.float32(a) if getattr(a, "dtype", np.dtype(int)).kind == "f" else a)

    report = exercise.grade(lambda *arguments: exercise.solution(*map(cast, arguments)))
    if exercise.name in NEEDS_FLOAT64:
        assert report.misconception == NEEDS_FLOAT64[exercise.name]
        assert "float32" in str(report)
    else:
        assert report.status == "correct", str(report)


@each_exercise
def test_numbers_that_only_nearly_agree_are_said_to_look_like_single_precision(exercise: Exercise) -> None:
    if exercise.name in MASKS or not any(
        np.asarray(a).dtype.kind == "f" for result in returned(exercise.name) for a in leaves_of(result)
    ):
        return  # whole numbers, or draws

    def off_by(share: float) -> str:
        worse = lambda a: a * (1 + share) if np.asarray(a).dtype.kind == "f" else a  # noqa: E731
        return str(quick(exercise.name).grade(dressed(right(exercise.name), lambda result: rebuilt(result, worse))))

    hint = "The numbers nearly agree. Single precision (float32) somewhere on the way would look like this"
    assert hint in off_by(3e-5)
    assert hint not in off_by(3e-3)
    assert "correct" in off_by(3e-7)


async def awaited(*arguments: Any) -> Any:
    return arguments


async def awaited_one_by_one(*arguments: Any) -> Any:
    yield arguments


@pytest.mark.parametrize("function", [awaited, awaited_one_by_one], ids=lambda f: f.__name__)
def test_an_async_function_is_refused_with_help(function: Any) -> None:
    report = EXERCISES["rnn.step"].grade(function)
    assert (report.status, report.misconception) == ("wrong", "async")
    assert "Leave `async` away" in str(report)


def test_a_dictionary_is_refused_with_the_name_of_what_is_wanted() -> None:
    step = EXERCISES["rnn.step"]
    report = step.grade(dressed(step.solution, WRONG_RESULTS["with dictionaries for NamedTuples"]))
    assert "`cache` should be Cache(x, h_prev, h); yours is a dict." in str(report)


@each_exercise
def test_a_lesson_gets_the_same_however_the_function_is_written(
    exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(module_of_learner_function, "show", said.append)
    expected = exercise.solution(*second_case(exercise))
    for function in RIGHT[exercise.name]:
        result = in_a_lesson(exercise.name, function)
        if exercise.name not in MASKS:  # no two draws are alike
            assert not unlike(result, expected, 1e-6), name_of(function)
        assert [np.asarray(a).dtype for a in leaves_of(result)] == [np.asarray(a).dtype for a in leaves_of(expected)]
    assert not said
