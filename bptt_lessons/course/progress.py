"""Progress: what a learner has tried and solved, kept where no kill can lose it.

One line of JSON is added for each new result, beside the learner's notebooks or in
the folder that the environment variable ``BPTT_LESSONS_HOME`` names.  A line holds
neither code nor names, and none is ever changed.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from bptt_lessons.arguments import shown
from bptt_lessons.course.locking import locked
from bptt_lessons.course.report import Text

FILE = "progress.jsonl"
LOCK = ".progress.lock"
FORMAT = 1
STATUSES = ("correct", "wrong", "not attempted")
LONGEST = 10_000  # bytes: no line of ours is nearly as long, and garbage need not have lines at all
LOOKED_BACK = 1_000_000  # bytes in which the last result of an exercise is looked for: some thousand lines
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which some editors put at the beginning of a file
NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Entry(NamedTuple):
    """One result of one check."""

    time: str  # UTC, ISO 8601
    lesson: str  # notebook stem
    exercise: str
    status: str  # one of STATUSES
    misconception: str | None


class Standing(NamedTuple):
    """Where a learner stands with one exercise."""

    lesson: str
    exercise: str
    state: str  # "solved", "tried" or "not attempted"
    misconception: str | None  # the last one named, while it is not solved


def home() -> Path:
    """Return the folder that progress is kept in.

    Returns
    -------
    Path
        ``BPTT_LESSONS_HOME`` if it is set, else the current folder, which is the notebook's own.

    Raises
    ------
    OSError
        If there is no such place; its text can be shown to the learner.
    """
    named = os.environ.get("BPTT_LESSONS_HOME")
    try:
        return Path(named).expanduser() if named else Path.cwd()
    except RuntimeError as error:  # "~nobody"
        raise OSError(f"BPTT_LESSONS_HOME is {named!r}, and there is no such home folder") from error
    except FileNotFoundError as error:
        raise OSError("the folder of this notebook was moved or deleted: open the notebook where it is now") from error


def parse(line: bytes) -> Entry | None:
    """Read one line; None if it is broken or not ours."""
    if not line.startswith((b"{", BYTE_ORDER_MARK)):  # garbage may be long, and is told from ours at once
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
    """Read all results, oldest first; broken and foreign lines are passed over.

    Parameters
    ----------
    folder : Path or str, optional
        ``home()`` if it is not given.

    Returns
    -------
    list of Entry
        Empty if nothing was recorded yet.

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    return [entry for line in lines_in(home() if folder is None else Path(folder)) if (entry := parse(line))]


