"""The learner's folder: their own copy of the lessons, which nothing here ever overwrites.

Missing lessons are copied without their outputs, so that no output answers a question before
the learner does.  If a shipped lesson has changed since it was copied, the new version is put
beside the learner's.  ``.bptt-lessons/manifest.json`` inside the folder records what was copied.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import bptt_lessons
from bptt_lessons.course.locking import locked

LESSONS = "[0-9][0-9]_*.ipynb"
OWN = ".bptt-lessons"  # this module's own subfolder
MANIFEST = "manifest.json"
FORMAT = 1


class Prepared(NamedTuple):
    """What `prepare` did to a folder, as names of lessons."""

    folder: Path
    copied: tuple[str, ...]  # were missing
    beside: tuple[str, ...]  # new versions, under new names
    kept: tuple[str, ...]  # were there already


def clone() -> Path | None:
    """Return the root of the clone that this package is in, or None if it is installed."""
    root = Path(str(files("bptt_lessons"))).resolve().parent
    return root if (root / "start.py").is_file() and (root / "notebooks").is_dir() else None


def shipped_folder() -> Path:
    """Return the folder of the lessons as shipped, in a clone or in an installed package."""
    root = clone()
    return root / "notebooks" if root else Path(str(files("bptt_lessons"))) / "notebooks"


def default_folder() -> Path:
    """Return the learner's folder if none is named."""
    root = clone()
    return root / "my-lessons" if root else Path.cwd() / "bptt-lessons"


def shipped_lessons(folder: Path) -> list[Path]:
    """Return the lessons in a folder, in reading order."""
    return sorted(path for path in folder.glob(LESSONS) if path.is_file())


def full_path(folder: Path | str) -> Path:
    """Return a folder's absolute path, with ``~`` expanded.

    Raises
    ------
    ValueError
        If it is not a path, or names the home of an unknown user.
    """
    try:
        return Path(os.path.abspath(Path(folder).expanduser()))
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"folder is {folder!r}, and there is no such place") from error


def prepare(folder: Path | str, *, shipped: Path | None = None, version: str = bptt_lessons.__version__) -> Prepared:
    """Bring a learner's folder up to date, without touching any file in it.

    Parameters
    ----------
    folder : Path or str
        Made if it is missing.
    shipped : Path, optional
        Where to copy the lessons from; the package's own if it is not given.
    version : str
        Goes into the name of a changed lesson's new version.

    Raises
    ------
    ValueError
        If the folder is the one with the shipped lessons, or inside it.
    FileNotFoundError
        If no lessons were shipped.
    OSError
        If the folder cannot be written.
    """
    folder = full_path(folder)
    shipped = shipped_folder() if shipped is None else shipped
    lessons = shipped_lessons(shipped)
    if not lessons:
        raise FileNotFoundError(f"there are no lessons in {shipped}: the course is not installed whole")
    if folder.resolve().is_relative_to(shipped.resolve()):
        raise ValueError(f"folder is {folder}, where the lessons as shipped are kept; expected another one")
    own = folder / OWN
    own.mkdir(parents=True, exist_ok=True)
    copied, beside, kept = [], [], []
    with locked(own / "lock"):
        remove_leftovers(own)
        manifest = read_manifest(own / MANIFEST)
        for lesson in lessons:
            content = as_copied(lesson.read_bytes())
            digest = hashlib.sha256(content).hexdigest()
            if create(folder / lesson.name, content, own):
                copied.append(lesson.name)
            elif manifest.get(lesson.name) == digest or has_content(folder / lesson.name, content):
                kept.append(lesson.name)
            else:
                beside.append(create_beside(folder, lesson.stem, version, content, own))
            if manifest.get(lesson.name) != digest:
                manifest[lesson.name] = digest
                write_manifest(own, manifest)
    return Prepared(folder, tuple(copied), tuple(beside), tuple(kept))


def as_copied(content: bytes) -> bytes:
    """Return a lesson as learners get it: nothing run, no outputs, no slide marks.

    Content that is not a notebook is returned unchanged.
    """
    try:
        notebook = json.loads(content)
        cells = notebook["cells"]
        for cell in cells:
            cell["metadata"].pop("slideshow", None)
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
    except (ValueError, TypeError, KeyError, AttributeError):
        return content
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def create_beside(folder: Path, stem: str, version: str, content: bytes, own: Path) -> str:
    """Write a new version of a lesson under the first free name, and return the name."""
    number = 1
    while True:
        name = f"{stem} (version {version}{f', copy {number}' if number > 1 else ''}).ipynb"
        if create(folder / name, content, own) or has_content(folder / name, content):
            return name
        number += 1


def create(path: Path, content: bytes, own: Path) -> bool:
    """Write a new file, whole or not at all; return False if a file that is not empty has that name.

    Parameters
    ----------
    path : Path
    content : bytes
    own : Path
        A folder on the same disk for the temporary file.
    """
    if os.path.lexists(path) and not is_empty(path):
        return False
    temporary = write_temporary(own, content)
    try:
        os.link(temporary, path)  # never replaces a file, unlike a rename
    except FileExistsError:
        return replace_empty(temporary, path)
    except (OSError, NotImplementedError, AttributeError):  # no hard links on this disk or in this Python
        with suppress(FileExistsError):
            path.touch(exist_ok=False)  # reserves the name
        return replace_empty(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def replace_empty(temporary: Path, path: Path) -> bool:
    """Put a file in the place of an empty one; return whether that one was empty."""
    empty = is_empty(path)
    if empty:
        os.replace(temporary, path)
    return empty


def is_empty(path: Path) -> bool:
    """Return whether this is an empty file, which a kill or a full disk can leave."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size == 0


def has_content(path: Path, content: bytes) -> bool:
    """Return whether a file has exactly this content."""
    try:
        return path.is_file() and path.read_bytes() == content  # reading a pipe would wait for ever
    except OSError:
        return False


def write_temporary(own: Path, content: bytes) -> Path:
    """Write a file under a unique name in this folder, and wait until it is on the disk."""
    path = own / f"{uuid.uuid4().hex}.tmp"
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(own.parent)) from error  # names the learner's folder
    return path


def remove_leftovers(own: Path) -> None:
    """Remove temporary files of killed processes; the caller holds the lock."""
    for path in own.glob("*.tmp"):
        path.unlink(missing_ok=True)


def read_manifest(path: Path) -> dict[str, str]:
    """Return the hash of each lesson as last copied here; empty if unknown."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        lessons = found["lessons"].items() if found["format"] == FORMAT else ()
        return {name: digest for name, digest in lessons if isinstance(digest, str)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write_manifest(own: Path, manifest: dict[str, str]) -> None:
    """Replace the manifest in one step."""
    text = json.dumps({"format": FORMAT, "lessons": manifest}, indent=2, sort_keys=True)
    os.replace(write_temporary(own, (text + "\n").encode()), own / MANIFEST)
