"""Suspects: all edits of an exercise's right functions, known mistakes and slips, as functions that can be run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bptt_lessons.course.diagnosis import LineUp, Suspect
from bptt_lessons.course.exercise_data import ExerciseData
from bptt_lessons.course.mistakes import derive
from bptt_lessons.course.mistakes.slips import Slip, slips
from bptt_lessons.course.mistakes.switchboard import Switchboard

PREPARED: dict[str, tuple[ExerciseData, LineUp]] = {}

PHRASES = {  # what comes after "Your results are exactly those that come out"
    "operator": "when {} is computed with another operator",
    "sign": "when {} is computed with a sign the other way round",
    "term dropped": "when {} is computed with a term or a factor missing",
    "call dropped": "when {} is computed with a function call left out",
    "constant": "when {} is computed with another constant",
    "index": "when {} is computed with another index",
    "slice": "when {} is computed with a slice that begins or ends elsewhere, or is left out",
    "transposition": "when {} is computed with a transposition too many or one missing",
    "axis": "when {} is computed along another axis",
    "argument": "when {} is computed with the arguments of a call exchanged, changed or missing",
    "name": "when {} is computed with one variable taken for another",
    "field": "when {} is computed with one field taken for another",
    "statement": "when the line of {} is missing",
    "accumulation": "when {} is assigned where it should be added to, or the other way round",
    "loop": "when the loop at {} goes over other steps, or another line is in it",
    "order": "when the line of {} changes places with its neighbour",
    "in place": "when {} is written into an array that is still needed",
    "returned": "when what is returned is in another order, or not all of it",
    "function": "when {} is computed with another function",
    "condition": "when the condition at {} is another one",
}
PLACES = {"": "one line", "return": "what is returned", "loop": "the loop", "condition": "the condition"}


def slip_sentence(kind: str, quantity: str) -> str:
    """Say what a slip does to which quantity, without giving the line away."""
    names = quantity.split("-")
    where = PLACES.get(quantity) or " or ".join(f"`{name}`" for name in names)
    return f"Your results are exactly those that come out {PHRASES[kind].format(where)}."


def sentence_of(exercise: ExerciseData, name: str) -> str:
    """Return what a learner reads about a mistake or a slip, by its name; empty if this version does not know it."""
    if name in exercise.known.mistakes:
        return exercise.known.mistakes[name].sentence
    return next((suspect.sentence for suspect in line_up(exercise).suspects if suspect.name == name), "")


def line_up(exercise: ExerciseData) -> LineUp:
    """Return the suspects of an exercise, prepared once in a process."""
    if exercise.name not in PREPARED or PREPARED[exercise.name][0] is not exercise:
        PREPARED[exercise.name] = (exercise, prepared(exercise))
    return PREPARED[exercise.name][1]


def prepared(exercise: ExerciseData) -> LineUp:
    """Derive the suspects of an exercise from its page, its solution and the rules of slips."""
    known = exercise.known
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
    """Return a slip with what is said of it."""
    name = slip.name + (f"-way-{way}" if way else "")
    return Suspect(name, slip_sentence(slip.kind, slip.quantity), slip.changes, way, False)
