"""Run All reaches the end of every notebook, in every state of completion.

The state in which nothing was attempted is the one that the notebooks are kept in: nbval runs it.
Each exercise solved alone takes a few minutes more and is run by
``BPTT_EACH_EXERCISE=1 python start.py test tests/lessons/test_run_all.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lesson_files import NOTEBOOKS, STEMS, elsewhere, exercises_in, mistaken, read, run, shown, solved, unparsable

from bptt_lessons.course import EXERCISES

NUMBERS = {name: number for number, name in enumerate(EXERCISES, start=1)}

# What is written into the stub of exercise `name`; None leaves it as it is.
STATES: dict[str, Callable[[str], str | None]] = {
    "all solved": solved,
    "all solved, with plain tuples in single precision": elsewhere,
    "all wrong": mistaken,
    "every stub a SyntaxError": unparsable,
    "odd-numbered solved": lambda name: solved(name) if NUMBERS[name] % 2 else None,
    "even-numbered solved": lambda name: None if NUMBERS[name] % 2 else solved(name),
}


def answers_of(state: Callable[[str], str | None], path: Path) -> dict[str, str]:
    answers = {name: state(name) for name, _, _ in exercises_in(read(path))}
    return {name: answer for name, answer in answers.items() if answer is not None}


def expected(answer: str | None, name: str) -> str:
    if answer is None:
        return "not attempted yet"
    if answer in (solved(name), elsewhere(name)):
        return "The lesson goes on with your function."
    return "does not parse" if answer == unparsable(name) else "not right yet"


@pytest.fixture(autouse=True)
def _own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path))


@pytest.fixture(scope="session")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of one run share."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "experiments"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("path", NOTEBOOKS, ids=STEMS)
def test_nothing_is_attempted_in_the_notebooks_as_they_are_kept(path: Path) -> None:
    notebook = read(path)
    for name, stub, check in exercises_in(notebook):
        assert stub.source.strip() == EXERCISES[name].stub.strip()
        assert expected(None, name) in shown(check)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=STEMS)
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_run_all_reaches_the_end(state: Any, path: Path, tmp_path: Path, experiments: Path) -> None:
    answers = answers_of(state, path)
    checks, rest = run(path, answers, tmp_path, experiments)
    for name, text in checks.items():
        assert expected(answers.get(name), name) in text, text
    assert "The lesson goes on with the package's function" not in rest, "a right function failed at its work"


@pytest.mark.skipif("BPTT_EACH_EXERCISE" not in os.environ, reason="a few minutes more: set BPTT_EACH_EXERCISE=1")
@pytest.mark.parametrize("name", EXERCISES)
def test_each_exercise_solved_alone(name: str, tmp_path: Path) -> None:
    path = next(p for p in NOTEBOOKS if p.stem == EXERCISES[name].lesson)
    for other, text in run(path, {name: solved(name)}, tmp_path)[0].items():
        assert expected(solved(name) if other == name else None, other) in text, text
