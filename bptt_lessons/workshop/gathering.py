"""Gathering: the progress files of a class, put together to one record for each learner.

Whoever can write into the class's folder can put anything there.  So every file is foreign until it has
been read: what is no record of results is passed over and counted, and nothing is believed.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bptt_lessons.course import progress
from bptt_lessons.course.progress import Entry
from bptt_lessons.course.pseudonym import compared
from bptt_lessons.course.sharing import LARGEST

SAME = 3  # results, to the second, by which two files are told to be one learner's
LONGEST = 40  # characters of a name


class Learner(NamedTuple):
    """One learner's record."""

    name: str
    entries: tuple[Entry, ...]  # oldest first


class Gathered(NamedTuple):
    """What was found in a class's folder."""

    learners: tuple[Learner, ...]  # by name
    foreign: tuple[str, ...] = ()  # files in which nothing is a result
    unreadable: tuple[str, ...] = ()
    too_large: tuple[str, ...] = ()
    damaged: int = 0  # lines that are no results, in files that hold some
    merged: int = 0  # files of learners who had one already
    set_aside: int = 0  # records that a reset had set aside


def gather(folder: Path) -> Gathered:
    """Read every ``*.jsonl`` of a folder and of the folders in it, such as a ``progress.jsonl`` for each learner.

    Raises
    ------
    OSError
        If the folder itself cannot be read.
    """
    learners: list[Learner] = []
    foreign, unreadable, too_large = [], [], []
    damaged = set_aside = 0
    folders: dict[str, list[Path]] = {}  # of learners who have one each: there two may go by the same name
    for name, path in files_in(folder):
        if name.startswith("progress-until-"):
            set_aside += 1
            continue
        try:
            if path.stat().st_size > LARGEST:
                too_large.append(path.name)
                continue
            found = [progress.parse(line) for line in progress.lines_of(path)]
        except OSError:
            unreadable.append(str(path.relative_to(folder)))
            continue
        entries = [entry for entry in found if entry is not None]
        if found and not entries:
            foreign.append(path.name)
            continue
        damaged += len(found) - len(entries)
        if path.parent != folder and path.name != progress.FILE:
            others = folders.setdefault(compared(name), [])
            others += [path.parent] * (path.parent not in others)
            number = others.index(path.parent) + 1
            name = f"{name} ({number})" if number > 1 else name  # which nobody can choose
        learners.append(Learner(name, tuple(entries)))
    joined = join(learners)
    return Gathered(
        joined, tuple(foreign), tuple(unreadable), tuple(too_large), damaged, len(learners) - len(joined), set_aside
    )


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name of a learner and the path of a file, for each file that may be one, and each file once."""
    seen: set[tuple[int, int]] = set()
    for found in sorted(os.listdir(folder)):
        path = folder / found
        if found.startswith("."):
            continue
        for file in [path] if found.endswith(".jsonl") else inside(path):
            with suppress(OSError):  # it is said later that it cannot be read
                key = file.stat()
                if key.st_ino and (key.st_dev, key.st_ino) in seen:  # by way of a link
                    continue
                seen.add((key.st_dev, key.st_ino))
            whole = file.name == progress.FILE and file.parent != folder
            yield found if whole else file.name.removesuffix(".jsonl"), file


def inside(path: Path) -> list[Path]:
    """Return the files in a learner's folder that may be theirs; itself if it may not be looked into."""
    try:
        names = [] if path.samefile(path.parent) else sorted(os.listdir(path))  # a link may lead back
    except PermissionError:  # it is said later that it cannot be read
        return [path] if path.name != "lost+found" else []
    except OSError:  # it is no folder
        return []
    return [path / name for name in names if name.endswith(".jsonl") and not name.startswith(".")]


