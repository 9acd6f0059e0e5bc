"""The records of a class: the progress files in the class's folder, merged into one record for each learner.

Anybody who can write into that folder can put anything there.  So no file is trusted: what is not a
record of results is ignored and counted.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bptt_lessons.course import progress
from bptt_lessons.course.progress import Entry
from bptt_lessons.course.pseudonym import comparable
from bptt_lessons.course.sharing import LARGEST

SAME = 3  # results in common, to the second, that make two files one learner's
LONGEST = 40  # characters of a name


class Learner(NamedTuple):
    """One learner's record."""

    name: str
    entries: tuple[Entry, ...]  # oldest first


class ClassRecords(NamedTuple):
    """The contents of a class's folder."""

    learners: tuple[Learner, ...]  # by name
    foreign: tuple[str, ...] = ()  # files without a result
    unreadable: tuple[str, ...] = ()
    too_large: tuple[str, ...] = ()
    damaged: int = 0  # lines that are not results, in files with results
    merged: int = 0  # further files of the same learners
    set_aside: int = 0  # records that a reset has set aside


def read_class(folder: Path) -> ClassRecords:
    """Read every ``*.jsonl`` of a folder and of its subfolders, such as a ``progress.jsonl`` for each learner.

    Raises
    ------
    OSError
        If the folder itself cannot be read.
    """
    learners: list[Learner] = []
    foreign, unreadable, too_large = [], [], []
    damaged = set_aside = 0
    subfolders: dict[str, list[Path]] = {}  # by name: in folders of their own two learners may have the same name
    for name, path in files_in(folder):
        if name.startswith("progress-until-"):
            set_aside += 1
            continue
        try:
            if path.stat().st_size > LARGEST:
                too_large.append(path.name)
                continue
            found = [progress.parse(line) for line in progress.read_lines(path)]
        except OSError:
            unreadable.append(str(path.relative_to(folder)))
            continue
        entries = [entry for entry in found if entry is not None]
        if found and not entries:
            foreign.append(path.name)
            continue
        damaged += len(found) - len(entries)
        if path.parent != folder and path.name != progress.FILE:
            others = subfolders.setdefault(comparable(name), [])
            others += [path.parent] * (path.parent not in others)
            number = others.index(path.parent) + 1
            name = f"{name} ({number})" if number > 1 else name  # no learner can choose brackets
        learners.append(Learner(name, tuple(entries)))
    merged = merge_learners(learners)
    return ClassRecords(
        merged, tuple(foreign), tuple(unreadable), tuple(too_large), damaged, len(learners) - len(merged), set_aside
    )


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the learner's name and the path of each file that may be a record."""
    for found in sorted(os.listdir(folder)):
        path = folder / found
        if found.startswith(".") or found == "lost+found":
            continue
        if found.endswith(".jsonl"):
            yield found.removesuffix(".jsonl"), path
            continue
        try:
            names = sorted(os.listdir(path))
        except PermissionError:
            yield found, path  # counted as unreadable
            continue
        except OSError:  # not a folder
            continue
        for name in names:
            if name.endswith(".jsonl") and not name.startswith("."):
                yield found if name == progress.FILE else name.removesuffix(".jsonl"), path / name


def merge_learners(learners: Iterable[Learner]) -> tuple[Learner, ...]:
    """Merge files of the same name, and files of which one continues the other; return learners by name."""
    by_name: dict[str, Learner] = {}
    for learner in sorted(learners, key=lambda learner: learner.name):
        key = comparable(learner.name)
        first = by_name.get(key)
        by_name[key] = learner if first is None else Learner(first.name, merge_entries(first.entries, learner.entries))
    by_beginning: dict[tuple[Entry, ...], list[Learner]] = {}
    alone: list[Learner] = []
    for learner in sorted(by_name.values(), key=lambda learner: len(learner.entries)):
        if len(learner.entries) < SAME:
            alone.append(learner)
            continue
        similar = by_beginning.setdefault(learner.entries[:SAME], [])
        earlier = next((other for other in similar if learner.entries[: len(other.entries)] == other.entries), None)
        if earlier is not None:
            similar.remove(earlier)
            learner = Learner(min(earlier.name, learner.name, key=comparable), learner.entries)
        similar.append(learner)
    merged = [*alone, *(learner for similar in by_beginning.values() for learner in similar)]
    return tuple(sorted(merged, key=lambda learner: (natural_order(learner.name), learner.name)))


def natural_order(name: str) -> str:
    """Return a sort key that puts "learner 2" before "learner 10"."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(LONGEST), comparable(name))


def merge_entries(one: Sequence[Entry], other: Sequence[Entry]) -> tuple[Entry, ...]:
    """Merge two records of one learner; each result comes once."""

    def by_time(entry: Entry) -> tuple[str, ...]:
        return (*entry[:4], entry.misconception or "")

    short, long = sorted((tuple(one), tuple(other)), key=lambda entries: (len(entries), [*map(by_time, entries)]))
    if long[: len(short)] == short:
        return long
    return tuple(sorted(dict.fromkeys((*one, *other)), key=by_time))


def notes(records: ClassRecords, *, hide_names: bool = False) -> str:
    """Say in one line what was ignored or merged, with or without file names."""
    said = [
        counted_files(records.foreign, "without a result", hide_names),
        counted_files(records.unreadable, "that cannot be read", hide_names),
        counted_files(records.too_large, f"larger than {LARGEST // 1_000_000} MB", hide_names),
        f"{plural(records.damaged, 'line')} damaged or from another version" if records.damaged else "",
        f"{plural(records.set_aside, 'record')} set aside by a reset" if records.set_aside else "",
    ]
    ignored = ", ".join(part for part in said if part)
    parts = [f"Passed over: {ignored}." if ignored else ""]
    if records.merged:
        parts.append(f"{plural(records.merged, 'file')} of a learner who was there already: counted once.")
    return " ".join(part for part in parts if part)


def counted_files(names: Sequence[str], which: str, hide_names: bool) -> str:
    """Return how many files those are, and a few of their names."""
    if not names:
        return ""
    few = ", ".join(printable(name) for name in names[:3]) + (" ..." if len(names) > 3 else "")
    return f"{plural(len(names), 'file')} {which}" + ("" if hide_names else f" ({few})")


def plural(count: int, noun: str) -> str:
    """Return a count and its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def printable(text: str, longest: int = LONGEST) -> str:
    """Return an untrusted text on one line, cut if too long, without characters that control a terminal."""
    seen = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return seen if len(seen) <= longest else seen[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def display_width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(character_width, text))


def character_width(character: str) -> int:
    """Return how many columns one character takes: two for the wide ones of East Asia."""
    return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")


def fit_width(text: str, width: int) -> str:
    """Return a text cut or padded to so many columns of a terminal."""
    taken, kept = 0, []
    for character in text:
        if taken + character_width(character) > width:
            break
        taken += character_width(character)
        kept.append(character)
    return "".join(kept) + " " * (width - taken)
