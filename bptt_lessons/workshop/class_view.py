"""The class view: ``bptt-lessons class FOLDER`` says where a class is, and what holds it up now.

It reads what learners have shared, or handed in, and writes nothing but the page that it is asked for.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bptt_lessons.course.sharing import class_folder, reason
from bptt_lessons.workshop import class_page, gathering, page
from bptt_lessons.workshop.gathering import fitted, plain, wide
from bptt_lessons.workshop.room import (
    Hold,
    Place,
    Room,
    ago,
    how_many,
    lessons_of,
    middle,
    nobody_stuck,
    of_lesson,
    room_of,
    title,
    whereabouts,
)

WIDTH = 100  # columns of a terminal
ROWS = 30  # learners who are shown one by one without being asked for
SIGNS = {"solved": "#", "tried": "x", "not attempted": "."}
LEGEND = "# solved   x tried   ! stuck there now   ? stuck, quiet for over an hour   . not attempted"


def add_command(commands: Any) -> None:
    """Add ``class`` to the command line."""
    command = commands.add_parser("class", help="for those who teach: where a class is, and what holds it up")
    command.add_argument("folder", nargs="?", help="where progress is shared (default: $BPTT_LESSONS_CLASS)")
    command.add_argument("--hide-names", action="store_true", help='call learners "learner 1", "learner 2" ...')
    command.add_argument("--lesson", metavar="NN", help="one lesson only, such as 02, with every learner")
    command.add_argument("--html", metavar="FILE", help="write a page with pictures instead")
    command.add_argument("--watch", metavar="SECONDS", type=float, help="write that page again and again")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the class view, or write its page, once or again and again."""
    folder = class_folder(options.folder)
    if options.watch is None:
        print(shown_at_first(folder, options))
        return 0
    if options.html is None:
        raise ValueError("--watch writes a page: name it with --html FILE")
    if not 1 <= options.watch <= 3600:
        raise ValueError(f"--watch is {options.watch:g}; expected 1 to 3600 seconds")
    print(shown_at_first(folder, options))
    print("It is written again as the class goes on, until you press Ctrl-C.", flush=True)
    said = ""
    while True:
        time.sleep(options.watch)
        try:
            show(folder, options)
            said = ""
        except OSError as error:  # a shared volume may be gone for a moment
            trouble = f"Not written this time: {error.strerror or error}"
            if trouble != said:
                print(trouble, flush=True)
            said = trouble


def shown_at_first(folder: Path, options: argparse.Namespace) -> str:
    """Do as `show` does, and say in one line what keeps it from being done."""
    try:
        return show(folder, options)
    except OSError as error:
        raise ValueError(reason(error)) from error


def show(folder: Path, options: argparse.Namespace) -> str:
    """Look at the class now; write the page if one is asked for; return what to print."""
    gathered = gathering.gather(folder)
    now = datetime.now(UTC)
    room = room_of(gathered.learners, now, hide_names=options.hide_names)
    lesson = None if options.lesson is None else find_lesson(room, options.lesson)
    if lesson is not None:
        room = of_lesson(room, lesson)
    notes = gathering.notes(gathered, hide_names=options.hide_names)
    if room.more:
        notes = f"{notes} {room.more} exercises of another version are not shown.".strip()
    if options.html is None:
        return text_of(room, now, notes, everybody=lesson is not None or len(room.places) <= ROWS)
    path = full_page_path(options.html)
    page.write(path, class_page.html_of(room, now, notes, reload=options.watch), class_page.MARK)
    return "\n".join([f"Written: {path}", *([notes] if notes else [])])


def find_lesson(room: Room, wanted: str) -> str:
    """Return the lesson that a number or a name stands for.

    Parameters
    ----------
    wanted : str
        Such as ``"02"``, ``"2"`` or a notebook's name.
    """
    lessons = [lesson for lesson in lessons_of(room) if lesson[:2].isdigit()]
    stem = wanted.removesuffix(".ipynb")
    number = stem.zfill(2) if stem.isdecimal() else stem
    found = [lesson for lesson in lessons if lesson == stem or lesson[:2] == number]
    if not found:
        raise ValueError(f"--lesson is {wanted!r}; expected one of {', '.join(lesson[:2] for lesson in lessons)}")
    return found[0]


# --- the page's file ---------------------------------------------------------------------------------------


def full_page_path(named: str) -> Path:
    """Return where the page goes.

    Raises
    ------
    ValueError
        If there is no such folder.
    """
    path = Path(os.path.abspath(Path(named).expanduser()))
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"--html is {named!r}; expected a file in a folder that is there")
    return path


# --- plain text --------------------------------------------------------------------------------------------


def text_of(room: Room, now: datetime, notes: str, *, everybody: bool) -> str:
    """Return the view as plain text, no line wider than a terminal.

    Parameters
    ----------
    notes : str
        What was passed over.
    everybody : bool
        Whether to add a line for each learner.
    """
    if not room.places:
        return "\n".join(["Nobody has shared or handed in any progress here yet.", *wrapped(notes)])
    parts = [*headline(room, now), "", *stuck_lines(room), "", *lesson_lines(room)]
    if everybody:
        parts += ["", *table_lines(room, now)]
    else:
        parts += ["", "Learner by learner: --lesson NN for one lesson, --html FILE for a page with all."]
    return "\n".join([*parts, *(["", *wrapped(notes)] if notes else [])])


