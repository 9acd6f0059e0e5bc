"""The instructor's pages: as generated, complete, adding up, and naming only what is there."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bptt_lessons.cells import rnn
from bptt_lessons.course import EXERCISES, cli
from bptt_lessons.workshop import commands

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTORS = ROOT / "instructors"
STEMS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PAGES = sorted(INSTRUCTORS.rglob("*.md"))
HEADINGS = [
    "Live coding",
    "Predict, then run",
    "Exercises",
    "Where people go wrong",
    "Questions to discuss",
    "On the day",
]
PAUSES = ("Break", "Lunch")
WITHOUT_A_PAUSE = 100  # minutes that nobody should sit through
SCHEDULE = (
    "<!-- schedule: 0:00 to 0:10 -->\n"
    "| start | what | live | to teach | exercises | to write |\n|---|---|---|---|---|---|\n"
)


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load(INSTRUCTORS / "generate.py")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lesson_page(stem: str) -> str:
    return text(INSTRUCTORS / "lessons" / f"{stem}.md")


# As generated


def test_every_page_is_as_generated() -> None:
    differing = [name(path) for path, page in generate.pages() if not path.exists() or text(path) != page]
    assert differing == [], "run: python instructors/generate.py"


def test_there_is_no_page_that_nothing_generates() -> None:
    assert sorted(path.stem for path in (INSTRUCTORS / "misconceptions").glob("*.md")) == STEMS
    assert sorted(path.stem for path in (INSTRUCTORS / "lessons").glob("*.md")) == STEMS


def test_check_changes_nothing_and_says_what_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "instructors" / "README.md"
    page.parent.mkdir()
    page.write_text("<!-- lessons -->\n<!-- end -->\n", encoding="utf-8")
    monkeypatch.setattr(generate, "HERE", page.parent)
    before = text(page)
    assert generate.main(["--check"]) == 1
    assert "would change: instructors/README.md" in capsys.readouterr().out
    assert text(page) == before
    assert generate.main([]) == 0
    assert "00 Start here" in text(page)
    assert generate.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("<!-- exercises: keep rnn.leap -->\n<!-- end -->", 'no exercise of this lesson "rnn.leap"'),
        ("<!-- exercises: keep lstm.step -->\n<!-- end -->", 'no exercise of this lesson "lstm.step"'),
        ("<!-- exercises: rnn.step -->\n<!-- end -->", "write keep"),
        ("<!-- mistakes: rnn.step: bad-luck -->\n<!-- end -->", 'no known mistake of rnn.step "bad-luck"'),
        ("<!-- mistakes: rnn.leap: no-tanh -->\n<!-- end -->", 'no exercise of this lesson "rnn.leap"'),
        ("<!-- mistakes: rnn.step: no-tanh -->\n", "no <!-- end --> follows it"),
        ("<!-- lessons -->\n<!-- mistakes: rnn.step: no-tanh -->\n<!-- end -->", "no <!-- end --> before"),
        (
            f"{SCHEDULE}| | one step | | 5 | `rnn.step` | |\n<!-- end -->",
            "it ends at 0:11 and should end at 0:10",
        ),
        (
            f"{SCHEDULE}| | one step | | a while | | |\n<!-- end -->",
            "the fourth must be a number of minutes",
        ),
        ("<!-- wall: A week -->\n<!-- end -->", 'the guide has no heading "### A week"'),
    ],
)
def test_a_wrong_marker_is_named_with_its_file(
    block: str,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / "instructors" / "lessons" / "01_unrolling_a_recurrent_network.md"
    page.parent.mkdir(parents=True)
    page.write_text(block, encoding="utf-8")
    (tmp_path / "instructors" / "README.md").write_text("", encoding="utf-8")
    monkeypatch.setattr(generate, "HERE", tmp_path / "instructors")
    assert generate.main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("instructors/lessons/01_unrolling_a_recurrent_network.md: <!-- ")
    assert complaint in said
    assert text(page) == block


def test_a_sentence_reads_the_same_in_markdown() -> None:
    assert generate.markdown("the *last* row, h**2 and a * b, `x * y`") == r"the *last* row, h\*\*2 and a \* b, `x * y`"


# Complete


def headings(page: str) -> list[str]:
    return re.findall(r"^## (.+)$", page, re.MULTILINE)


def mistakes(page: str) -> dict[str, list[str]]:
    """Return which mistakes a page names for which exercise."""
    found = re.findall(r"<!-- mistakes: ([\w.]+): (.+?) -->", page)
    return {exercise: identifiers.split(", ") for exercise, identifiers in found}


@pytest.mark.parametrize("stem", STEMS)
def test_a_lesson_has_its_page_with_all_its_parts(stem: str) -> None:
    page = lesson_page(stem)
    assert page.startswith(f"# {stem[:2]} ")
    assert page.split("\n\n")[1].startswith("**The point.** ")
    assert headings(page) == HEADINGS
    assert len(re.findall("<!-- exercises: keep ", page)) == 1
    assert 3 <= page.count("<details>") <= 6
    assert page.count("<details>") == page.count("</details>") == page.count("<summary>Answer</summary>")


@pytest.mark.parametrize("stem", STEMS)
def test_a_page_says_where_people_go_wrong_in_every_exercise(stem: str) -> None:
    named = mistakes(lesson_page(stem))
    assert sorted(named) == sorted(n for n, exercise in EXERCISES.items() if exercise.lesson == stem)
    assert {n: few for n, few in named.items() if not 3 <= len(few) <= 6} == {}


@pytest.mark.parametrize("stem", STEMS)
def test_every_known_mistake_is_on_the_generated_page(stem: str) -> None:
    page = text(INSTRUCTORS / "misconceptions" / f"{stem}.md")
    here = {n: exercise for n, exercise in EXERCISES.items() if exercise.lesson == stem}
    assert headings(page) == list(here)
    known = [identifier for exercise in here.values() for identifier in exercise.misconceptions]
    assert re.findall(r"^- `([\w-]+)`: \S", page, re.MULTILINE) == known


# Schedules


class Row(NamedTuple):
    """One row of a schedule; a time in minutes since midnight."""

    start: int
    what: str
    live: str
    besides: int
    exercises: tuple[str, ...]
    writing: int


class Schedule(NamedTuple):
    begin: int
    end: int
    rows: tuple[Row, ...]
    last: int


def minutes_of(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def schedules(page: str) -> list[Schedule]:
    found = []
    for begin, end, body in re.findall(r"<!-- schedule: (\S+) to (\S+) -->\n(.*?)<!-- end -->", page, re.DOTALL):
        lines = [line for line in body.splitlines() if line.startswith("|")][2:]
        cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
        rows = tuple(
            Row(minutes_of(start), what, live, int(besides), tuple(re.findall(r"`([^`]+)`", named)), int(writing or 0))
            for start, what, live, besides, named, writing in cells[:-1]
        )
        found.append(Schedule(minutes_of(begin), minutes_of(end), rows, minutes_of(cells[-1][0])))
    return found


SCHEDULES = schedules(text(INSTRUCTORS / "README.md"))


def wrong_sums(schedule: Schedule) -> list[str]:
    """Return what does not add up in a schedule."""
    clock, found = schedule.begin, []
    for row in schedule.rows:
        if row.start != clock:
            found.append(f"{row.what}: starts at {row.start}, the rows before end at {clock}")
        if row.writing != sum(EXERCISES[n].minutes for n in row.exercises):
            found.append(f"{row.what}: {row.writing} minutes are not those of its exercises")
        clock += row.besides + row.writing
    return found + [f"ends at {clock}"] * (not clock == schedule.end == schedule.last)


def sections(stem: str) -> set[int]:
    cells = json.loads(text(ROOT / "notebooks" / f"{stem}.ipynb"))["cells"]
    return {int(n) for cell in cells for n in re.findall(r"^## (\d+)\. ", "".join(cell["source"]), re.MULTILINE)}


def missing_sections(what: str) -> list[str]:
    """Return the sections that a row names and its lessons do not have; a lesson holds until the next is named."""
    lesson, found = "", []
    for number, first, last in re.findall(r"\b(0\d)\b|\bsections? (\d+)(?: (?:to|and) (\d+))?", what):
        lesson = number or lesson
        stem = next((s for s in STEMS if s.startswith(lesson)), "")
        found += [f"{lesson} {n}" for n in (first, last) if n and (not stem or int(n) not in sections(stem))]
    return found


def test_there_are_three_schedules_and_the_last_has_two_days() -> None:
    assert [schedule.end - schedule.begin for schedule in SCHEDULES] == [90, 240, 450, 450]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["90 minutes", "half a day", "day one", "day two"])
def test_a_schedule_adds_up_and_agrees_with_the_catalogue(schedule: Schedule) -> None:
    assert wrong_sums(schedule) == []
    written = [n for row in schedule.rows for n in row.exercises]
    assert len(written) == len(set(written))
    sat = 0
    for row in schedule.rows:
        sat = 0 if row.what.startswith(PAUSES) else sat + row.besides + row.writing
        assert sat <= WITHOUT_A_PAUSE, f"no pause before {row.what}"
        plain = re.sub(r"\[(\d\d)\]\([^)]*\)", r"\1", row.what)
        assert missing_sections(plain) == []
        of = {EXERCISES[n].lesson[:2] for n in row.exercises}
        assert of <= set(re.findall(r"\b0\d\b", plain)), f"{plain}: an exercise of another lesson"


def missing_steps(guide: str) -> list[str]:
    """Return the steps of live coding, such as 02.4, that the guide names and the lessons' pages do not have."""
    found = []
    for lesson, step in re.findall(r"\b(0\d)\.(\d+)\b", guide):
        page = lesson_page(next(stem for stem in STEMS if stem.startswith(lesson)))
        live = page.partition("\n## Live coding\n")[2].partition("\n## ")[0]
        if step not in re.findall(r"^(\d+)\. \*\*", live, re.MULTILINE):
            found.append(f"{lesson}.{step}")
    return found


