"""Right answers in unusual dress, for every exercise: all accepted, and at work in a lesson they are as the package's.

And wrong ones that differ from a right one only in how they are built: all rejected.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_catalogue import RIGHT
from unusual import FUNCTIONS, RESULTS, WRONG_RESULTS, leaves_of, rebuilt, yielding

from bptt_lessons.course import EXERCISES
from bptt_lessons.course import learner_function as module_of_learner_function
from bptt_lessons.course.exercises import Exercise
from bptt_lessons.course.learner_function import LearnerFunction
from bptt_lessons.course.outcomes import snapshot
from bptt_lessons.course.sandbox import copied

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES.keys())

# The statements of these two ask for a mask of True and False and for whole numbers, which is what the lesson needs:
# an array of numbers would be taken for places by whoever uses it as an index.
MASKS = {"adding.sequences", "copying.sequences"}
NOT_ACCEPTED = {
    "whole numbers as floats": MASKS,
    "yes and no as 1 and 0": MASKS,
    "whole values as integers": MASKS,
}


class Recorded:
    """A solution that has been run on all cases of its exercise, and now only says its results, one after the other."""

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
    """Return an exercise whose cases and results are known, without names for mistakes; draws are made as ever."""
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


def right(name: str) -> Callable[..., Any]:
    """Return a right function for the quick exercise of that name."""
    return EXERCISES[name].solution if name in MASKS else Recorded(name)


def dressed(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a function whose result is changed."""
    return lambda *arguments: change(function(*arguments))


def given(exercise: Exercise, number: int | None = None) -> list[Any]:
    """Return copies of the arguments of one case, or of the lesson's."""
    case = exercise.make_lesson_case() if number is None else exercise.make_cases()[number]
    return list(map(copied, case.arguments.values()))


@functools.cache
def learner_function(name: str) -> LearnerFunction:
    """Return a learner's function at work, to be given its function; one for all, since its patterns take time."""
    return LearnerFunction(EXERCISES[name], EXERCISES[name].solution)


@functools.cache
def in_the_lesson(name: str) -> Any:
    """Return the package's result in the lesson's case."""
    return EXERCISES[name].solution(*given(EXERCISES[name]))


