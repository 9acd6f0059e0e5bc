"""Progress: what a learner has tried and solved, kept where no kill can lose it.

Each new result adds one line of JSON to a file beside the learner's notebooks, or in the
folder that the environment variable ``BPTT_LESSONS_HOME`` names.  A line holds neither code
nor names, and is never changed.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from bptt_lessons.arguments import shown
from bptt_lessons.course.locking import locked
from bptt_lessons.course.report import Text

FILE = "progress.jsonl"
LOCK = ".progress.lock"
FORMAT = 1
STATUSES = ("correct", "wrong", "not attempted")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some editors put it at the beginning of a file
DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Entry(NamedTuple):
    """The result of one check."""

    time: str  # UTC, ISO 8601
    lesson: str  # notebook stem
    exercise: str
    status: str  # one of STATUSES
    misconception: str | None


class Standing(NamedTuple):
    """A learner's standing in one exercise."""

    lesson: str
    exercise: str
    state: str  # "solved", "tried" or "not attempted"
    misconception: str | None  # the last one named, until it is solved


def home() -> Path:
    """Return the folder that progress is kept in.

    Returns
    -------
    Path
        ``BPTT_LESSONS_HOME`` if it is set, else the current folder, which is the notebook's own.

    Raises
    ------
    OSError
        If there is no such place; the text is fit for the learner.
    """
    named = os.environ.get("BPTT_LESSONS_HOME")
    try:
        return Path(named).expanduser() if named else Path.cwd()
    except RuntimeError as error:  # "~nobody"
        raise OSError(f"BPTT_LESSONS_HOME is {named!r}, and there is no such home folder") from error
    except FileNotFoundError as error:
        raise OSError("the folder of this notebook was moved or deleted: open the notebook where it is now") from error


def parse(line: bytes) -> Entry | None:
    """Read one line; None if it is damaged or from another program or version."""
    if not line.startswith((b"{", BYTE_ORDER_MARK)):
        return None
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or fields.get("version") != FORMAT:
        return None
    values: list[Any] = [fields.get(name) for name in Entry._fields]
    found = Entry(*values)
    texts = all(isinstance(text, str) for text in found[:4])
    if not texts or found.status not in STATUSES or not isinstance(found.misconception, str | None):
        return None
    return found


