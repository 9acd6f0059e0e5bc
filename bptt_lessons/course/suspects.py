"""Suspects: all edits of an exercise's right functions, known mistakes and slips, as functions that can be run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bptt_lessons.course.diagnosis import LineUp, Suspect
from bptt_lessons.course.exercise_data import ExerciseData
from bptt_lessons.course.mistakes import derive, section
from bptt_lessons.course.mistakes.slips import Slip, slips
from bptt_lessons.course.mistakes.switchboard import Switchboard

PREPARED: dict[str, tuple[ExerciseData, LineUp]] = {}

KINDS = {
    "operator": "with another operator",
    "sign": "with the wrong sign",
    "term dropped": "with a term or a factor missing",
    "call dropped": "with a function left out",
    "constant": "with another number in it",
    "index": "with an index that is off",
    "slice": "with a slice that is off",
    "transposition": "with an array transposed that should not be, or the other way round",
    "axis": "with another axis",
    "argument": "with arguments exchanged or missing",
    "name": "with one array taken for another",
    "field": "with one array taken for another",
    "statement": "with a line missing",
    "accumulation": "with = and += exchanged",
    "loop": "with a loop that runs over other steps",
    "order": "with two lines in the other order",
    "in place": "written into an array that is still needed",
    "returned": "with what is returned in another order",
    "function": "with another function",
    "condition": "with another condition",
}


def line_up(exercise: ExerciseData) -> LineUp:
    """Return the suspects of an exercise, prepared once in a process."""
    if exercise.name not in PREPARED or PREPARED[exercise.name][0] is not exercise:
        PREPARED[exercise.name] = (exercise, prepared(exercise))
    return PREPARED[exercise.name][1]


def prepared(exercise: ExerciseData) -> LineUp:
    """Derive the suspects of an exercise from its page, its solution and the rules of slips."""
    known = section(exercise.name)
    trees = derive.trees_of(exercise.solution, known)
    names = exercise.all_names
    suspects: list[Suspect] = []
    for mistake in known.mistakes.values():
        changes = tuple(derive.replacements(trees[mistake.way], mistake))
        suspects.append(Suspect(mistake.name, mistake.sentence, changes, mistake.way, True))
    arguments = exercise.make_cases()[0].arguments
    for way, tree in enumerate(trees):
        suspects += [slip_suspect(slip, way) for slip in slips(tree, names, arguments)]
    boards = [
        Switchboard(tree, names, [s.changes for s in suspects if s.way == way and not whole(s)])
        for way, tree in enumerate(trees)
    ]

    def function(*chosen: Suspect) -> Callable[..., Any]:
        return boards[chosen[0].way].edited([change for s in chosen for change in s.changes])

    return LineUp(tuple(suspects), function)


def whole(suspect: Suspect) -> bool:
    """Say whether a suspect is a function of its own, not an edit of parts."""
    return any(change.place == () for change in suspect.changes)


def slip_suspect(slip: Slip, way: int) -> Suspect:
    """Return a slip with what is said of it: the quantity and the kind of slip, not the line."""
    of = f" of `{slip.quantity}`" if slip.quantity not in ("", "return", "loop", "condition") else ""
    sentence = f"Your numbers are those of this function{of and ' whose line' + of + ' is written'} {KINDS[slip.kind]}."
    return Suspect(f"{slip.name}{f'-way-{way}' if way else ''}", sentence, slip.changes, way, False)
