"""A room: where each learner of a class is, what holds the room up now, and how far it has come."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from bptt_lessons.course import EXERCISES, progress
from bptt_lessons.course.grading import GENERAL
from bptt_lessons.course.progress import Entry
from bptt_lessons.workshop.gathering import LONGEST, Learner, plain

QUIET = timedelta(hours=1)  # without a result, before the room's last one: away, rather than stuck
ACRONYMS = {"bptt": "BPTT", "lstm": "LSTM", "gru": "GRU"}
MORE = 8  # exercises of another version that are shown


class Column(NamedTuple):
    """One exercise."""

    exercise: str
    lesson: str


class Place(NamedTuple):
    """Where one learner is."""

    label: str  # a name, or "learner 3"
    states: tuple[str, ...]  # of every column: "solved", "tried" or "not attempted"
    stuck: int | None  # the column that holds them up now
    misconception: str | None  # what their last result in it was told, if a mistake was named
    at: int | None  # the column of their last result
    last: datetime | None  # when that was
    quiet: bool  # nothing for long, while others went on

    @property
    def solved(self) -> int:
        """How many exercises are solved."""
        return self.states.count("solved")


class Mistake(NamedTuple):
    """What several learners have been told of the same exercise."""

    name: str  # of the misconception; "" where none was named
    sentence: str  # what they read; "" where there is none
    learners: int  # who are not quiet


class Hold(NamedTuple):
    """An exercise that holds learners up now."""

    column: int
    stuck: int  # learners who tried it, have not solved it and have solved nothing beyond it since
    quiet: int  # more of them, who have been quiet for long
    mistakes: tuple[Mistake, ...]  # most learners first


class Room(NamedTuple):
    """A class, at one moment."""

    columns: tuple[Column, ...]  # in the order of the course
    places: tuple[Place, ...]
    holds: tuple[Hold, ...]  # most learners first
    more: int  # exercises of another version that are not shown

    @property
    def present(self) -> tuple[Place, ...]:
        """Those who have a result and are not quiet."""
        return tuple(place for place in self.places if place.last is not None and not place.quiet)

    @property
    def last(self) -> datetime | None:
        """When the last result of all was."""
        return max((place.last for place in self.places if place.last is not None), default=None)


def room_of(learners: Sequence[Learner], now: datetime, *, hide_names: bool = False) -> Room:
    """Return where everybody is.

    Parameters
    ----------
    now : datetime
        With its time zone; what claims to be later is taken to be of now.
    hide_names : bool
        Whether learners are called "learner 1", "learner 2" ..., in the order in which they began: these say
        nothing of names, and stay theirs while the class goes on, unless somebody joins who began earlier,
        or begins again.
    """
    columns, more = columns_of(learners)
    lasts = [last_result(learner.entries, now) for learner in learners]
    latest = max((last for last in lasts if last is not None), default=now)
    ranks = {learner.name: rank for rank, learner in enumerate(sorted(learners, key=beginning), 1)}
    lessons = dict(columns)
    numbers = {column.exercise: number for number, column in enumerate(columns)}
    places = [
        place_of(
            f"learner {ranks[learner.name]}" if hide_names else plain(learner.name),
            learner.entries, lessons, numbers, last, latest,
        )
        for learner, last in zip(learners, lasts, strict=True)
    ]  # fmt: skip
    if hide_names:
        places.sort(key=lambda place: int(place.label.split()[1]))
    return Room(columns, tuple(places), holds_of(columns, places), more)


def columns_of(learners: Sequence[Learner]) -> tuple[tuple[Column, ...], int]:
    """Return every exercise of the course, then those of other versions that most learners have, and how many more."""
    ours = progress.exercises_in_order()
    others: Counter[str] = Counter()
    for learner in learners:
        others.update({entry.exercise for entry in learner.entries} - ours.keys())
    ranked = sorted(others, key=lambda name: (-others[name], name))
    columns = [Column(name, lesson) for name, lesson in ours.items()]
    return (*columns, *(Column(name, "another version") for name in ranked[:MORE])), len(ranked[MORE:])


def beginning(learner: Learner) -> tuple[bool, str, str]:
    """Return what learners without names are sorted by: when they began, and then what has nothing to do with names."""
    first = learner.entries[0].time if learner.entries else ""
    return not learner.entries, first, hashlib.sha256(repr(learner.entries).encode(errors="replace")).hexdigest()


def last_result(entries: Sequence[Entry], now: datetime) -> datetime | None:
    """Return when the last result was, as far as it says so."""
    for entry in reversed(entries):
        try:
            time = datetime.fromisoformat(entry.time)
            return min(time if time.tzinfo else time.replace(tzinfo=UTC), now).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def place_of(
    label: str,
    entries: Sequence[Entry],
    lessons: Mapping[str, str],
    numbers: Mapping[str, int],
    last: datetime | None,
    latest: datetime,
) -> Place:
    """Return where one learner is; `lessons` and `numbers` are those of the columns."""
    standings = progress.summary(entries, lessons)
    states = tuple(standing.state for standing in standings)
    stuck = held_up(entries, states, numbers)
    at = next((numbers[entry.exercise] for entry in reversed(entries) if entry.exercise in numbers), None)
    here = [entry for entry in entries if stuck is not None and numbers.get(entry.exercise) == stuck]
    misconception = here[-1].misconception if here else None
    return Place(label, states, stuck, misconception, at, last, last is not None and latest - last > QUIET)


def held_up(entries: Sequence[Entry], states: Sequence[str], numbers: Mapping[str, int]) -> int | None:
    """Return the exercise that holds a learner up: the last one tried, not solved, and not passed by since.

    One is passed by when a later one of the course was solved after it was tried for the last time; one of
    another version, of which nobody knows where it stood, when any was.
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
    open_still = [
        (moment, column)
        for column, moment in tried.items()
        if not any(when > moment and (later > column or column >= len(EXERCISES)) for later, when in solved.items())
    ]
    return max(open_still)[1] if open_still else None


