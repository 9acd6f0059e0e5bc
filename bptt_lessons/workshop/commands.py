"""The commands of an instructor: what `bptt-lessons` offers beyond a learner's own."""

from __future__ import annotations

from typing import Any

from bptt_lessons.workshop import class_view, handout, slides


def add(commands: Any) -> None:
    """Add every command of this part to the command line."""
    class_view.add_command(commands)
    slides.add_command(commands)
    handout.add_command(commands)