def join(learners: Iterable[Learner]) -> tuple[Learner, ...]:
    """Put together what is one learner's: files of the same name, and files of which one continues the other.

    Returns
    -------
    tuple of Learner
        By name.
    """
    by_name: dict[str, Learner] = {}
    for learner in sorted(learners, key=lambda learner: learner.name):
        key = compared(learner.name)
        first = by_name.get(key)
        by_name[key] = learner if first is None else Learner(first.name, merged(first.entries, learner.entries))
    by_beginning: dict[tuple[Entry, ...], list[Learner]] = {}
    alone: list[Learner] = []
    for learner in sorted(by_name.values(), key=lambda learner: len(learner.entries)):
        if len(learner.entries) < SAME:
            alone.append(learner)
            continue
        kin = by_beginning.setdefault(learner.entries[:SAME], [])
        earlier = next((k for k in kin if learner.entries[: len(k.entries)] == k.entries), None)
        if earlier is not None:
            kin.remove(earlier)
            learner = Learner(min(earlier.name, learner.name, key=compared), learner.entries)
        kin.append(learner)
    joined = [*alone, *(learner for kin in by_beginning.values() for learner in kin)]
    return tuple(sorted(joined, key=lambda learner: (counted_up(learner.name), learner.name)))


def counted_up(name: str) -> str:
    """Return what names are sorted by: "learner 2" comes before "learner 10"."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(LONGEST), compared(name))


def merged(one: Sequence[Entry], other: Sequence[Entry]) -> tuple[Entry, ...]:
    """Put together two records of one learner, each result once."""
    short, long = sorted((tuple(one), tuple(other)), key=lambda entries: (len(entries), entries_key(entries)))
    if long[: len(short)] == short:
        return long
    return tuple(sorted(dict.fromkeys((*one, *other)), key=entry_key))


def entry_key(entry: Entry) -> tuple[str, ...]:
    """Return what results are sorted by: first of all the time."""
    return (*entry[:4], entry.misconception or "")


def entries_key(entries: Sequence[Entry]) -> tuple[tuple[str, ...], ...]:
    """Return what records of the same length are sorted by."""
    return tuple(map(entry_key, entries))


def notes(gathered: Gathered, *, hide_names: bool = False) -> str:
    """Say in one line what was passed over or merged; nothing if nothing was.

    Parameters
    ----------
    hide_names : bool
        Whether to leave file names out.
    """
    said = [
        counted_files(gathered.foreign, "without a result", hide_names),
        counted_files(gathered.unreadable, "that cannot be read", hide_names),
        counted_files(gathered.too_large, f"larger than {LARGEST // 1_000_000} MB", hide_names),
        f"{plural(gathered.damaged, 'line')} damaged or from another version" if gathered.damaged else "",
        f"{plural(gathered.set_aside, 'record')} set aside by a reset" if gathered.set_aside else "",
    ]
    passed_over = ", ".join(part for part in said if part)
    parts = [f"Passed over: {passed_over}." if passed_over else ""]
    if gathered.merged:
        parts.append(f"{plural(gathered.merged, 'file')} of a learner who was there already: counted once.")
    return " ".join(part for part in parts if part)


def counted_files(names: Sequence[str], which: str, hide_names: bool) -> str:
    """Return how many files those are, and a few of their names."""
    if not names:
        return ""
    few = ", ".join(plain(name) for name in names[:3]) + (" ..." if len(names) > 3 else "")
    return f"{plural(len(names), 'file')} {which}" + ("" if hide_names else f" ({few})")


def plural(count: int, noun: str) -> str:
    """Return a count and its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a foreign text as it may be shown: on one line, with nothing that commands a terminal or turns the line.

    Parameters
    ----------
    longest : int
        Characters; what is longer is cut.
    """
    seen = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return seen if len(seen) <= longest else seen[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def wide(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(width_of, text))


def width_of(character: str) -> int:
    """Return how many columns one character takes: two if it is one of those that are square."""
    return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")


def fitted(text: str, width: int) -> str:
    """Return a text cut or filled to so many columns of a terminal."""
    taken, kept = 0, []
    for character in text:
        if taken + width_of(character) > width:
            break
        taken += width_of(character)
        kept.append(character)
    return "".join(kept) + " " * (width - taken)
