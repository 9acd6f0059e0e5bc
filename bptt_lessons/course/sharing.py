"""Sharing: a learner's results in a folder of the class, once the learner has said yes, until they say stop.

What is shared is a copy of the results in the progress file, line by line, in one file under a name that
the learner chooses.  Whether it is shared, and where, stands in ``sharing.json`` beside the progress file.
Nothing goes over a network: the folder is one that this computer can write, such as a hub's shared volume.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bptt_lessons.arguments import shown
from bptt_lessons.course import progress
from bptt_lessons.course.locking import locked
from bptt_lessons.course.pseudonym import safe_name, taken

FILE = "sharing.json"  # there while results are shared
STOPPED = "sharing-stopped.json"  # there while they are not: which file was theirs, so that it can be removed
LOCK = ".sharing.lock"
FORMAT = 1
HUB_USER = "JUPYTERHUB_USER"  # set by every hub; in containers all have the same account and the same folders
VARIABLE = "BPTT_LESSONS_CLASS"  # names the class's folder, and does no more
LARGEST = 2_000_000  # bytes: a record of some ten thousand results, which nobody has
PATIENCE = 1.0  # seconds that a check waits for a folder that does not answer


class Agreement(NamedTuple):
    """What a learner has said yes to: a file of this name in this folder."""

    folder: Path
    name: str

    @property
    def file(self) -> Path:
        """Where the results are shared."""
        return self.folder / f"{self.name}.jsonl"


def class_folder(folder: object = None) -> Path:
    """Return the class's folder.

    Parameters
    ----------
    folder : str or Path, optional
        What ``BPTT_LESSONS_CLASS`` names if it is not given.

    Raises
    ------
    ValueError
        If there is no such folder.
    """
    named = os.environ.get(VARIABLE) or None if folder is None else folder
    if named is None:
        raise ValueError("folder is needed: that of your class, which whoever teaches it will name")
    if not isinstance(named, (str, Path)) or not str(named) or "\0" in str(named):
        raise ValueError(f"folder must be a folder's path, got {shown(named)}")
    try:
        path = Path(os.path.abspath(Path(named).expanduser()))
        found = path.is_dir()
    except (OSError, RuntimeError):
        found = False
    if not found:
        raise ValueError(f"folder is {shown(str(named))}, and there is no such folder")
    return path


def readers(folder: Path) -> str:
    """Say who can read a file in this folder, as far as its rights tell."""
    if os.name != "posix":
        return "whoever can open that folder"
    try:
        resolved = folder.resolve()
        rights = [path.stat() for path in (resolved, *resolved.parents)]
    except OSError:
        return "that cannot be told while the folder cannot be reached"
    closed = [right for right in rights if not right.st_mode & stat.S_IXOTH]
    if not closed:
        return "everyone with an account on this computer or hub"
    owner = "you" if closed[0].st_uid == os.getuid() else "the owner of that folder"
    if all(right.st_mode & stat.S_IXGRP for right in closed):
        groups = " and ".join(sorted({group_name(right.st_gid) for right in closed}))  # all of them are needed
        return f"{owner}, the group {groups}, and administrators"
    return f"{owner}, and administrators"


def group_name(number: int) -> str:
    """Return the name of a group, or its number if it has none here."""
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


# --- what is shared ----------------------------------------------------------------------------------------


def lines_to_share(home: Path) -> list[str]:
    """Return the results in a learner's progress file, one line each, and nothing else that may stand there.

    Raises
    ------
    OSError
        If the file cannot be read, or is too large to be a learner's record.
    """
    return results_in(home / progress.FILE)


def results_in(path: Path) -> list[str]:
    """Return the lines of a file that are results, as they are written."""
    if path.is_file() and path.stat().st_size > LARGEST:
        raise OSError(f"{path} is larger than {LARGEST // 1_000_000} MB")
    return [progress.line_of(entry) + "\n" for line in progress.lines_of(path) if (entry := progress.parse(line))]


def bring_up_to_date(file: Path, home: Path, note: Path) -> None:
    """Make a shared file the copy of the learner's record that it is to be.

    What it holds must be the beginning of that record, or of one that a reset has set aside: else it
    is somebody else's.  So nothing but that need be remembered, and half a line, which a full disk or
    a kill may leave, is completed the next time.

    Parameters
    ----------
    file : Path
        Is there already.
    note : Path
        Without it nothing is written: it is gone when the learner has said stop while the folder did not answer.

    Raises
    ------
    OSError
        If that fails; what was there stays a beginning of the record.
    """
    wanted = "".join(lines_to_share(home)).encode()
    descriptor = open_shared(file)
    try:
        there = read_all(descriptor, LARGEST + 1)
        if not os.path.lexists(note):
            return
        if not wanted.startswith(there):
            if not belongs(there, home):
                raise OSError(f"{file} holds something else than your results, and was left as it is")
            os.ftruncate(descriptor, 0)
            there = b""
        os.lseek(descriptor, len(there), os.SEEK_SET)
        write_all(descriptor, wanted[len(there) :], file)
    finally:
        os.close(descriptor)


def belongs(there: bytes, home: Path) -> bool:
    """Whether what a shared file holds is this learner's: the beginning of their record, or of one set aside."""
    for path in (home / progress.FILE, *sorted(home.glob("progress-until-*.jsonl"), reverse=True)):
        with suppress(OSError):
            if "".join(results_in(path)).encode().startswith(there):
                return True
    return False


