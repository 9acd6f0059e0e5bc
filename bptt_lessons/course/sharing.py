"""Sharing: a copy of a learner's results in a folder of the class, from the learner's yes until they stop it.

What is shared is a copy of the results in the progress file, line by line, in one file under a name
that the learner chooses.  ``sharing.json`` beside the progress file records whether it is shared, and
where.  Nothing goes over a network: the folder is one that this computer can write, such as a hub's
shared volume.
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
from bptt_lessons.course.pseudonym import is_taken, safe_name

FILE = "sharing.json"  # the agreement, while results are shared
STOPPED = "sharing-stopped.json"  # the last agreement, while they are not, so that the file can be removed
LOCK = ".sharing.lock"
FORMAT = 1
HUB_USER = "JUPYTERHUB_USER"  # set by every hub; in containers all users have the same account and folders
VARIABLE = "BPTT_LESSONS_CLASS"  # names the class's folder, nothing more
LARGEST = 2_000_000  # bytes: far beyond any learner's record
PATIENCE = 1.0  # seconds that a check waits for a folder that does not answer


class Agreement(NamedTuple):
    """What a learner has said yes to: a file of this name in this folder."""

    folder: Path
    name: str

    @property
    def file(self) -> Path:
        """The shared file."""
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
        raise ValueError("folder is needed: your class's folder, which your teacher will name")
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


# --- the shared copy ---------------------------------------------------------------------------------------


def results_in(path: Path) -> list[str]:
    """Return the results in a progress file as lines, and nothing else that the file may contain.

    Raises
    ------
    OSError
        If the file cannot be read, or is too large to be a learner's record.
    """
    if path.is_file() and path.stat().st_size > LARGEST:
        raise OSError(f"{path} is larger than {LARGEST // 1_000_000} MB")
    return [progress.line_of(entry) + "\n" for line in progress.read_lines(path) if (entry := progress.parse(line))]


def bring_up_to_date(file: Path, home: Path, note: Path) -> None:
    """Make an existing shared file a copy of the learner's record.

    The file must hold the beginning of that record, or of one that a reset has set aside: otherwise it is
    somebody else's.  So half a line, left by a full disk or a kill, is completed the next time.

    Parameters
    ----------
    file, home : Path
    note : Path
        If it is gone, the learner has stopped sharing in the meantime, and nothing is written.

    Raises
    ------
    OSError
        If that fails; the file then still holds a beginning of the record.
    """
    wanted = "".join(results_in(home / progress.FILE)).encode()
    with os.fdopen(open_shared(file), "r+b", buffering=0) as shared:
        there = shared.read(LARGEST + 1) or b""
        if not os.path.lexists(note):
            return
        if not wanted.startswith(there):
            if not is_own_record(there, home):
                raise OSError(f"{file} holds something else than your results, and was left as it is")
            shared.truncate(0)
            there = b""
        shared.seek(len(there))
        write_all(shared.fileno(), wanted[len(there) :], file)


def is_own_record(content: bytes, home: Path) -> bool:
    """Return whether this is the beginning of the learner's record, or of one set aside."""
    for path in (home / progress.FILE, *sorted(home.glob("progress-until-*.jsonl"), reverse=True)):
        with suppress(OSError):
            if "".join(results_in(path)).encode().startswith(content):
                return True
    return False


def open_shared(file: Path) -> int:
    """Open an existing shared file, and return its descriptor; follow no link, wait for no pipe."""
    flags = os.O_RDWR
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(file, flags)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:  # a second name could be the learner's own record
        os.close(descriptor)
        raise OSError(f"{file} is not a file of its own")
    return descriptor


def write_all(descriptor: int, content: bytes, file: Path) -> None:
    """Write everything, in as many calls as the disk needs."""
    while content:
        written = os.write(descriptor, content)
        if not written:
            raise OSError(progress.DISK_FULL[0], os.strerror(progress.DISK_FULL[0]), str(file))
        content = content[written:]


# --- the agreement: start and stop -------------------------------------------------------------------------


