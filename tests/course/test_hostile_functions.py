"""Whatever a learner's function does, the verdict is fair and nothing round it stays changed."""

from __future__ import annotations

import _thread
import functools
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hostile_functions import (
    ENDLESS,
    HOSTILE,
    STEP,
    graded,
    recursive,
    recursive_through_numpy,
    recursive_without_bounds,
    shouts,
)

from bptt_lessons.cells import rnn
from bptt_lessons.course import EXERCISES
from bptt_lessons.course.learner_function import LearnerFunction
from bptt_lessons.course.sandbox import copied, run, unchanged

MSE = EXERCISES["losses.mse"]


def named(function: Callable[..., Any]) -> str:
    return function.__name__


@pytest.mark.parametrize("function", HOSTILE, ids=named)
@pytest.mark.parametrize("exercise", [STEP, EXERCISES["unrolled.backward"]], ids=lambda e: e.name)
def test_a_hostile_function_is_wrong_and_leaves_no_trace(exercise: Any, function: Callable[..., Any]) -> None:
    assert graded(exercise, function, 0.5).status == "wrong"


# --- time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ENDLESS, ids=named)
def test_an_endless_loop_is_stopped(function: Callable[..., Any]) -> None:
    threads = threading.active_count()
    report = graded(STEP, function, 0.2)
    assert (report.status, report.misconception) == ("wrong", "timeout")
    assert "line " in str(report)
    assert "could not be stopped" not in str(report)
    assert "It printed" not in str(report)
    assert threading.active_count() == threads


def test_an_endless_generator_is_stopped() -> None:
    def mine(*arguments: Any) -> Iterator[Any]:
        while True:
            yield arguments[0]

    assert graded(STEP, mine, 0.2).misconception == "timeout"


def test_what_cannot_be_stopped_is_left_behind_and_said_so() -> None:
    report = graded(STEP, lambda *arguments: time.sleep(4), 0.1)
    assert report.misconception == "timeout"
    assert "could not be stopped" in str(report)


def test_a_loop_ends_and_all_is_put_back_when_the_learner_presses_stop() -> None:
    def mine(*arguments: Any) -> None:
        random.seed(1)
        time.sleep(0.05)  # by now the check waits for it
        _thread.interrupt_main()
        while True:
            pass

    threads, state = threading.active_count(), random.getstate()
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            graded(STEP, mine)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert threading.active_count() == threads
    assert random.getstate() == state


# --- recursion ---------------------------------------------------------------------------------------------


LONG = [pytest.param(recursive_through_numpy, marks=pytest.mark.long)]


@pytest.mark.parametrize("function", [recursive, recursive_without_bounds, *LONG], ids=named)
def test_recursion_without_end_is_an_error_soon(function: Callable[..., Any]) -> None:
    report = graded(STEP, function, 20.0)
    assert report.misconception == "raises"
    assert "raised RecursionError" in str(report)


def test_a_limit_that_was_raised_outside_does_not_lift_the_bound() -> None:
    usual = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(10**9)
        assert graded(STEP, recursive, 20.0).misconception == "raises"
        assert sys.getrecursionlimit() == 10**9
    finally:
        sys.setrecursionlimit(usual)


def test_a_recursion_over_thousands_of_steps_is_fine() -> None:
    def down(n: int) -> int:
        return n and down(n - 1)

    def mine(*arguments: Any) -> Any:
        sys.setrecursionlimit(4_000)
        down(3_000)
        return STEP.solution(*arguments)

    assert graded(STEP, mine).status == "correct"


# --- what is changed round it -------------------------------------------------------------------------------