def open_shared(file: Path) -> int:
    """Open a shared file that is there; follow no link, wait for no pipe."""
    flags = os.O_RDWR
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(file, flags)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:  # by another name it may be the learner's own record
        os.close(descriptor)
        raise OSError(f"{file} is not a file of its own")
    return descriptor


def read_all(descriptor: int, most: int) -> bytes:
    """Read a file from its beginning.

    Parameters
    ----------
    most : int
        Bytes.
    """
    parts = []
    while most > 0 and (part := os.read(descriptor, most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def write_all(descriptor: int, content: bytes, file: Path) -> None:
    """Write everything, in as many calls as the disk wants.

    Parameters
    ----------
    file : Path
        Named in the error.
    """
    while content:
        written = os.write(descriptor, content)
        if not written:
            raise OSError(progress.NO_ROOM[0], os.strerror(progress.NO_ROOM[0]), str(file))
        content = content[written:]


# --- yes and stop ------------------------------------------------------------------------------------------


def remembered(path: Path) -> Agreement | None:
    """Read what was agreed to; None if there is nothing, or nothing that holds here.

    It holds only in the folder in which it was said, and on a hub only for the user who said it: a copy of
    that folder is somebody else's, perhaps.
    """
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else {}
        if found.get("version") != FORMAT or found["home"] != str(path.parent.resolve()):
            return None
        if os.environ.get(HUB_USER, found.get("user")) != found.get("user"):
            return None
        folder = Path(found["folder"])
        return Agreement(folder, safe_name(found["name"])) if folder.is_absolute() else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def remember(path: Path, agreement: Agreement) -> None:
    """Write down what was agreed to, whole or not at all."""
    fields = {"version": FORMAT, "home": str(path.parent.resolve()), "folder": str(agreement.folder)}
    fields["user"] = os.environ.get(HUB_USER, "")
    temporary = path.with_name(".sharing.tmp")  # one name is enough under the lock, and a kill leaves no more than one
    temporary.write_text(json.dumps({**fields, "name": agreement.name}, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def agreed(home: Path) -> Agreement | None:
    """Return what is shared where; None if the learner shares nothing.

    Raises
    ------
    OSError
        If something was agreed to that does not hold here.
    """
    path = home / FILE
    if not os.path.lexists(path):
        return None
    agreement = remembered(path)
    if agreement is None:
        raise OSError(f"{path} is damaged, or that folder was copied or moved; to share again, stop it first")
    return agreement


def begin(home: Path, folder: Path, name: str) -> Agreement:
    """Share from now on: to be called when the learner has said yes, and not otherwise.

    Parameters
    ----------
    home : Path
        Where the learner's progress is kept; made if it is missing.

    Raises
    ------
    ValueError
        If the name is another learner's.
    OSError
        If it cannot be written; then nothing is shared.
    """
    agreement = Agreement(class_folder(folder), safe_name(name))
    if agreement.folder.resolve() == home.resolve():
        raise ValueError(f"folder is {folder}, where your own progress is kept; expected that of the class")
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / LOCK):
        if agreed(home) is not None:
            raise ValueError("you share your results already; to change where or how, stop that first")
        again = remembered(home / STOPPED) == agreement and os.path.lexists(agreement.file)
        if not again:
            if taken(*agreement):
                raise ValueError(f"name is {shown(agreement.name)}, which another learner goes by; choose another one")
            remember(home / STOPPED, agreement)  # first whose it is, so that a kill leaves no file that is nobody's
            create(agreement.file, home / STOPPED)
        bring_up_to_date(agreement.file, home, home / STOPPED)
        os.replace(home / STOPPED, home / FILE)
    return agreement


def create(file: Path, note: Path) -> None:
    """Make an empty file that whoever can get at its folder may read; never one that is there.

    Parameters
    ----------
    note : Path
        Says that the file is ours; removed if it is not.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        note.unlink()
        if not isinstance(error, FileExistsError):
            raise
        raise ValueError(f"name is {shown(file.stem)}, which another learner goes by; choose another one") from error
    try:
        if hasattr(os, "fchmod"):
            with suppress(OSError):
                os.fchmod(descriptor, 0o644)
    finally:
        os.close(descriptor)


def end(home: Path) -> None:
    """Share no more, from this moment; what is shared already stays where it is."""
    if os.path.lexists(home / FILE):
        os.replace(home / FILE, home / STOPPED)  # which works on a full disk too
        with suppress(TimeoutError), locked(home / LOCK, PATIENCE):  # whoever was just writing has done so
            pass


def remove(home: Path) -> Path | None:
    """Remove the file that was shared, after the end.

    Returns
    -------
    Path or None
        The file; None if there is none.

    Raises
    ------
    OSError
        If it is not this learner's, or cannot be removed.
    """
    with locked(home / LOCK):
        agreement = remembered(home / STOPPED)
        if agreement is None or not os.path.lexists(agreement.file):
            return None
        descriptor = open_shared(agreement.file)
        try:
            ours = belongs(read_all(descriptor, LARGEST + 1), home)
        finally:
            os.close(descriptor)
        if not ours:
            other = "holds something else than your results, and was left as it is"
            raise OSError(f"{agreement.file} {other}; if it is yours all the same, remove it by hand")
        agreement.file.unlink()
        (home / STOPPED).unlink()
        return agreement.file


# --- after each check --------------------------------------------------------------------------------------


class Pace:
    """What one kernel has said and is waiting for."""

    said = False
    waiting: threading.Thread | None = None


def catch_up(home: Path) -> None:
    """Copy to the class's folder what is not there yet, if the learner shares.

    Raises
    ------
    OSError
        If that fails; it is caught up with the next time.
    """
    with locked(home / LOCK, PATIENCE / 2):
        agreement = agreed(home)
        if agreement is not None:
            bring_up_to_date(agreement.file, home, home / FILE)


def keep_up(home: Path | None = None) -> str:
    """Copy new results, if the learner shares them; never raises, and waits for no folder that does not answer.

    Parameters
    ----------
    home : Path, optional
        Where progress is kept; the usual place if it is not given.

    Returns
    -------
    str
        What to say: nothing while all is well, and a failure only once in a kernel.
    """
    try:
        home = progress.home() if home is None else home
        if not os.path.lexists(home / FILE):
            return ""
        trouble = in_time(catch_up, home)
    except Exception as error:  # a check is not to be disturbed by this, whatever it is
        trouble = reason(error)
    if not trouble or Pace.said:
        return ""
    Pace.said = True
    return f"Your result is written down, but not shared yet: {trouble}. A later check tries again."


def in_time(action: Callable[[Path], None], home: Path) -> str:
    """Do something beside the kernel's own work, which goes on when it takes too long.

    Parameters
    ----------
    home : Path
        What it is given.

    Returns
    -------
    str
        What went wrong, if anything.
    """
    late = "the class's folder does not answer"
    if Pace.waiting is not None and Pace.waiting.is_alive():
        return late
    errors: list[Exception] = []

    def act() -> None:
        try:
            action(home)
        except Exception as error:
            errors.append(error)

    Pace.waiting = threading.Thread(target=act, daemon=True)
    try:
        Pace.waiting.start()
    except RuntimeError:  # where there are no threads
        Pace.waiting = None
        act()
    else:
        Pace.waiting.join(PATIENCE)
        if Pace.waiting.is_alive():
            return late
    return reason(errors[0]) if errors else ""


def reason(error: Exception) -> str:
    """Say in a few words what went wrong."""
    if isinstance(error, TimeoutError):
        return "another notebook is sharing just now"
    if isinstance(error, OSError) and error.errno in progress.NO_ROOM:
        return "the disk of the class's folder is full"
    if isinstance(error, OSError) and error.strerror:
        words = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        words = str(error)
    return words.encode(errors="replace").decode()  # a folder's name need not be text, and what is said must be