def read_agreement(path: Path) -> Agreement | None:
    """Read an agreement; None if there is none, or none that is valid here.

    It is valid only in the folder in which it was made, and on a hub only for the user who made it: a copy
    of that folder may be somebody else's.
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


def write_agreement(path: Path, agreement: Agreement) -> None:
    """Write an agreement in one step."""
    fields = {"version": FORMAT, "home": str(path.parent.resolve()), "folder": str(agreement.folder)}
    fields["user"] = os.environ.get(HUB_USER, "")
    temporary = path.with_name(".sharing.tmp")  # the lock makes one name enough
    temporary.write_text(json.dumps({**fields, "name": agreement.name}, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def current_agreement(home: Path) -> Agreement | None:
    """Return what is shared where; None if the learner shares nothing.

    Raises
    ------
    OSError
        If there is an agreement that is not valid here.
    """
    path = home / FILE
    if not os.path.lexists(path):
        return None
    agreement = read_agreement(path)
    if agreement is None:
        raise OSError(f"{path} is damaged, or that folder was copied or moved; to share again, stop it first")
    return agreement


def start(home: Path, folder: Path, name: str) -> Agreement:
    """Share from now on; call this only after the learner has said yes.

    Parameters
    ----------
    home : Path
        The folder of the learner's progress; made if it is missing.
    folder, name
        The class's folder, and the learner's name there.

    Raises
    ------
    ValueError
        If the name is another learner's.
    OSError
        If the file cannot be written; then nothing is shared.
    """
    agreement = Agreement(class_folder(folder), safe_name(name))
    if agreement.folder.resolve() == home.resolve():
        raise ValueError(f"folder is {folder}, where your own progress is kept; expected that of the class")
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / LOCK):
        if current_agreement(home) is not None:
            raise ValueError("you share your results already; to change where or how, stop that first")
        again = read_agreement(home / STOPPED) == agreement and os.path.lexists(agreement.file)
        if not again:
            if is_taken(*agreement):
                raise ValueError(f"name is {shown(agreement.name)}, which another learner goes by; choose another one")
            write_agreement(home / STOPPED, agreement)  # before the file, so that a kill leaves no file without owner
            create(agreement.file, home / STOPPED)
        bring_up_to_date(agreement.file, home, home / STOPPED)
        os.replace(home / STOPPED, home / FILE)
    return agreement


def create(file: Path, note: Path) -> None:
    """Make a new empty file that everyone with access to its folder may read; remove the note if that fails."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        note.unlink()
        if not isinstance(error, FileExistsError):
            raise
        raise ValueError(f"name is {shown(file.stem)}, which another learner goes by; choose another one") from error
    os.close(descriptor)
    with suppress(OSError):
        file.chmod(0o644)  # whatever the umask


def stop(home: Path) -> None:
    """Share no more from now on; what was shared stays where it is."""
    if os.path.lexists(home / FILE):
        os.replace(home / FILE, home / STOPPED)  # works on a full disk too
        with suppress(TimeoutError), locked(home / LOCK, PATIENCE):  # wait until nobody is writing
            pass


def remove(home: Path) -> Path | None:
    """Remove the file that was shared, after `stop`; return its path, or None if there is none.

    Raises
    ------
    OSError
        If it is not this learner's, or cannot be removed.
    """
    with locked(home / LOCK):
        agreement = read_agreement(home / STOPPED)
        if agreement is None or not os.path.lexists(agreement.file):
            return None
        with os.fdopen(open_shared(agreement.file), "rb", buffering=0) as shared:
            own = is_own_record(shared.read(LARGEST + 1) or b"", home)
        if not own:
            other = "holds something else than your results, and was left as it is"
            raise OSError(f"{agreement.file} {other}; if it is yours all the same, remove it by hand")
        agreement.file.unlink()
        (home / STOPPED).unlink()
        return agreement.file


# --- after each check --------------------------------------------------------------------------------------


class Kernel:
    """What this kernel has reported, and the thread that it waits for."""

    reported = False
    waiting: threading.Thread | None = None


def copy_new_results(home: Path) -> None:
    """Copy new results to the class's folder, if the learner shares.

    Raises
    ------
    OSError
        If that fails; the next call tries again.
    """
    with locked(home / LOCK, PATIENCE / 2):
        agreement = current_agreement(home)
        if agreement is not None:
            bring_up_to_date(agreement.file, home, home / FILE)


def keep_up(home: Path | None = None) -> str:
    """Copy new results, if the learner shares; never raises, and never waits long for a folder.

    Parameters
    ----------
    home : Path, optional
        The folder of the learner's progress; the usual one if it is not given.

    Returns
    -------
    str
        A failure, reported once in a kernel; otherwise empty.
    """
    try:
        home = progress.home() if home is None else home
        if not os.path.lexists(home / FILE):
            return ""
        trouble = with_patience(copy_new_results, home)
    except Exception as error:  # nothing here may disturb a check
        trouble = describe(error)
    if not trouble or Kernel.reported:
        return ""
    Kernel.reported = True
    return f"Your result is written down, but not shared yet: {trouble}. A later check tries again."


def with_patience(action: Callable[[Path], None], home: Path) -> str:
    """Do something in a thread, and stop waiting for it after a while; return what went wrong, if anything."""
    late = "the class's folder does not answer"
    if Kernel.waiting is not None and Kernel.waiting.is_alive():
        return late
    errors: list[Exception] = []

    def act() -> None:
        try:
            action(home)
        except Exception as error:
            errors.append(error)

    Kernel.waiting = threading.Thread(target=act, daemon=True)
    Kernel.waiting.start()
    Kernel.waiting.join(PATIENCE)
    if Kernel.waiting.is_alive():
        return late
    return describe(errors[0]) if errors else ""


def describe(error: Exception) -> str:
    """Say in a few words what went wrong."""
    if isinstance(error, TimeoutError):
        return "another notebook is sharing just now"
    if isinstance(error, OSError) and error.errno in progress.DISK_FULL:
        return "the disk of the class's folder is full"
    if isinstance(error, OSError) and error.strerror:
        words = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        words = str(error)
    return words.encode(errors="replace").decode()  # a folder's name may not be valid text
