"""Mistakes of an exercise: small wrong functions, each with the sentence that helps.

A mistake is written once, as a function: its name, without the exercise's prefix, is
the identifier ("no-tanh" for ``step_no_tanh``), its docstring is the sentence, its
body is what a learner wrote, in a learner's style.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from bptt_lessons.course.exercises import Misconception

Function = TypeVar("Function", bound=Callable[..., Any])


class Mistakes:
    """The mistakes of one exercise, collected by using `add` as a decorator."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix + "_"
        self._found: dict[str, Misconception] = {}

    def add(self, function: Function) -> Function:
        """Take up a wrong function and return it unchanged."""
        identifier = function.__name__.removeprefix(self._prefix).replace("_", "-")
        if identifier in self._found:
            raise ValueError(f"two mistakes are called {identifier!r}")
        self._found[identifier] = Misconception(function, " ".join((function.__doc__ or "").split()))
        return function

    @property
    def catalogue(self) -> Mapping[str, Misconception]:
        """Identifier to Misconception, in the order in which they were written."""
        return MappingProxyType(self._found)
