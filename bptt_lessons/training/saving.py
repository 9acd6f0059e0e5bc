"""Saving: a training written to a file and read again, bit for bit.

A file is a plain ``.npz`` with one array for each array of the session, named by its place,
such as ``model.cell.W_xh``.  It is written under another name and then renamed, so there is
never half a file.  It holds no code (no pickle).
"""

from __future__ import annotations

import errno
import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bptt_lessons.arguments import Array, check_plain, kind_of, shown
from bptt_lessons.training.loop import Session, check_session


def save(path: str | os.PathLike[str], session: Session) -> None:
    """Write a session to a file, in place of an older one only when it is complete.

    Parameters
    ----------
    path : str or path
        Should end in ``.npz``.
    session : Session

    Raises
    ------
    ValueError
        If `session` holds anything but arrays and numbers.
    OSError
        If the file cannot be written; an older one is then as it was.
    """
    check_path(path)
    check_session(session)
    arrays = {name: _as_array(name, leaf) for name, leaf in _leaves("", session) if leaf is not None}
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type, unused-ignore]  # NumPy 2.0 has no allow_pickle to be taken for
    try:
        _replace(Path(path), content.getvalue())
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        remedy = "Make room on that disk" if full else "See that there is such a folder and that it can be written"
        raise type(error)(
            f"{path}: {error.strerror or error}. What was there before is as it was. {remedy}, then save again."
        ) from error


def _replace(target: Path, content: bytes) -> None:
    """Write a file, or a new content in place of an older one, whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(prefix=target.name, suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str], like: Session) -> Session:
    """Read a session that `save` wrote.

    Parameters
    ----------
    path : str or path
    like : Session
        Of the same structure, such as the one that training began with (if a state is carried, with
        ``cell.zero_state`` as its state): it says what is built from the arrays.  Its own values do
        not matter, its shapes and dtypes do.

    Returns
    -------
    Session

    Raises
    ------
    ValueError
        If the file is damaged, or holds a session of another structure, shape or dtype.
    FileNotFoundError
        If there is none.
    """
    check_path(path)
    check_session(like, "like")
    content = Path(path).read_bytes()
    try:
        arrays = _arrays_in(content)
    except Exception as error:  # a wrong byte in an archive can raise almost any error
        raise ValueError(f"{path} is no saved session, or it is damaged ({error})") from None
    session: Session = _rebuilt("", like, arrays)
    if arrays:
        raise ValueError(f"{path} holds {', '.join(sorted(arrays))} as well, which like does not have")
    return session


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every array, number or None of a session with its name; the losses are one array."""
    if name == "losses":
        try:
            yield name, np.array(value, dtype=np.float64)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"session.{name} must be a tuple of numbers, got {shown(value)}") from None
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for field, item in zip(value._fields, value, strict=True):
            yield from _leaves(f"{name}.{field}" if name else field, item)
    else:
        yield name, value


def _arrays_in(content: bytes) -> dict[str, Array]:
    """Return the arrays of an ``.npz`` by name; each is read to its end, where its checksum is verified."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
            for name in archive.namelist()
        }


def _as_array(name: str, leaf: Any) -> Array:
    """Return an array or number as an array that needs no pickle."""
    try:
        array = np.asarray(leaf)
    except ValueError:
        raise ValueError(f"session.{name} must be an array of numbers, got rows of unequal lengths") from None
    check_plain(f"session.{name}", leaf)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"session.{name} must be an array of numbers, got {type(leaf).__name__}")
    return array


def _rebuilt(name: str, like: Any, arrays: dict[str, Array]) -> Any:
    """Build the structure of `like` from the arrays, and remove those from the mapping."""
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(
            *(_rebuilt(f"{name}.{f}" if name else f, v, arrays) for f, v in zip(like._fields, like, strict=True))
        )
    if like is None and name not in arrays:
        return None
    if name not in arrays:
        raise ValueError(f"the file has no {name}: it was saved from a session of another structure than like")
    array = arrays.pop(name)
    if name == "losses":
        if array.ndim != 1 or array.dtype.kind != "f":
            raise ValueError(f"{name} in the file has {kind_of(array)}, expected real numbers (updates,), as in like")
        return tuple(array.tolist())
    if like is None:
        raise ValueError(f"the file has {name}, and the session has none: like.{name} is None")
    if not isinstance(like, (np.ndarray, np.number, int, float, complex)):
        raise ValueError(f"like.{name} must be an array of numbers, got {type(like).__name__}")
    wanted = np.asarray(like)
    if array.shape != wanted.shape or array.dtype != wanted.dtype:
        expected = f"{wanted.shape} and {wanted.dtype} as in like"
        raise ValueError(f"{name} in the file has shape {array.shape} and dtype {array.dtype}, expected {expected}")
    return array if isinstance(like, np.ndarray) else array.item()


def check_path(path: object) -> None:
    """Raise ValueError unless `path` is a string or a path."""
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise ValueError(f"path must be a string or a path, got {type(path).__name__}")
    if "\0" in os.fsdecode(path):
        raise ValueError(f"path must be a string or a path without a null character, got {shown(path)}")
