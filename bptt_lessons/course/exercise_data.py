"""Exercises as data: what is asked, its cases, and the mistakes that people make.  Nothing here grades."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bptt_lessons.course.mistakes import derive, section
from bptt_lessons.course.mistakes.mistake_page import Section
from bptt_lessons.course.mistakes.names import NAMES


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
    """Why the solution raises here, such as "the loss is infinite"; empty where it returns.  A learner's function must
    raise an error of the same class or of a subclass, with any message."""


@dataclass(frozen=True)
class ExerciseData:
    """One function to write: what is asked, and what its answers are compared with."""

    name: str  # last module name and function, such as "rnn.step"
    lesson: str  # stem of the notebook's file name
    minutes: int
    solution: Callable[..., Any]
    returns: tuple[str, ...]  # names of what it returns, such as ("h", "cache")
    stub: str  # source of the stub cell
    hints: tuple[str, ...]  # idea, shapes, almost the line
    make_cases: Callable[[], tuple[Case, ...]]  # smallest first, refused ones last
    make_lesson_case: Callable[[], Case]  # as large as in the lesson
    mistakes: Section | None = None  # those of the page of its module if it is left out
    packed: tuple[str, ...] = ()  # the gates whose blocks of columns lie side by side in its arrays
    properties: Callable[..., Any] | None = None
    """``properties(arguments, *arrays) -> NamedTuple``: compared instead of the values, for a function that may draw in
    any order.  They must be the same for every right answer, and for every way to make one catalogued mistake."""

    @functools.cached_property
    def misconceptions(self) -> Mapping[str, Misconception]:
        """The known mistakes: wrong functions derived from the solution by the edits on the page of its module."""
        known = self.known
        trees = derive.trees_of(self.solution, known)
        names = self.all_names
        return MappingProxyType({
            name: Misconception(derive.derived(trees[mistake.way], [mistake], names), mistake.sentence)
            for name, mistake in known.mistakes.items()
        })  # fmt: skip

    @property
    def known(self) -> Section:
        """The section of its mistakes."""
        return self.mistakes if self.mistakes is not None else section(self.name)

    @property
    def all_names(self) -> dict[str, Any]:
        """The globals of derived functions."""
        names = {**NAMES, **self.solution.__globals__}
        exec(self.known.used, names)
        return names

    @property
    def learner_name(self) -> str:
        """The name of the learner's function: ``my_rnn_step`` for ``rnn.step``."""
        return "my_" + self.name.replace(".", "_")
