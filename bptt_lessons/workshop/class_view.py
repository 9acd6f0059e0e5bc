"""The class view: ``bptt-lessons class FOLDER`` shows how far a class is, and where learners are stuck.

It reads what learners have shared or handed in, and writes nothing but the page that it is asked for.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bptt_lessons.course.sharing import class_folder, describe
from bptt_lessons.workshop import class_page, class_records, page
from bptt_lessons.workshop.class_records import display_width, fit_width, plural, printable
from bptt_lessons.workshop.class_state import (
    ClassState,
    LearnerState,
    StuckExercise,
    class_state,
    columns_by_lesson,
    learners_by_lesson,
    lesson_title,
    median_solved,
    nobody_is_stuck,
    only_lesson,
    stuck_and_quiet,
    time_since,
)

WIDTH = 100  # columns of a terminal
ROWS = 30  # up to so many learners are listed one by one
SIGNS = {"solved": "#", "tried": "x", "not attempted": "."}
LEGEND = "# solved   x tried   ! stuck there now   ? stuck, quiet for over an hour   . not attempted"


def add_command(commands: Any) -> None:
    """Add ``class`` to the command line."""
    command = commands.add_parser("class", help="for teachers: how far a class is, and where learners are stuck")
    command.add_argument("folder", nargs="?", help="where progress is shared (default: $BPTT_LESSONS_CLASS)")
    command.add_argument("--hide-names", action="store_true", help='call learners "learner 1", "learner 2" ...')
    command.add_argument("--lesson", metavar="NN", help="one lesson only, such as 02, with every learner")
    command.add_argument("--html", metavar="FILE", help="write a page with pictures instead")
    command.add_argument("--watch", metavar="SECONDS", type=float, help="write that page again and again")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the class view, or write its page, once or again and again."""
    folder = class_folder(options.folder)
    if options.watch is not None and options.html is None:
        raise ValueError("--watch writes a page: name it with --html FILE")
    if options.watch is not None and not 1 <= options.watch <= 3600:
        raise ValueError(f"--watch is {options.watch:g}; expected 1 to 3600 seconds")
    try:
        print(show(folder, options))
    except OSError as error:
        raise ValueError(describe(error)) from error
    if options.watch is None:
        return 0
    print("It is written again as the class goes on, until you press Ctrl-C.", flush=True)
    printed = ""
    while True:
        time.sleep(options.watch)
        trouble = ""
        try:
            show(folder, options)
        except OSError as error:  # a shared volume may be gone for a moment
            trouble = f"Not written this time: {error.strerror or error}"
            if trouble != printed:
                print(trouble, flush=True)
        printed = trouble


def show(folder: Path, options: argparse.Namespace) -> str:
    """Read the class's folder; write the page if one is asked for; return what to print."""
    records = class_records.read_class(folder)
    now = datetime.now(UTC)
    state = class_state(records.learners, now, hide_names=options.hide_names)
    if options.lesson is not None:
        state = only_lesson(state, find_lesson(state, options.lesson))
    notes = class_records.notes(records, hide_names=options.hide_names)
    if state.unknown:
        notes = f"{notes} {state.unknown} exercises of another version are not shown.".strip()
    if options.html is None:
        everybody = options.lesson is not None or len(state.learners) <= ROWS
        return as_text(state, now, notes, everybody=everybody)
    path = page_path(options.html)
    page.write(path, class_page.html_of(state, now, notes, reload=options.watch), class_page.MARK)
    return "\n".join([f"Written: {path}", *([notes] if notes else [])])


def find_lesson(state: ClassState, wanted: str) -> str:
    """Return the lesson with this number, such as ``"02"`` or ``"2"``, or with this name."""
    lessons = [lesson for lesson in columns_by_lesson(state) if lesson[:2].isdigit()]
    stem = wanted.removesuffix(".ipynb")
    number = stem.zfill(2) if stem.isdecimal() else stem
    found = [lesson for lesson in lessons if lesson == stem or lesson[:2] == number]
    if not found:
        raise ValueError(f"--lesson is {wanted!r}; expected one of {', '.join(lesson[:2] for lesson in lessons)}")
    return found[0]


