"""Where Python has no threads, locks and hard links, as in a browser, exercises are checked all the same."""

from __future__ import annotations

import builtins
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import test_hostile_functions as hostile
from test_hostile_functions import HOSTILE, MSE, STEP, UNROLLED, graded

from bptt_lessons.course import EXERCISES, doctor, learner_folder, locking, progress, sandbox, time_limit
from bptt_lessons.course.checking import quick_enough

TELLING = ["lines"] + ["events"] * hasattr(sys, "monitoring")  # the ways in which Python tells what goes on


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody start a thread, as where Python has none."""

    def start(*arguments: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start"):
        threading.Thread(target=print).start()


@pytest.fixture(params=TELLING)
def telling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the ways, as older and newer versions of Python have them."""
    if request.param == "lines":
        monkeypatch.setattr(time_limit, "monitoring", None)
    return str(request.param)


# --- verdicts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_solutions_are_correct_stubs_not_attempted_and_mistakes_named(exercise: Any) -> None:
    assert exercise.grade(exercise.solution).status == "correct"
    names = vars(sys.modules[exercise.solution.__module__]).copy()
    exec(exercise.stub, names)
    assert exercise.grade(names[exercise.learner_name]).status == "not attempted"
    for name in list(exercise.misconceptions)[:1]:
        report = exercise.grade(exercise.misconceptions[name].function)
        assert (report.status, report.misconception) == ("wrong", name)


def test_a_right_function_is_quick_enough(telling: str) -> None:
    if telling == "events":
        exercise = EXERCISES["unrolled.backward"]
        assert quick_enough(exercise, exercise.solution)


# --- hostile functions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", HOSTILE, ids=lambda f: f.__name__)
def test_a_hostile_function_is_wrong_and_leaves_no_trace(function: Callable[..., Any], telling: str) -> None:
    assert graded(STEP, function, 0.3).status == "wrong"


def endless_call(*arguments: Any) -> None:
    while True:
        sum(i for i in range(10))


def endless_key(*arguments: Any) -> None:
    max(itertools.repeat(1), key=lambda number: number)


def endless_and_spoiled(*arguments: Any) -> None:
    names, spoiled = vars(builtins), list(vars(builtins))
    while True:
        try:
            while True:
                for name in spoiled:
                    names[name] = None
        except:  # noqa: E722
            continue


@pytest.mark.parametrize(
    "function",
    [hostile.endless, hostile.endless_and_deaf, endless_call, endless_key, endless_and_spoiled],
    ids=lambda f: f.__name__,
)
def test_an_endless_loop_is_stopped(function: Callable[..., Any], telling: str) -> None:
    if telling == "lines" and function in (hostile.endless_and_deaf, endless_and_spoiled):
        pytest.skip("what catches everything in its loop is stopped only where Python tells of events")
    report = graded(STEP, function, 0.2)
    assert (report.status, report.misconception) == ("wrong", "timeout")
    assert "line " in str(report)
    assert "could not be stopped" not in str(report)
    assert STEP.grade(STEP.solution).status == "correct"


def test_an_error_that_takes_for_ever_to_tell_is_stopped(telling: str) -> None:
    class Endless(Exception):
        def __str__(self) -> str:
            while True:
                pass

    def mine(*arguments: Any) -> None:
        raise Endless

    assert graded(STEP, mine, 0.2).misconception == "timeout"


class Deep:
    """Has no end in any direction."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self, name + "_")

    def __repr__(self) -> str:
        return repr([self])

    def __add__(self, other: Any) -> Any:
        return np.array([self, self]) + other


DEEP: dict[str, Callable[..., Any]] = {
    "call": lambda *_: hostile.recursive(),
    "key": lambda *_: sorted([1], key=DEEP["key"]),
    "attribute": lambda *_: Deep().x,
    "repr": lambda *_: repr(Deep()),
    "numpy": lambda *_: Deep() + 1,
    "vectorize": lambda *_: np.vectorize(DEEP["vectorize"])(np.ones(2)),
    "unbounded": lambda *_: sys.setrecursionlimit(1_000_000) or hostile.recursive(),
}


@pytest.mark.parametrize("name", DEEP)
def test_recursion_ends_well_before_the_stack_does(name: str) -> None:
    report = graded(STEP, DEEP[name])
    assert report.misconception == "raises"
    assert "RecursionError" in str(report)


def test_recursion_is_bounded_by_few_levels_whatever_is_asked_for() -> None:
    depth = 0

    def mine() -> None:
        nonlocal depth
        depth += 1
        sys.setrecursionlimit(1_000_000)
        mine()

    assert isinstance(sandbox.run(mine, {}, 5.0), sandbox.Raised)
    assert 80 < depth < time_limit.LEVELS


def test_what_was_tracing_and_watching_goes_on_afterwards(telling: str) -> None:
    def trace(*arguments: Any) -> None: ...

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        graded(STEP, hostile.endless, 0.1)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
    assert time_limit.free_tool() == (3 if telling == "events" else None)


def test_arguments_are_copies_and_changes_of_them_are_told() -> None:
    def mine(params: Any, x: Any, h_prev: Any) -> Any:
        result = STEP.solution(params, x, h_prev)
        x += 1
        return result

    assert graded(STEP, mine).misconception == "mutates-input"


def test_a_lesson_that_is_slow_but_right_goes_on() -> None:
    outcome = sandbox.run(lambda: time.sleep(0.01), {}, 5.0)
    assert isinstance(outcome, sandbox.Returned)


# --- files ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[None, ModuleType("fcntl")], ids=["no fcntl", "an empty one"])
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what a browser's Python does not have; there, the kernel puts an empty module in fcntl's place."""
    monkeypatch.setitem(sys.modules, "fcntl", request.param)
    monkeypatch.setitem(sys.modules, "msvcrt", None)
    monkeypatch.delattr(os, "link", raising=False)


@pytest.mark.usefixtures("no_locks")
def test_progress_is_kept_without_locks(tmp_path: Path) -> None:
    with locking.locked(tmp_path / "lock"), locking.locked(tmp_path / "lock"):  # nobody waits for ever
        pass
    progress.record("01_x", "rnn.step", "wrong", "no-return", folder=tmp_path)
    progress.record("01_x", "rnn.step", "correct", None, folder=tmp_path)
    assert [entry.status for entry in progress.read(tmp_path)] == ["wrong", "correct"]


@pytest.mark.usefixtures("no_locks")
def test_a_folder_is_prepared_without_hard_links(tmp_path: Path) -> None:
    prepared = learner_folder.prepare(tmp_path / "mine")
    assert len(prepared.copied) == 10
    assert learner_folder.prepare(tmp_path / "mine").kept == prepared.copied


def test_other_exercises_run_after_a_stopped_one() -> None:
    graded(UNROLLED, hostile.endless, 0.1)
    assert MSE.grade(MSE.solution).status == "correct"


def test_the_doctor_misses_nothing_that_a_browser_cannot_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    report = doctor.environment_report()
    assert report.ok
    assert "JupyterLab" not in str(report)
