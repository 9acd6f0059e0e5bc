"""The course: exercises, checks, hints and progress."""

from bptt_lessons.course.catalogue import EXERCISES
from bptt_lessons.course.checking import check, example, hint, solution
from bptt_lessons.course.consent import share

__all__ = ["EXERCISES", "check", "example", "hint", "share", "solution"]
