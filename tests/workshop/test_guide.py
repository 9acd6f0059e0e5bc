"""The instructors' pages: up to date, complete, and naming only what exists."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bptt_lessons.cells import rnn
from bptt_lessons.course import EXERCISES, cli
from bptt_lessons.workshop import commands

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTORS = ROOT / "instructors"
STEMS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PAGES = sorted(INSTRUCTORS.rglob("*.md"))
HEADINGS = ["Live coding", "Predict, then run", "Exercises", "Where people go wrong", "Questions to discuss"]
specification = importlib.util.spec_from_file_location("generate", INSTRUCTORS / "generate.py")
assert specification is not None
assert specification.loader is not None
generate = importlib.util.module_from_spec(specification)
specification.loader.exec_module(generate)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lesson_page(number: str) -> str:
    return text(next((INSTRUCTORS / "lessons").glob(f"{number[:2]}_*.md")))


# Generated blocks


def test_every_page_is_as_generated() -> None:
    differing = [name(path) for path, page in generate.pages() if not path.exists() or text(path) != page]
    assert differing == [], "run: python instructors/generate.py"


# Lessons' pages


@pytest.mark.parametrize("stem", STEMS)
def test_a_lesson_has_its_page_with_all_its_parts(stem: str) -> None:
    page = lesson_page(stem)
    assert page.startswith(f"# {stem[:2]} ")
    assert page.split("\n\n")[1].startswith("**The point.** ")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == [*HEADINGS, "On the day"]
    assert 3 <= page.count("<details>") <= 6
    assert page.count("<details>") == page.count("</details>") == page.count("<summary>Answer</summary>")
    named = {exercise: few.split(", ") for exercise, few in re.findall(r"<!-- mistakes: ([\w.]+): (.+?) -->", page)}
    assert sorted(named) == sorted(n for n, exercise in EXERCISES.items() if exercise.lesson == stem)
    assert {n: few for n, few in named.items() if not 3 <= len(few) <= 6} == {}


@pytest.mark.parametrize("stem", STEMS)
def test_the_code_of_a_page_runs(stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    page = lesson_page(stem)
    blocks = re.findall(r"^( *)```python\n(.*?)^\1```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.count("```python") >= 2
    module = type(sys)("page")
    for number, (_, block) in enumerate(blocks, 1):
        exec(compile(textwrap.dedent(block), f"{stem}, block {number}", "exec"), vars(module))


GUIDE = text(INSTRUCTORS / "README.md")


# Commands, links and the report that the guide quotes


@cache
def parser() -> argparse.ArgumentParser:
    return cli.parser(commands.add)


def commands_in(page: str) -> Iterator[str]:
    """Yield every command of ours that a page names, in a block or in back quotes."""
    begins = r"(?:python\S* start\.py|bptt-lessons)"
    code = re.findall(r"^ *```[^\n]*\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("> ") for block in code for line in block.splitlines()]
    yield from (line for line in lines if re.match(rf"{begins}(?!\S)", line))
    prose = re.sub(r"^ *```.*?^ *```", "", page, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(rf"`({begins}(?: [^`]*)?)`", prose)


def is_command(command: str) -> bool:
    """Return whether our command line accepts this command."""
    words = shlex.split(command, comments=True)
    rest = words[1 if words[0] == "bptt-lessons" else 2 :]
    if not rest or rest[0] == "test":
        return True
    try:
        parser().parse_args(rest)
    except SystemExit:
        return False
    return True


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_command_that_a_page_names_is_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [command for command in commands_in(text(path)) if not is_command(command)] == []
    assert [is_command(command) for command in commands_in("`python start.py dance`, `bptt-lessons doctor`")] == [
        False,
        True,
    ]
    capsys.readouterr()


def anchors(page: str) -> set[str]:
    """Return the names that GitHub gives a page's headings."""
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
        if (path and not file.exists()) or (anchor and anchor not in anchors(text(file) if path else page)):
            found.append(target)
    folders = "deploy|instructors|notebooks|tests|bptt_lessons|benchmarks"
    named = re.findall(rf"`(?:python )?((?:{folders})/[\w./-]*)`", page)
    return found + [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_and_every_file_that_a_page_names_exists(path: Path) -> None:
    page = re.sub(r"^ *```.*?^ *```", "", text(path), flags=re.MULTILINE | re.DOTALL)
    assert broken_links(page, path.parent) == []


def test_a_report_reads_as_the_guide_says() -> None:
    def two_mistakes(params, cache, dh):  # type: ignore[no-untyped-def]
        dz = dh * (1 - cache.h**2)
        grads = rnn.Params(cache.x.T @ dz, cache.h.T @ dz, dz.sum(axis=0))
        return grads, dz @ params.W_xh.T, dz @ params.W_hh

    quoted = re.findall(r"^ *> (Case .+)$", GUIDE, re.MULTILINE)
    assert len(quoted) == 1
    report = str(EXERCISES["rnn.step_backward"].grade(two_mistakes)).splitlines()
    assert quoted[0] in report
    assert report[1].startswith("More than one thing is off. ")
    assert '"More than one thing is off"' in GUIDE