CHANGES: dict[str, Callable[[], Any]] = {
    "seed": lambda: random.seed(1),
    "numpy's seed": lambda: np.random.seed(1),  # noqa: NPY002
    "depth": lambda: sys.setrecursionlimit(300),
    "print options": lambda: np.set_printoptions(precision=1),
    "errors": lambda: np.seterr(all="raise"),
    "warnings": lambda: warnings.simplefilter("error"),
    "a warning": lambda: warnings.warn("boo", stacklevel=1),
    "streams": lambda: setattr(sys, "stdout", None),
    "prints": lambda: print("here"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_right_function_changes_is_put_back(name: str) -> None:
    def mine(*arguments: Any) -> Any:
        value = STEP.solution(*arguments)
        CHANGES[name]()
        return value

    assert graded(STEP, mine).status == "correct"


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    graded(STEP, shouts)
    assert capsys.readouterr() == ("", "")


# --- arguments ---------------------------------------------------------------------------------------------


def test_arguments_are_copies_of_the_cases() -> None:
    def spoils(params: Any, x: Any, h_prev: Any) -> Any:
        x[:] = params.W_hh[:] = np.nan

    graded(STEP, spoils)
    assert STEP.grade(STEP.solution).status == "correct"


def test_each_argument_that_is_written_into_is_named() -> None:
    def writes(params: Any, x: Any, h_prev: Any) -> None:
        params.b_h[0] = h_prev[0, 0] = np.inf

    outcome = run(writes, STEP.make_cases()[0].arguments, 5.0)
    assert outcome.written == ("params.b_h", "h_prev")  # type: ignore[union-attr]


@dataclass
class Held:
    array: Any


STREAM = EXERCISES["loop.fit"].make_lesson_case().arguments["batches"]
ARGUMENTS: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (lambda: [np.zeros(2), (np.ones(2), 3)], lambda v: v.__setitem__(0, None)),
    (lambda: [np.zeros(2), (np.ones(2), 3)], lambda v: v[1][0].fill(7)),
    (lambda: [1, 2, 3], lambda v: v.__setitem__(1, 5)),
    (lambda: [1, 2, 3], lambda v: v.append(4)),
    (lambda: [1, 2, 3], lambda v: v.__setitem__(1, 2.0)),
    (lambda: ["a", None, float("nan")], lambda v: v.__setitem__(1, "b")),
    (lambda: [abs, rnn], lambda v: v.__setitem__(0, max)),
    (lambda: [np.zeros(2)], lambda v: v.__setitem__(0, np.zeros(2, int))),
    (lambda: [np.zeros((2, 3))], lambda v: v.__setitem__(0, v[0].reshape(3, 2))),
    (lambda: Held(np.zeros(2)), lambda v: v.array.fill(7)),
    (lambda: STREAM, lambda v: next(iter(v))[0].fill(7)),
]


@pytest.mark.parametrize(("make", "write"), ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_whatever_can_be_written_into_is_copied_and_compared(make: Any, write: Any) -> None:
    before = make()
    first, second = copied(before), copied(before)
    assert unchanged(before, first)
    write(first)
    assert not unchanged(before, first)
    assert unchanged(before, second)


def test_a_cell_is_the_module_that_a_learner_knows() -> None:
    cells = []

    def mine(cell: Any, *arguments: Any) -> Any:
        cells.append(cell)
        return EXERCISES["unrolled.forward"].solution(cell, *arguments)

    assert graded(EXERCISES["unrolled.forward"], mine).status == "correct"
    assert cells[0] is rnn


# --- other callables ---------------------------------------------------------------------------------------


def step(*arguments: Any) -> Any:
    return STEP.solution(*arguments)


class Step:
    def __call__(self, *arguments: Any) -> Any:
        return step(*arguments)


CALLABLES = [Step(), Step().__call__, functools.partial(step), functools.lru_cache(lambda: step)(), lambda *a: step(*a)]


@pytest.mark.parametrize("number", range(len(CALLABLES)))
def test_any_callable_is_judged_by_what_it_returns_and_can_be_used(number: int) -> None:
    function = CALLABLES[number]
    assert graded(STEP, function).status == "correct"
    assert graded(MSE, function).misconception == "raises"
    learner = LearnerFunction(STEP, function)
    assert type(learner(*STEP.make_cases()[0].arguments.values())[1]) is rnn.Cache
    assert not learner.failed


def test_something_that_is_no_function() -> None:
    report = graded(STEP, SimpleNamespace(step=step))
    assert report.misconception == "not-a-function"
    assert "of type SimpleNamespace" in str(report)
