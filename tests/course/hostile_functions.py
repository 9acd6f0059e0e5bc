"""What learners write by accident: functions that loop, recurse, raise, print, ask and meddle; and a grade of them.

`graded` fails if anything round the function has changed after it.
"""

from __future__ import annotations

import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bptt_lessons.course import EXERCISES
from bptt_lessons.course.report import Report

STEP = EXERCISES["rnn.step"]


def graded(exercise: Any, function: Any, time_limit: float = 5.0) -> Report:
    """Grade a function; fail if that changes anything round it."""
    before = state_of_the_world()
    report: Report = exercise.grade(function, time_limit=time_limit)
    assert state_of_the_world() == before
    assert report.misconception != "check-failed", str(report)
    return report


def state_of_the_world() -> Any:
    """Return what a learner's function may change."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    return (
        random.getstate(), numpy_state[1].tolist(), np.geterr(), np.get_printoptions(), list(warnings.filters),
        sys.getrecursionlimit(), sys.setrecursionlimit, sys.stdout, sys.stderr, input, sys.gettrace(),
    )  # fmt: skip


def endless(*arguments: Any) -> None:
    while True:
        pass


def endless_round_a_bare_except(*arguments: Any) -> None:
    while True:
        try:
            sum(range(10))
        except:  # noqa: E722
            continue


def endless_inside_a_bare_except(*arguments: Any) -> None:
    while True:
        try:
            while True:
                sum(range(10))
        except BaseException:
            pass


def endless_generator(*arguments: Any) -> Iterator[int]:
    while True:
        time.sleep(0.01)
        yield 1


def recursive(*arguments: Any) -> Any:
    return recursive(*arguments)


def recursive_without_bounds(*arguments: Any) -> Any:
    sys.setrecursionlimit(10**9)
    return recursive()


def recursive_through_numpy(*arguments: Any) -> Any:
    sys.setrecursionlimit(10**9)
    return np.vectorize(recursive_through_numpy)(np.ones(2))


def contains_itself(*arguments: Any) -> Any:
    a: list[Any] = []
    a.append(a)
    return a


def leaves(*arguments: Any) -> None:
    sys.exit(0)


def interrupts(*arguments: Any) -> None:
    raise KeyboardInterrupt


def asks(*arguments: Any) -> str:
    return input("What now?")


def meddles(*arguments: Any) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    warnings.simplefilter("error")
    sys.setrecursionlimit(500)
    sys.stdout = sys.stderr = None
    warnings.warn("boo", stacklevel=1)


def shouts(*arguments: Any) -> None:
    for _ in range(10_000):
        print("x" * 1000)


def objects(*arguments: Any) -> Any:
    return np.array([None, object()])


RECURSIVE: list[Callable[..., Any]] = [recursive, recursive_without_bounds, recursive_through_numpy]
ENDLESS: list[Callable[..., Any]] = [endless, endless_round_a_bare_except, endless_inside_a_bare_except]
HOSTILE: list[Callable[..., Any]] = [
    recursive, contains_itself, leaves, interrupts, asks, meddles, shouts, objects, endless_generator,
]  # fmt: skip