def holds_of(columns: Sequence[Column], places: Sequence[Place]) -> tuple[Hold, ...]:
    """Return the exercises that hold somebody up, those that hold up most first."""
    holds = []
    for number, column in enumerate(columns):
        here = [place for place in places if place.stuck == number]
        if not here:
            continue
        awake = [place for place in here if not place.quiet]
        counts = Counter(place.misconception or "" for place in awake)
        ranked = sorted(counts, key=lambda name: (name == "", -counts[name], name))
        mistakes = tuple(
            Mistake(plain(name, LONGEST + 20), sentence(column.exercise, name), counts[name]) for name in ranked
        )
        holds.append(Hold(number, len(awake), len(here) - len(awake), mistakes))
    return tuple(sorted(holds, key=lambda hold: (-hold.stuck, -hold.quiet, hold.column)))


def how_many(hold: Hold) -> str:
    """Return how many learners an exercise holds up, and how many of them are quiet, in short."""
    return ", ".join([str(hold.stuck)] * bool(hold.stuck) + [f"{hold.quiet} quiet"] * bool(hold.quiet))


def nobody_stuck(room: Room) -> str:
    """Say that nobody is stuck, and where not, if only a part of the course is looked at."""
    return "Nobody is stuck in this lesson." if len(lessons_of(room)) == 1 else "Nobody is stuck."


def sentence(exercise: str, misconception: str) -> str:
    """Return what a learner reads who makes this mistake; nothing if this version does not know it."""
    known = EXERCISES[exercise].misconceptions.get(misconception) if exercise in EXERCISES else None
    return known.sentence if known else GENERAL.get(misconception, "")


def middle(room: Room) -> tuple[int, int, int]:
    """Return how many exercises the middle learner has solved, and those a quarter and three quarters up."""
    solved = sorted(place.solved for place in room.places)
    if not solved:
        return 0, 0, 0
    half = (len(solved) + 1) // 2
    low, high = solved[:half], solved[-half:]
    return solved[(len(solved) - 1) // 2], low[(len(low) - 1) // 2], high[(len(high) - 1) // 2]


def whereabouts(room: Room) -> dict[str, int]:
    """Return in which lesson how many learners had their last result, quiet ones left out."""
    counts = Counter(room.columns[place.at].lesson for place in room.present if place.at is not None)
    return {lesson: counts[lesson] for lesson in lessons_of(room) if counts[lesson]}


def lessons_of(room: Room) -> dict[str, list[int]]:
    """Return the columns of each lesson."""
    numbered = groupby(range(len(room.columns)), key=lambda number: room.columns[number].lesson)
    return {lesson: list(columns) for lesson, columns in numbered}


def of_lesson(room: Room, lesson: str) -> Room:
    """Return the part of a room that one lesson makes; nobody is left out."""
    kept = lessons_of(room)[lesson]
    places = [
        place._replace(
            states=tuple(place.states[number] for number in kept),
            stuck=kept.index(place.stuck) if place.stuck in kept else None,
            misconception=place.misconception if place.stuck in kept else None,
            at=kept.index(place.at) if place.at in kept else None,
        )
        for place in room.places
    ]
    holds = [hold._replace(column=kept.index(hold.column)) for hold in room.holds if hold.column in kept]
    return Room(tuple(room.columns[number] for number in kept), tuple(places), tuple(holds), 0)


def title(lesson: str) -> str:
    """Return a lesson's number and title in words: "02 Backpropagation through time".

    Parameters
    ----------
    lesson : str
        A notebook's stem.
    """
    words = " ".join(ACRONYMS.get(word, word) for word in lesson.split("_"))
    return f"{words[:3]}{words[3:4].upper()}{words[4:]}" if words[:2].isdigit() else words[:1].upper() + words[1:]


def ago(time: datetime | None, now: datetime) -> str:
    """Say how long ago something was: "4 min", "3 h", "2 d"; nothing if it never was."""
    if time is None:
        return ""
    minutes = max(0, int((now - time).total_seconds() // 60))
    if minutes < 1:
        return "now"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
