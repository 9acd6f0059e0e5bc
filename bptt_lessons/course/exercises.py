"""Exercises as data: what is asked, how it is checked, and how it goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bptt_lessons.course.grading import grade
from bptt_lessons.course.report import Report


@dataclass(frozen=True)
class Misconception:
    """A mistake people really make: a small wrong implementation and a sentence that helps."""

    function: Callable[..., Any]
    sentence: str


@dataclass(frozen=True)
class Case:
    """One set of arguments, by name and in order; the first case of an exercise is small enough to print."""

    label: str  # such as "T = 3, N = 2, D = 1, H = 3"
    arguments: Mapping[str, Any]
    refused: str = ""
    """Why the solution raises here, such as "the loss is infinite"; empty where it returns.  A learner's function has
    to raise too: an error of the same class or of a subclass, with whatever message."""


@dataclass(frozen=True)
class Exercise:
    """One function to write."""

    name: str  # last module name and function, such as "rnn.step"
    lesson: str  # notebook stem
    minutes: int
    solution: Callable[..., Any]
    returns: tuple[str, ...]  # names of what it returns, such as ("h", "cache")
    stub: str  # source of the stub cell
    hints: tuple[str, ...]  # idea, shapes, almost the line
    make_cases: Callable[[], tuple[Case, ...]]  # smallest first, refused ones last
    make_lesson_case: Callable[[], Case]  # as large as the lesson's own use of it
    misconceptions: Mapping[str, Misconception] = field(default_factory=dict)
    properties: Callable[..., Any] | None = None
    """``properties(arguments, *arrays) -> NamedTuple``: what is compared in place of the values, for a function that
    draws and may do so in any order.  It must come out the same for every right answer, and for every way to make a
    mistake that is to be named."""

    @property
    def learner_name(self) -> str:
        """The name that a learner's function goes by: ``my_rnn_step`` for ``rnn.step``."""
        return "my_" + self.name.replace(".", "_")

    def grade(self, function: Any, *, time_limit: float = 5.0) -> Report:
        """Check a function; never raises, prints nothing, writes no progress.

        Parameters
        ----------
        function : object
            What the learner wrote.
        time_limit : float
            Seconds for all its calls together.
        """
        return grade(self, function, time_limit=time_limit)
