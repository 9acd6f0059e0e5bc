"""Exercises: their data, and `grade`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bptt_lessons.course.exercise_data import Case, ExerciseData, Misconception
from bptt_lessons.course.grading import grade
from bptt_lessons.course.report import Report

__all__ = ["Case", "Exercise", "Misconception"]


@dataclass(frozen=True)
class Exercise(ExerciseData):
    """One function to write, and how an answer is graded."""

    def grade(self, function: Any, *, time_limit: float = 5.0) -> Report:
        """Grade a function; never raises, prints nothing, writes no progress.

        Parameters
        ----------
        function : object
            What the learner wrote.
        time_limit : float
            Seconds for all its calls together.
        """
        return grade(self, function, time_limit=time_limit)