def test_every_step_of_live_coding_that_the_guide_names_is_there() -> None:
    assert missing_steps(text(INSTRUCTORS / "README.md")) == []
    assert missing_steps("00.2, 00.9, 01.4 and 01.8") == ["00.9", "01.8"]
    rows = [row for schedule in SCHEDULES for row in schedule.rows if row.live]
    assert len(rows) >= 30
    assert [row for row in rows if not re.fullmatch(r"0\d\.\d+(, 0\d\.\d+)*", row.live)] == []


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["90 minutes", "half a day", "day one", "day two"])
def test_the_steps_of_a_row_fit_into_its_minutes(schedule: Schedule) -> None:
    too_long = {}
    for row in schedule.rows:
        minutes = 0
        for lesson, step in re.findall(r"(0\d)\.(\d+)", row.live):
            page = lesson_page(next(stem for stem in STEMS if stem.startswith(lesson)))
            found = re.search(rf"^{step}\. \*\*.*?(\d+) min", page.partition("\n## Live coding\n")[2], re.MULTILINE)
            assert found is not None, f"{lesson}.{step} has no minutes"
            minutes += int(found[1])
        if minutes > row.besides:
            too_long[row.what] = minutes
    assert too_long == {}


def test_who_has_little_time_writes_what_the_lessons_pages_keep() -> None:
    markers = re.findall(r"<!-- exercises: keep (.+?) -->", "".join(map(lesson_page, STEMS)))
    keep = {n for marker in markers for n in marker.split(", ")}
    assert {n for schedule in SCHEDULES[:2] for row in schedule.rows for n in row.exercises} <= keep