def read(folder: Path | str | None = None) -> list[Entry]:
    """Read all results, oldest first, without damaged lines.

    Parameters
    ----------
    folder : Path or str, optional
        ``home()`` if it is not given.

    Raises
    ------
    OSError
        If the file exists and cannot be read.
    """
    folder = home() if folder is None else Path(folder)
    return [entry for line in read_lines(folder / FILE) if (entry := parse(line))]


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file that are not blank; none if there is no file.

    Raises
    ------
    OSError
        If the file exists and cannot be read.
    """
    if not os.path.lexists(path):
        return
    if not path.is_file():  # opening a pipe would wait for ever
        raise OSError(
            f"{path} is not a file (but a folder, a pipe or a broken link, say). It was left as it is: "
            "rename it, and progress is kept again"
        )
    with path.open("rb") as file:
        yield from (line for line in file if line.strip())


def record(
    lesson: str, exercise: str, status: str, misconception: str | None, *, folder: Path | str | None = None
) -> None:
    """Add one result, unless it is the same as the last one of this exercise.

    Parameters
    ----------
    lesson, exercise : str
    status : {"correct", "wrong", "not attempted"}
    misconception : str or None
    folder : Path or str, optional
        ``home()`` if it is not given; made if it is missing.

    Raises
    ------
    ValueError
        If an argument has the wrong type, or the status is not one of the three.
    OSError
        If the line could not be written; the text is fit for the learner.
    """
    if not isinstance(status, str) or status not in STATUSES:
        raise ValueError(f"status is {shown(status)}; expected one of {', '.join(map(repr, STATUSES))}")
    for name, text in {"lesson": lesson, "exercise": exercise, "misconception": misconception}.items():
        if not isinstance(text, str) and (text is not None or name != "misconception"):
            raise ValueError(f"{name} must be a string, got {type(text).__name__}")
    if folder is not None and (not isinstance(folder, (str, Path)) or "\0" in str(folder)):
        raise ValueError(f"folder must be a folder's path, got {shown(folder)}")
    folder = home() if folder is None else Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / LOCK):
            earlier = [entry[3:] for entry in read(folder) if entry[1:3] == (lesson, exercise)]
            if earlier and earlier[-1] == (status, misconception):
                return
            now = datetime.now(UTC).isoformat(timespec="seconds")
            append_line(folder / FILE, line_of(Entry(now, lesson, exercise, status, misconception)))
    except OSError as error:
        raise OSError(explain(error, folder)) from error


def explain(error: OSError, folder: Path) -> str:
    """Say why progress could not be read or written, that none is lost, and what to do."""
    if error.errno is None:  # raised by this package: it says all of that itself
        return str(error)
    if error.errno in DISK_FULL:
        return (
            f"the disk that holds {folder} is full. What was written there before is safe. "
            "Make room, then run this cell again"
        )
    return (
        f"{error.filename or folder}: {error.strerror}. What was written there before is safe. "
        "Make that place writable, or open the course in another folder, then run this cell again"
    )


def line_of(entry: Entry) -> str:
    """Return the line for a result, without a line end; `parse` reads it."""
    return json.dumps({"version": FORMAT, **entry._asdict()})


def append_line(path: Path, line: str) -> None:
    """Add a line to a file in one write; if the last line was cut off, start a new one first."""
    binary = getattr(os, "O_BINARY", 0)  # on Windows, so that a line end stays one byte
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | binary, 0o666)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
        cut_off = size > 0 and os.read(descriptor, 1) != b"\n"
        data = ("\n" * cut_off + line + "\n").encode("utf-8")
        if os.write(descriptor, data) != len(data):  # the next line starts anew, so only this one is lost
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exercises_in_order() -> dict[str, str]:
    """Return the lesson of every exercise, by name, in the order of the course."""
    from bptt_lessons.course.catalogue import EXERCISES  # takes a while: recording progress does not need it

    exercises: Mapping[str, Any] = EXERCISES
    return dict(sorted(((name, e.lesson) for name, e in exercises.items()), key=lambda pair: pair[1]))


def summary(entries: Iterable[Entry], exercises: Mapping[str, str] | None = None) -> list[Standing]:
    """Return the learner's standing in each exercise: once solved is solved.

    Parameters
    ----------
    entries : iterable of Entry
        Oldest first.
    exercises : mapping of str to str, optional
        The lesson of each exercise, in the order wanted; those of the course if it is not given.
    """
    if exercises is None:
        exercises = exercises_in_order()
    by_exercise: dict[str, list[Entry]] = {name: [] for name in exercises}
    for entry in entries:
        if entry.exercise in by_exercise:
            by_exercise[entry.exercise].append(entry)
    return [standing(lesson, name, by_exercise[name]) for name, lesson in exercises.items()]


def standing(lesson: str, exercise: str, entries: Sequence[Entry]) -> Standing:
    """Return the standing in one exercise; `entries` are its own, oldest first."""
    statuses = {entry.status for entry in entries}
    if "correct" in statuses:
        return Standing(lesson, exercise, "solved", None)
    if "wrong" in statuses:
        named = [entry.misconception for entry in entries if entry.misconception]
        return Standing(lesson, exercise, "tried", named[-1] if named else None)
    return Standing(lesson, exercise, "not attempted", None)


DAMAGED = (
    f"Some of {FILE} is damaged, or was written by another version of the course. It is passed over and kept; "
    "nothing needs to be done."
)


class ProgressReport:
    """The learner's standing as plain text, and whether part of the file could not be read."""

    def __init__(self, standings: Sequence[Standing], *, damaged: bool = False) -> None:
        self.standings, self.damaged = tuple(standings), damaged

    def __str__(self) -> str:
        lines = []
        current = next((s.lesson for s in self.standings if s.state != "solved"), None)
        for lesson in dict.fromkeys(s.lesson for s in self.standings):
            here = [s for s in self.standings if s.lesson == lesson]
            solved = sum(s.state == "solved" for s in here)
            lines.append(f"{lesson}: {solved} of {len(here)} solved")
            if lesson == current or any(s.state != "not attempted" for s in here):  # other lessons get one line
                for s in here:
                    diagnosis = f" (last diagnosis: {s.misconception})" if s.misconception else ""
                    lines.append(f"  {s.exercise}: {s.state}{diagnosis}")
        return "\n".join([*lines, next_step(self.standings), *([DAMAGED] if self.damaged else [])])

    __repr__ = __str__


def next_step(standings: Sequence[Standing]) -> str:
    """Name the first exercise that is not solved."""
    for s in standings:
        if s.state != "solved":
            return f"Next: {s.exercise} in {s.lesson}"
    return "Every exercise is solved." if standings else "There are no exercises yet."


def progress_report(folder: Path | str | None = None) -> ProgressReport | Text:
    """Show the learner's standing in a notebook; if that fails, say why instead of raising.

    Parameters
    ----------
    folder : Path or str, optional
        ``home()`` if it is not given.
    """
    try:
        folder = home() if folder is None else Path(folder)
        return report_on(folder)
    except OSError as error:
        place = Path() if folder is None else Path(folder)
        return Text(f"Your progress cannot be shown: {explain(error, place)}.")


def report_on(folder: Path) -> ProgressReport:
    """Return the learner's standing from the file in a folder.

    Raises
    ------
    OSError
        If the file exists and cannot be read.
    """
    found = [parse(line) for line in read_lines(folder / FILE)]
    entries = [entry for entry in found if entry is not None]
    return ProgressReport(summary(entries), damaged=len(entries) < len(found))


def set_aside(folder: Path | str | None = None) -> Path | None:
    """Begin again: rename the progress file, and return its new path; None if there was none.

    Parameters
    ----------
    folder : Path or str, optional
        ``home()`` if it is not given.

    Raises
    ------
    OSError
        If it cannot be renamed.
    """
    folder = home() if folder is None else Path(folder)
    path = folder / FILE
    if not os.path.lexists(path):  # a broken link is renamed too
        return None
    with locked(folder / LOCK):
        now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        names = (f"progress-until-{now}{f'-{n}' if n > 1 else ''}.jsonl" for n in count(1))
        new = next(folder / name for name in names if not os.path.lexists(folder / name))
        path.rename(new)
    return new