def headline(room: Room, now: datetime) -> list[str]:
    """Return how many there are, how far they have come and where they are."""
    half, low, high = middle(room)
    present, stuck = len(room.present), sum(hold.stuck for hold in room.holds)
    last = ago(room.last, now)
    since = f"; last result {last if last == 'now' else last + ' ago'}" if last else ""
    lines = [
        f"{people(len(room.places))}, {present} active (a result within an hour of the room's last){since}.",
        f"Stuck now: {stuck}. Solved by the middle learner: {half} of {len(room.columns)} "
        f"(the middle half of the room: {low} to {high}).",
    ]
    where = whereabouts(room)
    if len(where) > 1:
        lines += wrapped("At work in " + ", ".join(f"{title(lesson)}: {n}" for lesson, n in where.items()) + ".")
    return lines


def people(count: int) -> str:
    """Return a number of learners."""
    return "1 learner" if count == 1 else f"{count} learners"


def stuck_lines(room: Room) -> list[str]:
    """Return what holds the room up, the worst first."""
    if not room.holds:
        return [nobody_stuck(room)]
    lines = ["What holds the room up now:"]
    for hold in room.holds[:5]:
        lines.append(fitted(f"  {hold_text(room, hold)}", WIDTH).rstrip())
        for mistake in hold.mistakes[:3]:
            name = mistake.name or "no mistake named"
            said = f": {mistake.sentence}" if mistake.sentence else ""
            lines += wrapped(f"{mistake.learners} x {name}{said}", " " * 6, " " * 10)
    rest = [f"{plain(room.columns[hold.column].exercise)} ({how_many(hold)})" for hold in room.holds[5:]]
    if rest:
        lines += wrapped("Also: " + ", ".join(rest), "  ", "  ")
    return lines


def hold_text(room: Room, hold: Hold) -> str:
    """Return how many learners one exercise holds up."""
    column = room.columns[hold.column]
    solved = sum(place.states[hold.column] == "solved" for place in room.places)
    quiet = f" (and {hold.quiet} quiet for over an hour)" if hold.quiet else ""
    lesson = f". Lesson {column.lesson[:2]}" if column.lesson[:2].isdigit() else ""
    return f"{plain(column.exercise)}: {hold.stuck} stuck{quiet}, {solved} have solved it{lesson}"


def lesson_lines(room: Room) -> list[str]:
    """Return how many have solved each exercise of each lesson that somebody has begun."""
    lines = []
    for lesson, columns in lessons_of(room).items():
        begun = sum(any(place.states[column] != "not attempted" for column in columns) for place in room.places)
        through = sum(all(place.states[column] == "solved" for column in columns) for place in room.places)
        if begun:
            lines.append(
                f"{fitted(title(lesson), 50)} {begun:4} have begun, {through:4} have solved all {len(columns)}"
            )
    return lines


def table_lines(room: Room, now: datetime) -> list[str]:
    """Return one line for each learner, with a sign for each exercise."""
    lessons = lessons_of(room)
    head = " ".join(fitted(lesson[:2], len(columns)) for lesson, columns in lessons.items())
    lines = [LEGEND, "", f"{'':18} {head} {'last':>7}  stuck in"]
    for place in room.places:
        signs = " ".join("".join(sign(place, column) for column in columns) for columns in lessons.values())
        at = plain(room.columns[place.stuck].exercise) if place.stuck is not None else ""
        if at and place.misconception and len(lessons) == 1:
            at += f": {plain(place.misconception)}"
        line = f"{fitted(place.label, 18)} {signs} {ago(place.last, now):>7}  {at}"
        lines.append(fitted(line, WIDTH).rstrip())
    if len(lessons) == 1:
        names = [f"{number} {plain(column.exercise)}" for number, column in enumerate(room.columns, 1)]
        lines += ["", *wrapped("Exercises, from left to right: " + ", ".join(names))]
    return lines


def sign(place: Place, column: int) -> str:
    """Return the sign of one learner and one exercise."""
    if place.stuck == column:
        return "?" if place.quiet else "!"
    return SIGNS[place.states[column]]


def wrapped(text: str, first: str = "", later: str = "") -> list[str]:
    """Return a text as lines that a terminal holds.

    Parameters
    ----------
    first, later : str
        What the first line and the others begin with.
    """
    lines, indent = [first], first
    for word in text.split():
        longer = lines[-1] + " " * (lines[-1] != indent) + word
        if wide(longer) > WIDTH and lines[-1] != indent:
            lines.append(later)
            indent, longer = later, later + word
        lines[-1] = longer if wide(longer) <= WIDTH else fitted(longer, WIDTH)
    return lines if text.strip() else []
