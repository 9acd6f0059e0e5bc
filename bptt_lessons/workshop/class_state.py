"""The state of a class: what each learner has solved, where learners are stuck now, and with which mistakes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from statistics import median_low
from typing import NamedTuple

from bptt_lessons.course import EXERCISES, progress
from bptt_lessons.course.grading import GENERAL
from bptt_lessons.course.progress import Entry
from bptt_lessons.course.report import BOTH
from bptt_lessons.course.suspects import sentence_of
from bptt_lessons.workshop.class_records import LONGEST, Learner, printable

QUIET = timedelta(hours=1)  # no result for so long while others had some: away rather than stuck
ACRONYMS = {"bptt": "BPTT", "lstm": "LSTM", "gru": "GRU"}
UNKNOWN_SHOWN = 8  # exercises of another version that are shown


class Column(NamedTuple):
    """One exercise."""

    exercise: str
    lesson: str


class LearnerState(NamedTuple):
    """What one learner has solved, and where they are stuck."""

    label: str  # a name, or "learner 3"
    states: tuple[str, ...]  # of every column: "solved", "tried" or "not attempted"
    stuck: int | None  # the column in which they are stuck now
    misconception: str | None  # named by their last result there
    current: int | None  # the column of their last result
    last: datetime | None  # time of their last result
    quiet: bool  # no result for long, while others had some

    @property
    def solved(self) -> int:
        """How many exercises are solved."""
        return self.states.count("solved")


class Mistake(NamedTuple):
    """A mistake that stuck learners make in the same exercise."""

    name: str  # of the misconception; "" where none was named
    sentence: str  # what learners read; "" where there is none
    learners: int  # who are not quiet


class StuckExercise(NamedTuple):
    """An exercise in which learners are stuck now."""

    column: int
    stuck: int  # learners who tried it, have not solved it and have solved nothing later since
    quiet: int  # further ones, who are quiet
    mistakes: tuple[Mistake, ...]  # most learners first


class ClassState(NamedTuple):
    """A class at one moment."""

    columns: tuple[Column, ...]  # in the order of the course
    learners: tuple[LearnerState, ...]
    stuck: tuple[StuckExercise, ...]  # most learners first
    unknown: int  # exercises of another version that are not shown

    @property
    def active(self) -> tuple[LearnerState, ...]:
        """Learners who have a result and are not quiet."""
        return tuple(learner for learner in self.learners if learner.last is not None and not learner.quiet)

    @property
    def last(self) -> datetime | None:
        """The time of the class's last result."""
        return max((learner.last for learner in self.learners if learner.last is not None), default=None)


def class_state(learners: Sequence[Learner], now: datetime, *, hide_names: bool = False) -> ClassState:
    """Return the state of a class.

    Parameters
    ----------
    learners : sequence of Learner
    now : datetime
        With its time zone; a result that claims to be later counts as one of now.
    hide_names : bool
        Call learners "learner 1", "learner 2" ... in the order in which they began.  These labels say nothing
        about names, and stay the same unless somebody joins who began earlier, or begins again.
    """
    columns, unknown = all_columns(learners)
    lasts = [last_result(learner.entries, now) for learner in learners]
    latest = max((last for last in lasts if last is not None), default=now)
    ranks = {learner.name: rank for rank, learner in enumerate(sorted(learners, key=anonymous_order), 1)}
    found = [
        learner_state(
            f"learner {ranks[learner.name]}" if hide_names else printable(learner.name),
            learner.entries, columns, last, latest,
        )
        for learner, last in zip(learners, lasts, strict=True)
    ]  # fmt: skip
    if hide_names:
        found.sort(key=lambda learner: int(learner.label.split()[1]))
    return ClassState(columns, tuple(found), stuck_exercises(columns, found), unknown)


def all_columns(learners: Sequence[Learner]) -> tuple[tuple[Column, ...], int]:
    """Return the course's exercises, then the most frequent ones of other versions, and how many more there are."""
    known = progress.exercises_in_order()
    others: Counter[str] = Counter()
    for learner in learners:
        others.update({entry.exercise for entry in learner.entries} - known.keys())
    ranked = sorted(others, key=lambda name: (-others[name], name))
    columns = [Column(name, lesson) for name, lesson in known.items()]
    columns += [Column(name, "another version") for name in ranked[:UNKNOWN_SHOWN]]
    return tuple(columns), len(ranked[UNKNOWN_SHOWN:])


def anonymous_order(learner: Learner) -> tuple[bool, str, str]:
    """Return the sort key of learners without names: when they began, then a hash of their results."""
    first = learner.entries[0].time if learner.entries else ""
    return not learner.entries, first, hashlib.sha256(repr(learner.entries).encode(errors="replace")).hexdigest()


def last_result(entries: Sequence[Entry], now: datetime) -> datetime | None:
    """Return the time of the last result that has a readable one."""
    for entry in reversed(entries):
        try:
            time = datetime.fromisoformat(entry.time)
            return min(time if time.tzinfo else time.replace(tzinfo=UTC), now).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def learner_state(
    label: str, entries: Sequence[Entry], columns: Sequence[Column], last: datetime | None, latest: datetime
) -> LearnerState:
    """Return the state of one learner; `latest` is the time of the class's last result."""
    numbers = {column.exercise: number for number, column in enumerate(columns)}
    states = tuple(standing.state for standing in progress.summary(entries, dict(columns)))
    stuck = stuck_column(entries, states, numbers)
    current = next((numbers[entry.exercise] for entry in reversed(entries) if entry.exercise in numbers), None)
    here = [entry for entry in entries if stuck is not None and numbers.get(entry.exercise) == stuck]
    misconception = here[-1].misconception if here else None
    return LearnerState(label, states, stuck, misconception, current, last, last is not None and latest - last > QUIET)


