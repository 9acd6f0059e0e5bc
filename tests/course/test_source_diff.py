"""The difference between two functions, as lessons print it."""

from __future__ import annotations

import pytest

from bptt_lessons.cells import lstm, lstm_coupled
from bptt_lessons.course.source_diff import differences


def check_nothing() -> None:
    """Stands for a check of arguments."""


def old(a: int) -> int:
    """Say one thing."""
    check_nothing()
    a += 1
    return a


def new(a: int) -> int:
    """Say another."""
    a += 2
    return a


def test_only_the_lines_that_work_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    differences(old, new)
    assert capsys.readouterr().out == "-     a += 1\n+     a += 2\n      return a\n"


def test_a_function_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    differences(lstm.step, lstm.step)
    assert not [line for line in capsys.readouterr().out.splitlines() if line[0] in "+-"]


def test_coupling_the_gates_changes_one_line_of_the_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    differences(lstm.step, lstm_coupled.step)
    added = [line for line in capsys.readouterr().out.splitlines() if line.startswith("+")]
    assert [line for line in added if "c_prev +" in line] == ["+     c = f * c_prev + (1 - f) * g"]
    assert len(added) == 4


@pytest.mark.parametrize("bad", [3, len, "def f(): ...", type("Some", (), {})])
def test_what_is_no_function_is_refused_by_name(bad: object) -> None:
    with pytest.raises(ValueError, match="new must be a function written in Python"):
        differences(old, bad)  # type: ignore[arg-type]