def at_work(name: str, function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Return the result of a right function at work; it must not fail there."""
    learner = learner_function(name)
    learner.function, learner.failed = function, False
    result = learner(*arguments)
    assert not learner.failed, f"{name}: it was right, and failed at work"
    return result


def unlike(a: Any, b: Any, tolerance: float, path: str = "result") -> str:
    """Say where a result at work is not what the package returns: in type, dtype, shape or value; else nothing."""
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


@pytest.mark.parametrize("dress", RESULTS)
def test_a_right_result_in_unusual_dress_is_right(dress: str) -> None:
    wrong = {}
    for name in EXERCISES:
        report = quick(name).grade(dressed(right(name), RESULTS[dress]))
        if report.status != "correct":
            wrong[name] = str(report)
    assert wrong.keys() == NOT_ACCEPTED.get(dress, set()), wrong


@pytest.mark.parametrize("dress", RESULTS)
def test_at_work_in_a_lesson_it_is_as_the_packages(dress: str) -> None:
    tolerance = 1e-6 if "float32" in dress else 0
    found = []
    for name in EXERCISES.keys() - NOT_ACCEPTED.get(dress, set()):
        solution = EXERCISES[name].solution
        result = at_work(name, dressed(solution, RESULTS[dress]), given(EXERCISES[name]))
        found.append((name, unlike(result, in_the_lesson(name), tolerance)))
    assert not [pair for pair in found if pair[1]]


@pytest.mark.parametrize("style", FUNCTIONS)
def test_a_right_function_written_in_an_unusual_style_is_right(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name, exercise in EXERCISES.items():
        report = quick(name).grade(FUNCTIONS[style](right(name)))
        assert report.status == "correct", str(report)
        function = FUNCTIONS[style](exercise.solution)
        if style != "talking":
            assert not unlike(at_work(name, function, given(exercise, 0)), exercise.solution(*given(exercise, 0)), 0)
    assert capsys.readouterr() == ("", "")


def test_a_generator_function_is_right() -> None:
    yields = 0
    for name, exercise in EXERCISES.items():
        results = [result for result in recorded_results(name) if not isinstance(result, ValueError)]
        if all(isinstance(result, (list, tuple)) or np.ndim(result) for result in results):  # no number, as a loss is
            yields += 1
            report = exercise.grade(yielding(exercise.solution))
            assert report.status == "correct", str(report)
    assert yields >= 30


@pytest.mark.parametrize("dress", WRONG_RESULTS)
def test_right_numbers_built_wrongly_are_wrong(dress: str) -> None:
    """Where the dress changes anything: a result without a NamedTuple cannot have one too few."""
    changed = 0
    for name in EXERCISES:
        results = [result for result in recorded_results(name) if not isinstance(result, ValueError)]
        if all(same_build(WRONG_RESULTS[dress](result), result) for result in results):
            continue
        changed += 1
        report = quick(name).grade(dressed(right(name), WRONG_RESULTS[dress]))
        assert report.status == "wrong", f"{name}: {report}"
        assert report.misconception != "check-failed", str(report)
    assert changed >= 8


def same_build(a: Any, b: Any) -> bool:
    """Whether two results are built alike, of the same numbers; a list is as good as a NamedTuple."""
    return repr(snapshot_of_lists(a)) == repr(snapshot_of_lists(b))


def snapshot_of_lists(value: Any) -> Any:
    """Return a snapshot with lists for NamedTuples."""
    return snapshot(rebuilt(value, row=list, record=list))


# --- precision ----------------------------------------------------------------------------------------------

# What single precision rightly cannot: the loss of logits near 500, of which it keeps four digits behind the point, and
# the small difference of two numbers.  loop.fit computes nothing itself: its batches come in the precision they have.
NEEDS_FLOAT64 = {
    "losses.softmax_cross_entropy": "float32-inside",
    "losses.softmax_cross_entropy_gradient": "float32-inside",
    "gradcheck.central_difference": "float32-inside",
}


def cast(value: Any, dtype: Any) -> Any:
    """Convert all floating arrays and NumPy numbers in nested tuples and lists."""
    return rebuilt(value, lambda a: dtype(a) if getattr(a, "dtype", np.dtype(int)).kind == "f" else a)


@each_exercise
def test_single_precision_is_right_where_it_is_right_to_a_millionth(exercise: Exercise) -> None:
    if exercise.name == "loop.fit":
        return
    report = exercise.grade(lambda *arguments: exercise.solution(*(cast(a, np.float32) for a in arguments)))
    if exercise.name in NEEDS_FLOAT64:
        assert report.misconception == NEEDS_FLOAT64[exercise.name]
        assert "float32" in str(report)
    else:
        assert report.status == "correct", str(report)


@each_exercise
def test_numbers_that_only_nearly_agree_are_said_to_look_like_single_precision(exercise: Exercise) -> None:
    if exercise.name in MASKS or not any(
        np.asarray(a).dtype.kind == "f" for a in leaves_of(in_the_lesson(exercise.name))
    ):
        return  # whole numbers, or draws

    def off_by(share: float) -> str:
        worse = lambda a: a * (1 + share) if np.asarray(a).dtype.kind == "f" else a  # noqa: E731
        return str(quick(exercise.name).grade(dressed(right(exercise.name), lambda result: rebuilt(result, worse))))

    hint = "The numbers nearly agree. Single precision (float32) somewhere on the way would look like this"
    assert hint in off_by(3e-5)
    assert hint not in off_by(3e-3)
    assert "correct" in off_by(3e-7)


def test_a_named_mistake_is_not_said_to_look_like_single_precision() -> None:
    for exercise in [*EXERCISES.values()][::5]:
        last = list(exercise.misconceptions.values())[-1].function
        assert "nearly agree" not in str(exercise.grade(last))


# --- what is refused with help ------------------------------------------------------------------------------


async def awaited(*arguments: Any) -> Any:
    return arguments


async def awaited_one_by_one(*arguments: Any) -> Any:
    yield arguments


@pytest.mark.parametrize("function", [awaited, awaited_one_by_one], ids=lambda f: f.__name__)
def test_an_async_function_is_refused_with_help(function: Any) -> None:
    report = EXERCISES["rnn.step"].grade(function)
    assert (report.status, report.misconception) == ("wrong", "async")
    assert "Leave `async` away" in str(report)


def test_dictionaries_and_dataclasses_are_refused_with_the_name_of_what_is_wanted() -> None:
    step = EXERCISES["rnn.step"]
    for dress, kind in (("dictionaries", "dict"), ("dataclasses", "Holder")):
        change = WRONG_RESULTS[f"with {dress} for NamedTuples"]
        text = str(step.grade(lambda *arguments, change=change: change(step.solution(*arguments))))
        assert f"`cache` should be Cache(x, h_prev, h); yours is a {kind}." in text


# --- real rewritings ----------------------------------------------------------------------------------------


@each_exercise
def test_other_ways_to_write_it_are_at_work_as_the_packages(
    exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(module_of_learner_function, "show", said.append)
    expected = exercise.solution(*given(exercise, 1))
    for function in RIGHT[exercise.name]:
        result = at_work(exercise.name, function, given(exercise, 1))
        if exercise.name not in MASKS:  # two draws are not alike
            assert not unlike(result, expected, 1e-6), function
        assert [np.asarray(a).dtype for a in leaves_of(result)] == [np.asarray(a).dtype for a in leaves_of(expected)]
    assert not said


def test_there_are_right_ways_enough() -> None:
    assert sum(map(len, RIGHT.values())) >= 200
    assert min(map(len, RIGHT.values())) >= 4
    functions = [function for functions in RIGHT.values() for function in functions]
    assert len(set(functions)) == len(functions)
