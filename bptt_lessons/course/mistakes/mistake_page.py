"""Pages of mistakes: Markdown that lists, under each statement of a solution, the ways people get it wrong.

    # lstm.step                                       an exercise

    ## `c = f * c_prev + i * g`                       a statement of its solution; of a loop or an if, the header

    - **h-for-c-in-c**: `c_prev` → `h_prev`           a name, and the edit of that statement
      Your forget gate multiplies h_{t-1}.            the sentence that the learner reads

An edit is one of: ```old` → `new```, ```old` left out``, ``left out`` (the statement), and ``instead``, ``before`` or
``after`` followed by code, in back quotes or as a block.  Further lines ``+ in `statement`: edit`` change other
statements too.  ``## Another way`` with a block of code is a second right way to write the function; the statements
that follow are its own.  Under ``## Written otherwise`` the block of a mistake is the whole function.  What several
mistakes use is defined in a block under ``## Used below``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

EXERCISE = re.compile(r"# (\S+)$")
STATEMENT = re.compile(r"## `(.+)`( #\d+)?$")
ITEM = re.compile(r"- \*\*([a-z0-9-]+)\*\*(?:: (.+))?$")
FURTHER = re.compile(r"  \+ in `(.+?)`( #\d+)?: (.+)$")
EDIT = re.compile(r"`(?P<old>[^`]+)`( #\d+)? (?:→ `(?P<new>[^`]*)`|left out)$")
WHOLE = re.compile(r"(?P<how>left out|instead|before|after)(?: `(?P<code>[^`]+)`)?$")


class PageError(ValueError):
    """A page is not written as it should be."""


class Edit(NamedTuple):
    """What becomes of one statement."""

    statement: str  # as `edits.find` takes it; empty where the code is the whole function
    how: str  # "tokens", "left out", "instead", "before" or "after"
    old: str = ""  # tokens that are replaced
    new: str = ""  # what stands there instead


class Mistake(NamedTuple):
    """One way to get a function wrong."""

    name: str
    edits: tuple[Edit, ...]
    sentence: str
    way: int = 0  # which right way the edits are of: 0 is the solution


class Section(NamedTuple):
    """The mistakes of one exercise."""

    ways: tuple[str, ...]  # sources of other right ways to write the function
    mistakes: Mapping[str, Mistake]
    used: str = ""  # source of what several mistakes use


def read(text: str) -> dict[str, Section]:
    """Return the sections of a page by exercise.

    Raises
    ------
    PageError
        With the number of the line that cannot be read.
    """
    sections: dict[str, Section] = {}
    ways: list[str] = []
    mistakes: dict[str, Mistake] = {}
    statement, name = "", ""
    for number, block in blocks(text):
        first = block[0]
        if found := EXERCISE.match(first):
            ways, mistakes, statement = [], {}, ""
            sections[found[1]] = Section((), mistakes)
            name = found[1]
        elif found := STATEMENT.match(first):
            statement = found[1] + (found[2] or "")
        elif first == "## Another way":
            ways.append(fenced(block))
            sections[name] = sections[name]._replace(ways=tuple(ways))
            statement = ""
        elif first == "## Used below":
            sections[name] = sections[name]._replace(used=fenced(block))
        elif first == "## Written otherwise":
            statement = ""
        elif found := ITEM.match(first):
            if found[1] in mistakes:
                raise PageError(f"line {number}: {name} has two mistakes called {found[1]}")
            mistakes[found[1]] = mistake(found[1], found[2], statement, block[1:], len(ways), number)
        elif first.startswith(("#", "-")):
            raise PageError(f"line {number}: cannot read {first!r}")
    return sections


def blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield a page's headings and items, each with the lines up to the next one and the number of its first line."""
    block: list[str] = []
    start, in_code = 1, False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        if not in_code and line.startswith(("#", "- ")) and block:
            yield start, block
            block, start = [], number
        block.append(line)
    if block:
        yield start, block


def mistake(name: str, edit: str | None, statement: str, lines: list[str], way: int, number: int) -> Mistake:
    """Return the mistake of one item, of which `lines` are those after the first."""
    code = fenced(lines, required=False)
    edits = [Edit("", "instead", new=code) if edit is None else read_edit(edit, statement, code, number)]
    further = [line for line in lines if FURTHER.match(line)]
    for line in further:
        found = FURTHER.match(line)
        assert found is not None
        edits.append(read_edit(found[3], found[1] + (found[2] or ""), code, number))
    words = without_code(line for line in lines if line not in further)
    return Mistake(name, tuple(edits), " ".join(words.split()), way)


def read_edit(text: str, statement: str, code: str, number: int) -> Edit:
    """Return one edit of a statement."""
    if found := EDIT.match(text):
        return Edit(statement, "tokens", found["old"] + (found[2] or ""), found["new"] or "")
    if found := WHOLE.match(text):
        return Edit(statement, found["how"], new=found["code"] or ("" if found["how"] == "left out" else code))
    raise PageError(f"line {number}: cannot read the edit {text!r}")


def fenced(lines: list[str], required: bool = True) -> str:
    """Return the block of code among some lines, without its indentation."""
    marks = [k for k, line in enumerate(lines) if line.lstrip().startswith("```")]
    if not marks:
        if required:
            raise PageError(f"there should be a block of code below {lines[0]!r}")
        return ""
    indent = len(lines[marks[0]]) - len(lines[marks[0]].lstrip())
    return "\n".join(line[indent:] for line in lines[marks[0] + 1 : marks[1]])


def without_code(lines: Iterator[str]) -> str:
    """Return what is written beside a block of code."""
    kept, in_code = [], False
    for line in lines:
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code:
            kept.append(line)
    return "\n".join(kept)
