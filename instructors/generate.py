"""Fill in the parts of the instructors' pages that come from the catalogue, so that they cannot go out of date.

    python instructors/generate.py             writes instructors/*.md and lessons/*.md
    python instructors/generate.py --check     writes nothing; exit code 1 if something would change

A page holds blocks, each from a marker to ``<!-- end -->``.  You write the marker, and in a schedule also the rows:

    <!-- exercises: keep rnn.step, unrolled.forward -->     a lesson's exercises; keep names those not to drop
    <!-- mistakes: rnn.step: no-tanh, no-bias -->           what a learner reads who makes these mistakes
    <!-- lessons -->                                        all lessons, with their minutes and pages
    <!-- schedule: 0:00 to 1:30 -->                         a table with the columns in SCHEDULE; some are computed

In a schedule you write what is done, the steps of live coding (02.4: lesson 02, step 4), the minutes besides the
exercises, and the exercises in back quotes.  The start of each row, the minutes of its exercises and the last row are
computed, and the schedule must end when its marker says.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from bptt_lessons.course import EXERCISES
from bptt_lessons.course.exercises import Exercise

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent / "notebooks"
KINDS = "lessons|exercises|mistakes|schedule"
BLOCK = re.compile(rf"<!-- ({KINDS})\b:?(.*?) *-->\n(.*?)<!-- end -->", re.DOTALL)
MARKER = re.compile(rf"<!-- (?:{KINDS})\b.*?-->")
SCHEDULE = ("start", "what", "live", "to teach", "exercises", "to write")
PAUSES = ("Break", "Lunch")


def lessons() -> Iterator[tuple[str, str, str]]:
    """Yield each notebook's stem, its title and its minutes."""
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        opening = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        title, minutes = re.match(r"# (.+)", opening), re.search(r"\*\*Time:\*\* (\d+(?: to \d+)?) minutes", opening)
        if title is None or minutes is None:
            raise ValueError(f"{path.name}: the first cell must hold a title, and a time such as **Time:** 15 minutes")
        yield path.stem, title[1], minutes[1]


def of_lesson(stem: str) -> dict[str, Exercise]:
    """Return a lesson's exercises by name, in the order of the lesson."""
    return {name: exercise for name, exercise in EXERCISES.items() if exercise.lesson == stem}


def find(name: str, among: Mapping[str, object], what: str) -> str:
    """Return the name if it is a known one; ValueError lists the known ones if not."""
    if name not in among:
        raise ValueError(f'there is no {what} "{name}"; there are {", ".join(among)}')
    return name


def names(text: str) -> list[str]:
    """Split a list at its commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def markdown(sentence: str) -> str:
    """Escape stars in a learner's sentence, except those around one *stressed* word."""
    parts = sentence.split("`")
    parts[::2] = [re.sub(r"(?<!\S)(\*\w+\*)|\*", lambda star: star[1] or r"\*", part) for part in parts[::2]]
    return "`".join(parts)


def exercises_block(argument: str, stem: str, body: str) -> str:
    """Return the table of a lesson's exercises."""
    here = of_lesson(stem)
    word, _, rest = argument.partition(" ")
    if word != "keep":
        raise ValueError("write keep, and the exercises to keep: keep rnn.step, unrolled.forward")
    keep = [find(name, here, "exercise of this lesson") for name in names(rest)]
    rows = ["| exercise | minutes | known mistakes | keep if time is short |", "|---|---|---|---|"]
    for name, exercise in here.items():
        kept = f"yes, {ordinal(keep.index(name) + 1)}" if name in keep else "no"
        rows.append(f"| `{name}` | {exercise.minutes} | {len(exercise.misconceptions)} | {kept} |")
    total, least = (sum(here[name].minutes for name in those) for those in (here, keep))
    known = sum(len(exercise.misconceptions) for exercise in here.values())
    return "\n".join([*rows, f"| **all** | {total} | {known} | those to keep: {least} minutes |"])


def ordinal(place: int) -> str:
    """Return 1st, 2nd, 3rd, 4th ... ."""
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place, 'th') }"


def mistakes_block(argument: str, stem: str, body: str) -> str:
    """Return the sentences of some mistakes of one exercise."""
    name, _, rest = argument.partition(":")
    exercise = EXERCISES[find(name.strip(), of_lesson(stem), "exercise of this lesson")]
    known = exercise.misconceptions
    chosen = [find(identifier, known, f"known mistake of {exercise.name}") for identifier in names(rest)]
    return f"**`{exercise.name}`**\n\n" + "\n".join(mistake(identifier, exercise) for identifier in chosen)


def mistake(identifier: str, exercise: Exercise) -> str:
    """Return one mistake as an entry of a list."""
    return f"- `{identifier}`: {markdown(exercise.misconceptions[identifier].sentence)}"