def lines_in(folder: Path, looked_back: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a folder's progress file, as `lines_of` does."""
    return lines_of(folder / FILE, looked_back)


def lines_of(path: Path, looked_back: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a file that are not blank, those of garbage in pieces; none if there is no file.

    Parameters
    ----------
    looked_back : int, optional
        So many bytes at the file's end are enough; all of them if it is not given.

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    if not os.path.lexists(path):
        return
    if not path.is_file():  # to open a pipe would be to wait for ever
        raise OSError(
            f"{path} is not a file (but a folder, a pipe or a broken link, say). It was left as it is: "
            "rename it, and progress is kept again"
        )
    with path.open("rb") as file:
        if looked_back is not None and path.stat().st_size > looked_back:
            file.seek(-looked_back, os.SEEK_END)
            file.readline(LONGEST)  # what is left of a line
        while line := file.readline(LONGEST):
            if line.strip():
                yield line


def record(
    lesson: str, exercise: str, status: str, misconception: str | None, *, folder: Path | str | None = None
) -> None:
    """Add one result, unless it is the same as the last one of this exercise.

    Parameters
    ----------
    folder : Path or str, optional
        ``home()`` if it is not given; made if it is missing.

    Raises
    ------
    ValueError
        If the status is not one of the three, or something else is no text.
    OSError
        If the line could not be written; its text can be shown to the learner.
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
            recent = (entry for line in lines_in(folder, LOOKED_BACK) if (entry := parse(line)))
            earlier = [entry[3:] for entry in recent if entry[1:3] == (lesson, exercise)]
            if earlier and earlier[-1] == (status, misconception):
                return
            now = datetime.now(UTC).isoformat(timespec="seconds")
            entry = Entry(now, lesson, exercise, status, misconception)
            append_line(folder / FILE, line_of(entry))
    except OSError as error:
        raise OSError(in_words(error, folder)) from error


def in_words(error: OSError, folder: Path) -> str:
    """Say why progress could not be read or written, that none is lost, and what to do.

    Parameters
    ----------
    error : OSError
        One of this package's own says all of that itself.
    """
    if error.errno is None:
        return str(error)
    if error.errno in NO_ROOM:
        return (
            f"the disk that holds {folder} is full. What was written there before is safe. "
            "Make room, then run this cell again"
        )
    return (
        f"{error.filename or folder}: {error.strerror}. What was written there before is safe. "
        "Make that place writable, or open the course in another folder, then run this cell again"
    )


def line_of(entry: Entry) -> str:
    """Return the line that stands for a result, without its end; `parse` reads it."""
    return json.dumps({"version": FORMAT, **entry._asdict()})


def append_line(path: Path, line: str) -> None:
    """Add a whole line to a file in one write, mending a last line that was cut off.

    Parameters
    ----------
    line : str
        Without its end.
    """
    binary = getattr(os, "O_BINARY", 0)  # on Windows, so that a line's end stays one byte
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | binary, 0o666)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
        cut_off = size > 0 and os.read(descriptor, 1) != b"\n"
        data = ("\n" * cut_off + line + "\n").encode("utf-8")
        if os.write(descriptor, data) != len(data):  # the next line begins anew, so that half a line costs only itself
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exercises_in_order() -> dict[str, str]:
    """Return the lesson of every exercise, by name, in the order in which they are met."""
    from bptt_lessons.course import EXERCISES

    exercises: Mapping[str, Any] = EXERCISES
    return dict(sorted(((name, e.lesson) for name, e in exercises.items()), key=lambda pair: pair[1]))


def summary(entries: Iterable[Entry], exercises: Mapping[str, str] | None = None) -> list[Standing]:
    """Say where a learner stands: what was once solved stays solved.

    Parameters
    ----------
    entries : iterable of Entry
        Oldest first.
    exercises : mapping of str to str, optional
        The lesson of each exercise, in the order wanted; those of the course if it is not given.

    Returns
    -------
    list of Standing
        One for each exercise.
    """
    if exercises is None:
        exercises = exercises_in_order()
    by_exercise: dict[str, list[Entry]] = {name: [] for name in exercises}
    for entry in entries:
        if entry.exercise in by_exercise:
            by_exercise[entry.exercise].append(entry)
    return [standing(lesson, name, by_exercise[name]) for name, lesson in exercises.items()]


def standing(lesson: str, exercise: str, entries: Sequence[Entry]) -> Standing:
    """Say where a learner stands with one exercise.

    Parameters
    ----------
    entries : sequence of Entry
        Those of this exercise, oldest first.
    """
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
    """Where a learner stands, as plain text; and whether some of the file could not be read."""

    def __init__(self, standings: Sequence[Standing], *, damaged: bool = False) -> None:
        self.standings, self.damaged = tuple(standings), damaged

    def __str__(self) -> str:
        lines = []
        coming = next((s.lesson for s in self.standings if s.state != "solved"), None)
        for lesson in dict.fromkeys(s.lesson for s in self.standings):
            here = [s for s in self.standings if s.lesson == lesson]
            solved = sum(s.state == "solved" for s in here)
            lines.append(f"{lesson}: {solved} of {len(here)} solved")
            if lesson == coming or any(s.state != "not attempted" for s in here):  # one line is enough for the others
                lines += [f"  {s.exercise}: {s.state}{why(s)}" for s in here]
        return "\n".join([*lines, next_step(self.standings), *([DAMAGED] if self.damaged else [])])

    __repr__ = __str__


def why(s: Standing) -> str:
    """Name the last misconception, if there is one."""
    return f" (last diagnosis: {s.misconception})" if s.misconception else ""


def next_step(standings: Sequence[Standing]) -> str:
    """Name the first exercise that is not solved."""
    for s in standings:
        if s.state != "solved":
            return f"Next: {s.exercise} in {s.lesson}"
    return "Every exercise is solved." if standings else "There are no exercises yet."


def progress_report(folder: Path | str | None = None) -> ProgressReport | Text:
    """Show where the learner stands, in a notebook; what keeps it from being shown is said, not raised.

    Parameters
    ----------
    folder : Path or str, optional
        ``home()`` if it is not given.

    Returns
    -------
    ProgressReport or Text
        While all is well its text depends on what is solved, tried and diagnosed, and on nothing else.
    """
    try:
        folder = home() if folder is None else Path(folder)
        return report_on(folder)
    except OSError as error:
        place = Path() if folder is None else Path(folder)
        return Text(f"Your progress cannot be shown: {in_words(error, place)}.")


def report_on(folder: Path) -> ProgressReport:
    """Return where the learner stands by the file in a folder.

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    found = [parse(line) for line in lines_in(folder)]
    entries = [entry for entry in found if entry is not None]
    return ProgressReport(summary(entries), damaged=len(entries) < len(found))


def set_aside(folder: Path | str | None = None) -> Path | None:
    """Begin again: move the progress file to a name of its own, where it is kept.

    Parameters
    ----------
    folder : Path or str, optional
        ``home()`` if it is not given.

    Returns
    -------
    Path or None
        Where the file is now; None if there was none.

    Raises
    ------
    OSError
        If it cannot be moved.
    """
    folder = home() if folder is None else Path(folder)
    path = folder / FILE
    if not os.path.lexists(path):  # a broken link is set aside too
        return None
    with locked(folder / LOCK):
        now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        names = (f"progress-until-{now}{number}.jsonl" for number in ["", *(f"-{n}" for n in range(2, 1000))])
        aside = next(folder / name for name in names if not os.path.lexists(folder / name))
        path.rename(aside)
    return aside