def page_path(named: str) -> Path:
    """Return the full path of the page to write.

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


def as_text(state: ClassState, now: datetime, notes: str, *, everybody: bool) -> str:
    """Return the view as plain text that fits a terminal, with a line for each learner if `everybody`."""
    if not state.learners:
        return "\n".join(["Nobody has shared or handed in any progress here yet.", *wrapped(notes)])
    parts = [*headline(state, now), "", *stuck_lines(state), "", *lesson_lines(state)]
    if everybody:
        parts += ["", *table_lines(state, now)]
    else:
        parts += ["", "Learner by learner: --lesson NN for one lesson, --html FILE for a page with all."]
    return "\n".join([*parts, *(["", *wrapped(notes)] if notes else [])])


def headline(state: ClassState, now: datetime) -> list[str]:
    """Return how many learners there are, how far they are, and in which lessons."""
    stuck = sum(item.stuck for item in state.stuck)
    last = time_since(state.last, now)
    since = f"; last result {last if last == 'now' else last + ' ago'}" if last else ""
    lines = [
        f"{plural(len(state.learners), 'learner')}, {len(state.active)} active "
        f"(a result within an hour of the class's last){since}.",
        f"Stuck now: {stuck}. Solved by the median learner: {median_solved(state)} of {len(state.columns)}.",
    ]
    counts = learners_by_lesson(state)
    if len(counts) > 1:
        lines += wrapped(
            "At work in " + ", ".join(f"{lesson_title(lesson)}: {n}" for lesson, n in counts.items()) + "."
        )
    return lines


def stuck_lines(state: ClassState) -> list[str]:
    """Return where learners are stuck, the worst first."""
    if not state.stuck:
        return [nobody_is_stuck(state)]
    lines = ["Where the class is stuck now:"]
    for item in state.stuck[:5]:
        lines.append(fit_width(f"  {stuck_text(state, item)}", WIDTH).rstrip())
        for mistake in item.mistakes[:3]:
            name = mistake.name or "no mistake named"
            sentence = f": {mistake.sentence}" if mistake.sentence else ""
            lines += wrapped(f"{mistake.learners} x {name}{sentence}", " " * 6, " " * 10)
    rest = [f"{printable(state.columns[item.column].exercise)} ({stuck_and_quiet(item)})" for item in state.stuck[5:]]
    if rest:
        lines += wrapped("Also: " + ", ".join(rest), "  ", "  ")
    return lines


def stuck_text(state: ClassState, item: StuckExercise) -> str:
    """Return how many learners are stuck in one exercise."""
    column = state.columns[item.column]
    solved = sum(learner.states[item.column] == "solved" for learner in state.learners)
    quiet = f" (and {item.quiet} quiet for over an hour)" if item.quiet else ""
    lesson = f". Lesson {column.lesson[:2]}" if column.lesson[:2].isdigit() else ""
    return f"{printable(column.exercise)}: {item.stuck} stuck{quiet}, {solved} have solved it{lesson}"


def lesson_lines(state: ClassState) -> list[str]:
    """Return how many have begun and finished each lesson that somebody has begun."""
    lines = []
    for lesson, columns in columns_by_lesson(state).items():
        states = [[learner.states[column] for column in columns] for learner in state.learners]
        begun = sum(any(each != "not attempted" for each in one) for one in states)
        finished = sum(all(each == "solved" for each in one) for one in states)
        if begun:
            title = fit_width(lesson_title(lesson), 50)
            lines.append(f"{title} {begun:4} have begun, {finished:4} have solved all {len(columns)}")
    return lines


def table_lines(state: ClassState, now: datetime) -> list[str]:
    """Return one line for each learner, with a sign for each exercise."""
    lessons = columns_by_lesson(state)
    head = " ".join(fit_width(lesson[:2], len(columns)) for lesson, columns in lessons.items())
    lines = [LEGEND, "", f"{'':18} {head} {'last':>7}  stuck in"]
    for learner in state.learners:
        signs = " ".join("".join(sign(learner, column) for column in columns) for columns in lessons.values())
        exercise = printable(state.columns[learner.stuck].exercise) if learner.stuck is not None else ""
        if exercise and learner.misconception and len(lessons) == 1:
            exercise += f": {printable(learner.misconception)}"
        line = f"{fit_width(learner.label, 18)} {signs} {time_since(learner.last, now):>7}  {exercise}"
        lines.append(fit_width(line, WIDTH).rstrip())
    if len(lessons) == 1:
        names = [f"{number} {printable(column.exercise)}" for number, column in enumerate(state.columns, 1)]
        lines += ["", *wrapped("Exercises, from left to right: " + ", ".join(names))]
    return lines


def sign(learner: LearnerState, column: int) -> str:
    """Return the sign of one learner and one exercise."""
    if learner.stuck == column:
        return "?" if learner.quiet else "!"
    return SIGNS[learner.states[column]]


def wrapped(text: str, first: str = "", later: str = "") -> list[str]:
    """Return a text as lines that fit a terminal; the first line and the later ones have their indents."""
    lines, indent = [first], first
    for word in text.split():
        longer = lines[-1] + " " * (lines[-1] != indent) + word
        if display_width(longer) > WIDTH and lines[-1] != indent:
            lines.append(later)
            indent, longer = later, later + word
        lines[-1] = longer if display_width(longer) <= WIDTH else fit_width(longer, WIDTH)
    return lines if text.strip() else []