def lessons_block(argument: str, stem: str, body: str) -> str:
    """Return the table of all lessons."""
    rows = ["| lesson | minutes alone | of these for exercises | pages for you |", "|---|---|---|---|"]
    for lesson, title, minutes in lessons():
        written = of_lesson(lesson).values()
        count = f"{sum(exercise.minutes for exercise in written)} (for {len(written)})"
        modules = dict.fromkeys(exercise.name.split(".")[0] for exercise in written)
        known = ", ".join(f"[{module}](../bptt_lessons/course/mistakes/{module}.md)" for module in modules)
        pages = f"[to teach it](lessons/{lesson}.md); every known mistake: {known}"
        rows.append(f"| {lesson[:2]} {title} | {minutes} | {count} | {pages} |")
    return "\n".join(rows)


def schedule_block(argument: str, stem: str, body: str) -> str:
    """Return a schedule with the start of each row and the minutes of its exercises filled in."""
    begin, _, end = (part.strip() for part in argument.partition(" to "))
    head, _, *rows = (
        [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        for line in body.splitlines()
        if line
    )
    if tuple(head) != SCHEDULE:
        raise ValueError(f"its columns must be {', '.join(SCHEDULE)}, and are {', '.join(head)}")
    lines = ["| " + " | ".join(SCHEDULE) + " |", "|---" * len(SCHEDULE) + "|"]
    clock, spent = minutes_of(begin), {"teaching": 0, "pauses": 0, "writing": 0}
    for row in rows:
        _, what, live, besides, named, _ = row if len(row) == len(SCHEDULE) else ("", str(row), "", "?", "", "")
        if what.startswith("**end"):
            continue
        if not besides.isdigit():
            raise ValueError(f'"{what}": there must be six columns, and the fourth must be a number of minutes')
        inside = [find(name, EXERCISES, "exercise") for name in re.findall(r"`([^`]+)`", named)]
        writing = sum(EXERCISES[name].minutes for name in inside)
        lines.append(f"| {clock_of(clock)} | {what} | {live} | {besides} | {named} | {writing or ''} |")
        spent["pauses" if what.startswith(PAUSES) else "teaching"] += int(besides)
        spent["writing"] += writing
        clock += int(besides) + writing
    if clock != minutes_of(end):
        raise ValueError(f"it ends at {clock_of(clock)} and should end at {end}")
    total = ", ".join(f"{minutes} of {what}" for what, minutes in spent.items())
    lines.append(f"| {clock_of(clock)} | **end**, after minutes: {total} | | | | |")
    return "\n".join(lines).replace("  |", " |")


def minutes_of(clock: str) -> int:
    """Return the minutes since 0:00 of a time such as 1:30."""
    if not re.fullmatch(r"\d+:[0-5]\d", clock):
        raise ValueError(f'a time must look like 1:30, and there is "{clock}"')
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def clock_of(minutes: int) -> str:
    """Return minutes since 0:00 as a time such as 1:30."""
    return f"{minutes // 60}:{minutes % 60:02}"


BLOCKS: dict[str, Callable[[str, str, str], str]] = {
    "exercises": exercises_block,
    "mistakes": mistakes_block,
    "lessons": lessons_block,
    "schedule": schedule_block,
}


def filled(page: str, stem: str) -> str:
    """Return a page with every block filled in; ValueError names a wrong marker."""

    def fill(match: re.Match[str]) -> str:
        marker = match[0].partition("\n")[0]
        if inner := MARKER.search(match[3]):
            raise ValueError(f"{marker}: no <!-- end --> before {inner[0]}")
        try:
            return f"{marker}\n\n{BLOCKS[match[1]](match[2].strip(), stem, match[3])}\n\n<!-- end -->"
        except ValueError as error:
            raise ValueError(f"{marker}: {error}") from None

    if len(MARKER.findall(page)) != len(BLOCK.findall(page)):
        for marker in MARKER.finditer(page):
            if not BLOCK.match(page, marker.start()):
                raise ValueError(f"{marker[0]}: no <!-- end --> follows it")
    return BLOCK.sub(fill, page)


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every page with its text as it should be."""
    for path in [*sorted(HERE.glob("*.md")), *sorted((HERE / "lessons").glob("*.md"))]:
        try:
            yield path, filled(path.read_text(encoding="utf-8"), path.stem)
        except ValueError as error:
            raise ValueError(f"{path.relative_to(HERE.parent).as_posix()}: {error}") from None


def main(arguments: Iterable[str]) -> int:
    """Write the pages, or with ``--check`` say which would change."""
    arguments = list(arguments)
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    try:
        changed = [
            (path, page) for path, page in pages() if not path.exists() or path.read_text(encoding="utf-8") != page
        ]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path, page in changed:
        print(("would change: " if arguments else "written: ") + path.relative_to(HERE.parent).as_posix())
        if not arguments:
            path.write_text(page, encoding="utf-8", newline="\n")
    return 1 if arguments and changed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
