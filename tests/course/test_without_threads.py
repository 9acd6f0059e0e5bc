"""Where Python has no threads, locks and hard links, as in a browser, exercises are checked all the same."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hostile_functions import ENDLESS, HOSTILE, RECURSIVE, STEP, endless, graded

from bptt_lessons.course import EXERCISES, doctor, learner_folder, locking, progress, sandbox, time_limit
from bptt_lessons.course.checking import trouble_in_a_lesson

# Python tells of calls and rounds of loops or, before 3.12 and where the tools are taken, of lines.
REPORTED = ["lines", *(["events"] if hasattr(sys, "monitoring") else [])]


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody start a thread, as where Python has none."""

    def start(*arguments: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


@pytest.fixture(params=REPORTED)
def reported(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way in which Python reports what a function does."""
    if request.param == "lines":
        monkeypatch.setattr(time_limit, "monitoring", None)
    return str(request.param)


SAMPLE = [
    pytest.param(exercise, marks=[pytest.mark.long] if number % 6 != 1 else [], id=name)
    for number, (name, exercise) in enumerate(EXERCISES.items())
]


@pytest.mark.parametrize("exercise", SAMPLE)
def test_solutions_are_correct_stubs_not_attempted_and_mistakes_named(exercise: Any) -> None:
    assert exercise.grade(exercise.solution).status == "correct"
    names = vars(sys.modules[exercise.solution.__module__]).copy()
    exec(exercise.stub, names)
    assert exercise.grade(names[exercise.learner_name]).status == "not attempted"
    name = next(iter(exercise.misconceptions))
    report = exercise.grade(exercise.misconceptions[name].function)
    assert (report.status, report.misconception) == ("wrong", name)


def test_a_right_function_is_quick_enough() -> None:
    assert not trouble_in_a_lesson(STEP, STEP.solution)


@pytest.mark.parametrize("function", HOSTILE, ids=lambda f: f.__name__)
def test_a_hostile_function_is_wrong_and_leaves_no_trace(function: Callable[..., Any], reported: str) -> None:
    assert graded(STEP, function, 0.3).status == "wrong"


def endless_key(*arguments: Any) -> None:
    max(itertools.repeat(1), key=lambda number: number)


@pytest.mark.parametrize("function", [*ENDLESS, endless_key], ids=lambda f: f.__name__)
def test_an_endless_loop_is_stopped(function: Callable[..., Any], reported: str) -> None:
    if reported == "lines" and function in ENDLESS[1:]:
        pytest.skip("a bare except in a loop is got through only where Python reports events")
    report = graded(STEP, function, 0.2)
    assert (report.status, report.misconception) == ("wrong", "timeout")
    assert "line " in str(report)
    assert "could not be stopped" not in str(report)
    assert STEP.grade(STEP.solution).status == "correct"


@pytest.mark.parametrize("function", RECURSIVE, ids=lambda f: f.__name__)
def test_recursion_ends_well_before_the_stack_does(function: Callable[..., Any]) -> None:
    report = graded(STEP, function)
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
    assert 80 < depth < time_limit.LEVELS_WITHOUT_THREADS


def test_what_was_tracing_goes_on_afterwards(reported: str) -> None:
    def trace(*arguments: Any) -> None: ...

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        graded(STEP, endless, 0.1)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


@pytest.fixture(params=[None, ModuleType("fcntl")], ids=["no fcntl", "an empty one"])
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what a browser's Python does not have; JupyterLite puts an empty module in fcntl's place."""
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


def test_the_doctor_misses_nothing_that_a_browser_cannot_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    report = doctor.environment_report()
    assert report.ok
    assert "JupyterLab" not in str(report)
