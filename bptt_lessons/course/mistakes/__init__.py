"""Mistakes as edits of the solutions: pages that list them, and what derives wrong functions from them.

`pages` reads the Markdown beside this file when it is first needed.
"""

from __future__ import annotations

import functools
from importlib.resources import files

from bptt_lessons.course.mistakes import mistake_page


@functools.cache
def sections(module: str) -> dict[str, mistake_page.Section]:
    """Return the mistakes of the exercises of one module of solutions, such as ``"lstm"``."""
    return mistake_page.read(files(__package__).joinpath(f"{module}.md").read_text(encoding="utf-8"))


def section(exercise: str) -> mistake_page.Section:
    """Return the mistakes of an exercise, such as ``"lstm.step"``."""
    return sections(exercise.split(".")[0])[exercise]