def stuck_column(entries: Sequence[Entry], states: Sequence[str], numbers: Mapping[str, int]) -> int | None:
    """Return the exercise in which a learner is stuck: the last one tried, not solved and not passed by since.

    It is passed by when a later exercise of the course was solved after it was last tried; for one of
    another version, whose place in the course is unknown, when any was.
    """
    tried: dict[int, int] = {}
    solved: dict[int, int] = {}
    for moment, entry in enumerate(entries):
        column = numbers.get(entry.exercise)
        if column is None:
            continue
        if entry.status == "correct":
            solved.setdefault(column, moment)
        elif entry.status == "wrong" and states[column] == "tried":
            tried[column] = moment
    still_open = [
        (moment, column)
        for column, moment in tried.items()
        if not any(when > moment and (later > column or column >= len(EXERCISES)) for later, when in solved.items())
    ]
    return max(still_open)[1] if still_open else None


def stuck_exercises(columns: Sequence[Column], learners: Sequence[LearnerState]) -> tuple[StuckExercise, ...]:
    """Return the exercises in which somebody is stuck, the one with most learners first."""
    found = []
    for number, column in enumerate(columns):
        here = [learner for learner in learners if learner.stuck == number]
        if not here:
            continue
        active = [learner for learner in here if not learner.quiet]
        counts = Counter(learner.misconception or "" for learner in active)
        ranked = sorted(counts, key=lambda name: (name == "", -counts[name], name))
        mistakes = tuple(
            Mistake(printable(name, LONGEST + 20), sentence(column.exercise, name), counts[name]) for name in ranked
        )
        found.append(StuckExercise(number, len(active), len(here) - len(active), mistakes))
    return tuple(sorted(found, key=lambda item: (-item.stuck, -item.quiet, item.column)))


def sentence(exercise: str, misconception: str) -> str:
    """Return what a learner reads about a mistake; empty if this version does not know it."""
    if exercise not in EXERCISES:
        return GENERAL.get(misconception, "")
    names = misconception.split(BOTH)
    return " ".join(sentence_of(EXERCISES[exercise], name) or GENERAL.get(name, "") for name in names).strip()


def median_solved(state: ClassState) -> int:
    """Return how many exercises the median learner has solved."""
    return median_low([learner.solved for learner in state.learners] or [0])


def learners_by_lesson(state: ClassState) -> dict[str, int]:
    """Return how many active learners had their last result in each lesson."""
    counts = Counter(state.columns[learner.current].lesson for learner in state.active if learner.current is not None)
    return {lesson: counts[lesson] for lesson in columns_by_lesson(state) if counts[lesson]}


def columns_by_lesson(state: ClassState) -> dict[str, list[int]]:
    """Return the columns of each lesson."""
    numbered = groupby(range(len(state.columns)), key=lambda number: state.columns[number].lesson)
    return {lesson: list(columns) for lesson, columns in numbered}


def only_lesson(state: ClassState, lesson: str) -> ClassState:
    """Return the state with the columns of one lesson, and with every learner."""
    kept = columns_by_lesson(state)[lesson]
    learners = [
        learner._replace(
            states=tuple(learner.states[number] for number in kept),
            stuck=kept.index(learner.stuck) if learner.stuck in kept else None,
            misconception=learner.misconception if learner.stuck in kept else None,
            current=kept.index(learner.current) if learner.current in kept else None,
        )
        for learner in state.learners
    ]
    stuck = [item._replace(column=kept.index(item.column)) for item in state.stuck if item.column in kept]
    return ClassState(tuple(state.columns[number] for number in kept), tuple(learners), tuple(stuck), 0)


# --- words for the terminal and the page -------------------------------------------------------------------


def stuck_and_quiet(item: StuckExercise) -> str:
    """Return how many learners are stuck in an exercise, and how many more are quiet: "3, 1 quiet"."""
    return ", ".join([str(item.stuck)] * bool(item.stuck) + [f"{item.quiet} quiet"] * bool(item.quiet))


def nobody_is_stuck(state: ClassState) -> str:
    """Say that nobody is stuck, in the lesson or in the course."""
    return "Nobody is stuck in this lesson." if len(columns_by_lesson(state)) == 1 else "Nobody is stuck."


def lesson_title(lesson: str) -> str:
    """Return the number and title of a notebook's stem: "02 Backpropagation through time"."""
    words = " ".join(ACRONYMS.get(word, word) for word in lesson.split("_"))
    return f"{words[:3]}{words[3:4].upper()}{words[4:]}" if words[:2].isdigit() else words[:1].upper() + words[1:]


def time_since(time: datetime | None, now: datetime) -> str:
    """Return the time since something happened: "4 min", "3 h", "2 d", "now"; empty if it never did."""
    if time is None:
        return ""
    minutes = max(0, int((now - time).total_seconds() // 60))
    if minutes < 1:
        return "now"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