def test_a_sum_that_is_wrong_would_be_seen() -> None:
    schedule = SCHEDULES[0]
    place = next(n for n, row in enumerate(schedule.rows) if row.exercises)
    first = schedule.rows[place]
    for spoilt in (first._replace(besides=first.besides + 1), first._replace(writing=first.writing + 1)):
        assert wrong_sums(schedule._replace(rows=(*schedule.rows[:place], spoilt, *schedule.rows[place + 1 :])))
    assert wrong_sums(schedule._replace(last=schedule.last + 1))
    assert missing_sections("02, sections 9 and 11; 00, section 8") == ["02 11", "00 8"]


# Commands, files and links


@cache
def parser() -> argparse.ArgumentParser:
    return cli.parser(commands.add)


def commands_in(page: str) -> Iterator[str]:
    """Yield every command of ours that a page names, in a block or in back quotes."""
    begins = r"(?:python\S* start\.py|bptt-lessons|python\S* instructors/generate\.py|python\S* -m bptt_lessons\S*)"
    code = re.findall(r"^ *```[^\n]*\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("> ") for block in code for line in block.splitlines()]
    yield from (line for line in lines if re.match(rf"{begins}(?!\S)", line))
    prose = re.sub(r"^ *```.*?^ *```", "", page, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(rf"`({begins}(?: [^`]*)?)`", prose)


def is_command(command: str) -> bool:
    """Return whether our command line takes this command."""
    words = shlex.split(command, comments=True)
    program = 1 if words[0] == "bptt-lessons" else 3 if words[1] == "-m" else 2
    if words[1:3] == ["-m", "bptt_lessons.experiments"]:
        return importlib.util.find_spec("bptt_lessons.experiments.__main__") is not None
    rest = words[program:]
    if words[1:2] == ["instructors/generate.py"]:
        return rest in ([], ["--check"])
    if not rest or (words[1:2] == ["start.py"] and rest[0] == "test"):
        return True
    try:
        parser().parse_args(rest)
    except SystemExit:
        return False
    return True


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_command_that_a_page_names_is_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [command for command in commands_in(text(path)) if not is_command(command)] == []
    capsys.readouterr()


def test_a_command_that_is_none_would_be_seen(capsys: pytest.CaptureFixture[str]) -> None:
    page = "Say `python start.py dance`, or\n\n   ```\n   bptt-lessons copy\n   python start.py doctor\n   ```\n"
    assert [is_command(command) for command in commands_in(page)] == [False, True, False]
    guide = list(commands_in(text(INSTRUCTORS / "README.md")))
    assert {"python start.py", "python start.py doctor", "python start.py copy ../on-stage"} <= set(guide)
    capsys.readouterr()


def anchors(page: str) -> set[str]:
    """Return the names by which GitHub knows a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: str, folder: Path) -> list[str]:
    """Return links to files and headings, and names of files in back quotes, that lead nowhere."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page):
        path, _, anchor = target.partition("#")
        if path.startswith(("http:", "https:")):
            continue
        file = (folder / path).resolve()
        there = not path or file.exists()
        if not there or (anchor and anchor not in anchors(text(file) if path else page)):
            found.append(target)
    folders = "deploy|instructors|notebooks|tests|bptt_lessons|benchmarks"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page)
    return found + [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_and_every_file_that_a_page_names_is_there(path: Path) -> None:
    page = re.sub(r"^ *```.*?^ *```", "", text(path), flags=re.MULTILINE | re.DOTALL)
    assert broken_links(page, path.parent) == []


def test_a_link_that_leads_nowhere_would_be_seen() -> None:
    page = "## Here it is\n[a](#here-it-is) [b](#there) [c](README.md) [d](none.md) [e](README.md#none) `tests/none.py`"
    assert broken_links(page, INSTRUCTORS) == ["#there", "none.md", "README.md#none", "tests/none.py"]


def test_the_guide_links_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", text(INSTRUCTORS / "README.md")))
    for folder in ("lessons", "misconceptions"):
        assert {f"{folder}/{stem}.md" for stem in STEMS} <= linked


def test_the_sheets_for_the_room_follow_the_schedule() -> None:
    half_a_day = SCHEDULES[1]
    room = text(INSTRUCTORS / "room.md")
    plan = room.partition("## The plan of the day")[2].partition("<!-- end -->")[0]
    clock = [generate.clock_of(row.start) for row in half_a_day.rows]
    assert re.findall(r"^\| (\d+:\d\d) \|", plan, re.MULTILINE) == [*clock, "13:00"]
    assert "Vote" not in plan
    assert "](" not in plan
    written = [n for row in half_a_day.rows for n in row.exercises]
    assert re.findall(r"^\*\*`([\w.]+)`\*\*", room, re.MULTILINE) == written
    assert len(re.findall(r"^- `[\w-]+`: \S", room, re.MULTILINE)) == 3 * len(written)


def test_a_printed_page_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = load(INSTRUCTORS / "printed.py")
    assert printed.main([str(tmp_path)]) == 0
    capsys.readouterr()
    made = {path.relative_to(tmp_path).with_suffix(".md") for path in tmp_path.rglob("*.html")}
    assert made == {path.relative_to(INSTRUCTORS) for path in PAGES}
    for page in (text(path).partition("<script>")[0] for path in tmp_path.rglob("*.html")):
        assert not re.search(r"<details>|<!-- (?!Made)|href=\"[^\":]*\.md|\$\$", page)
        assert not re.search(r"(?:src|href)=\"https?:[^\"]*\.(?:js|css)", page)
    lesson = text(tmp_path / "lessons" / f"{STEMS[2]}.html")
    assert '<span class="math">' in lesson
    assert lesson.count("<details open>") == lesson_page(STEMS[2]).count("<details>")
    (tmp_path / "room.html").write_text("my own")
    assert printed.main([str(tmp_path)]) == 1
    assert (tmp_path / "room.html").read_text() == "my own"


def test_a_report_reads_as_the_guide_says() -> None:
    def two_mistakes(params, cache, dh):  # type: ignore[no-untyped-def]
        dz = dh * (1 - cache.h**2)
        grads = rnn.Params(cache.x.T @ dz, cache.h.T @ dz, dz.sum(axis=0))
        return grads, dz @ params.W_xh.T, dz @ params.W_hh

    quoted = re.findall(r"^ *> (Case .+)$", text(INSTRUCTORS / "README.md"), re.MULTILINE)
    assert len(quoted) == 1
    report = str(EXERCISES["rnn.step_backward"].grade(two_mistakes)).splitlines()
    assert quoted[0] in report
    assert report[1].startswith("More than one thing is off. ")
    assert '"More than one thing is off"' in text(INSTRUCTORS / "README.md")


# Code


def python_blocks(page: str) -> list[str]:
    """Return the Python of a page, block by block."""
    found = re.findall(r"^( *)```python\n(.*?)^\1```", page, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for _, code in found]


@pytest.mark.parametrize("stem", STEMS)
def test_the_code_of_a_page_runs(stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    page = lesson_page(stem)
    blocks = python_blocks(page)
    assert len(blocks) == page.count("```python") >= 2
    module = type(sys)("page")
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"{stem}, block {number}", "exec"), vars(module))
