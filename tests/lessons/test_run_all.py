"""Run All reaches the end of every notebook, in every state of completion.

nbval runs the state in which nothing was attempted: the notebooks are kept in it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from lessons.lesson_files import (
    NOTEBOOKS,
    STEMS,
    exercises_in,
    mistaken,
    plain_tuples,
    read,
    run,
    shown,
    solved,
    unparsable,
)

from bptt_lessons.course import EXERCISES

NUMBERS = {name: number for number, name in enumerate(EXERCISES, start=1)}
State = Callable[[str], str | None]  # what is written into the stub of an exercise; None leaves it as it is


def left_open(name: str) -> None:
    return None


def mixed(seed: int, name: str) -> str | None:
    """Draw the kind of answer to one exercise; all in double precision, as lesson 01 compares two of them exactly."""
    kinds: list[State] = [solved, plain_tuples, mistaken, unparsable, left_open]
    return random.Random(f"{seed} {name}").choice(kinds)(name)


STATES: dict[str, State] = {
    "all solved": solved,
    "all solved, with plain tuples in single precision": partial(plain_tuples, single=True),
    "all wrong": mistaken,
    "every stub a SyntaxError": unparsable,
    "odd-numbered solved": lambda name: solved(name) if NUMBERS[name] % 2 else None,
    "even-numbered solved": lambda name: None if NUMBERS[name] % 2 else solved(name),
    "another mixture": partial(mixed, 1),
    "a third mixture": partial(mixed, 2),
}
STATES_IN_SIZES = [
    pytest.param(partial(mixed, 14), id="mixed"),  # a draw that gives almost every lesson right and other answers
    *(pytest.param(state, id=name, marks=pytest.mark.long) for name, state in STATES.items()),
]


def expected(answer: str | None, name: str) -> str:
    """Return what the check must say about an answer."""
    if answer is None:
        return "not attempted yet"
    if answer in (solved(name), plain_tuples(name), plain_tuples(name, single=True)):
        return "The lesson goes on with your function."
    return "does not parse" if answer == unparsable(name) else "not right yet"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=STEMS)
def test_nothing_is_attempted_in_the_notebooks_as_they_are_kept(path: Path) -> None:
    notebook = read(path)
    for name, stub, check in exercises_in(notebook):
        assert stub.source.strip() == EXERCISES[name].stub.strip()
        assert expected(None, name) in shown(check)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=STEMS)
@pytest.mark.parametrize("state", STATES_IN_SIZES)
def test_run_all_reaches_the_end(state: State, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path))
    answers = {name: answer for name, _, _ in exercises_in(read(path)) if (answer := state(name)) is not None}
    checks, rest = run(path, answers, tmp_path)
    for name, text in checks.items():
        assert expected(answers.get(name), name) in text, text
    assert "The lesson goes on with the package's function" not in rest, "a right function failed at its work"
