"""Text: real characters as the numbers that a net reads, and numbers that it says as characters.

The text is Python's own manual on itself, which comes with Python as ``pydoc_data.topics``
(what ``help("TOPICS")`` shows), so nothing is downloaded.  It differs a little from one
release of Python to the next.
"""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import (
    Array,
    check_array,
    check_callable,
    check_no_nan,
    check_plain,
    check_positive,
    check_real,
    check_rng,
    check_size,
    kind_of,
)

Read = Callable[[Array, Any], tuple[Array, Any]]

WANTED = 500_000  # characters, where the standard library's docstrings stand in


class Manual(NamedTuple):
    """A text in two parts, and where it comes from."""

    training: str
    held_out: str  # the last tenth
    source: str  # a sentence for the reader


def python_manual() -> Manual:
    """Return Python's manual on itself, topics in alphabetical order, the last tenth held out.

    A Python without ``pydoc_data.topics`` gives the docstrings of its standard library instead,
    and `source` says so.

    Raises
    ------
    ValueError
        If there is neither.
    """
    try:
        topics: dict[str, str] = import_module("pydoc_data.topics").topics
    except ImportError:
        text = library_docstrings()
        source = "This Python comes without pydoc_data.topics: the docstrings of its standard library stand in."
    else:
        text, source = "\n\n".join(topics[name] for name in sorted(topics)), "pydoc_data.topics"
    first_held_out = len(text) - len(text) // 10
    return Manual(text[:first_held_out], text[first_held_out:], source)


def library_docstrings(folder: Path | None = None) -> str:
    """Return docstrings of the standard library's modules in alphabetical order, about half a million characters.

    Raises
    ------
    ValueError
        If no module's source can be found.
    """
    folder = Path(sysconfig.get_paths()["stdlib"]) if folder is None else check_folder(folder)
    found: list[str] = []
    for path in sorted(folder.glob("*.py")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old modules have escapes that a parser warns of
                tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        found += [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, nodes)]
        if sum(map(len, found)) >= WANTED:
            break
    text = "\n\n".join(filter(None, found))[:WANTED]
    if len(text) < 1000:
        raise ValueError(
            "no text to learn from: this Python has neither pydoc_data.topics nor its standard library's sources"
        )
    return text


def alphabet(text: str) -> str:
    """Return the characters that occur in a text, each once, in order."""
    check_text("text", text)
    return "".join(sorted(set(text)))


def encode(text: str, alphabet: str) -> Array:
    """Replace each character by its place in the alphabet.

    Parameters
    ----------
    text : str
        L characters.
    alphabet : str
        K characters, each once.

    Returns
    -------
    integer array (L,)
        From 0 to K - 1.

    Raises
    ------
    ValueError
        If a character is not in the alphabet, or one of the two is no string or empty.
    """
    check_text("text", text)
    check_alphabet(alphabet)
    place = {character: k for k, character in enumerate(alphabet)}
    missing = set(text) - place.keys()
    if missing:
        raise ValueError(f"text has characters that are not in the alphabet: {''.join(sorted(missing))!r}")
    return np.array([place[character] for character in text])


def decode(symbols: Array, alphabet: str) -> str:
    """Return the text of places in the alphabet: what `encode` undoes."""
    check_alphabet(alphabet)
    try:
        found = np.asarray(symbols)
    except ValueError:
        raise ValueError("symbols has rows of unequal lengths, expected integers (L,)") from None
    check_plain("symbols", symbols)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError(f"symbols has {kind_of(found)}, expected integers (L,)")
    if found.size and not 0 <= found.min() <= found.max() < len(alphabet):
        raise ValueError(f"symbols must be from 0 to {len(alphabet) - 1}, got {found.min()} to {found.max()}")
    return "".join(alphabet[k] for k in found)


def sample(y: Array, temperature: float, u: Array) -> Array:
    """Draw one symbol for each sequence from softmax(y / temperature), by a given uniform number.

    The symbol is the first k with P(0) + ... + P(k) > u: a symbol that is as likely as p is hit by
    a share p of all u.

    Parameters
    ----------
    y : array (N, K)
        Logits.
    temperature : float
        Above 0.  Below 1 the likely become likelier, above 1 all become more alike.
    u : array (N,)
        Uniform numbers in [0, 1), such as ``rng.random(N)``.

    Returns
    -------
    integer array (N,)
    """
    check_sample(y, temperature, u)
    p = np.exp((y - y.max(axis=1, keepdims=True)) / temperature)
    edges = p.cumsum(axis=1)
    k: Array = (edges <= u[:, None] * edges[:, -1:]).sum(axis=1)
    return k


def generate(rng: np.random.Generator, read: Read, start: Array, length: int, temperature: float = 1.0) -> Array:
    """Let a model read some symbols and then continue by itself: each symbol it draws is its next input.

    Parameters
    ----------
    rng : numpy.random.Generator
    read : callable
        ``read(symbols, state) -> y, state``: logits (1, K) after reading symbols (L,), and the state it is
        then in; None is the state before anything.  ``training.loop.reader`` makes one of a model.
    start : integer array (L,)
        What is read first, at least one symbol.
    length : int
        Symbols to draw, at least 1.
    temperature : float, optional
        Above 0.

    Returns
    -------
    integer array (length,)
    """
    check_rng(rng)
    check_callable("read", read)
    check_positive("temperature", temperature)
    y, state = _read_start(read, start)
    said: list[int] = []
    for u in rng.random(check_size("length", length)):
        said.append(int(sample(y, temperature, np.array([u]))[0]))
        y, state = read(np.array(said[-1:]), state)
    return np.array(said)


def _read_start(read: Read, start: Array) -> tuple[Array, Any]:
    """Return the logits and state after `start`, or raise ValueError that names it."""
    if not isinstance(start, np.ndarray) or start.ndim != 1 or start.dtype.kind not in "iu" or not start.size:
        raise ValueError(f"start has {kind_of(start)}, expected integers (L,), L at least 1")
    check_plain("start", start)
    try:
        returned = read(start, None)
    except ValueError as error:  # for example, a symbol that the model does not know
        raise ValueError(f"start cannot be read: {error}") from error
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ValueError(f"read must return y, state, got {type(returned).__name__}")
    return returned


def check_folder(folder: object) -> Path:
    """Return the folder as a Path, or raise ValueError if it is none."""
    if not isinstance(folder, (str, Path)) or "\0" in str(folder) or not Path(folder).is_dir():
        raise ValueError(f"folder must be a folder that there is, got {folder!r}")
    return Path(folder)


def check_text(name: str, text: object) -> None:
    """Raise ValueError unless `text` is a string with something in it."""
    if not isinstance(text, str) or not text:
        found = "an empty string" if isinstance(text, str) else type(text).__name__
        raise ValueError(f"{name} must be a string of at least one character, got {found}")


def check_alphabet(alphabet: object) -> None:
    """Raise ValueError unless `alphabet` is a string in which no character comes twice."""
    check_text("alphabet", alphabet)
    assert isinstance(alphabet, str)
    if len(set(alphabet)) < len(alphabet):
        twice = sorted({c for c in alphabet if alphabet.count(c) > 1})
        raise ValueError(f"alphabet must have each character once, got {''.join(twice)!r} more than once")


def check_sample(y: Array, temperature: float, u: Array) -> None:
    """Raise ValueError unless `sample` can take these."""
    check_array("y", y, "N K")
    check_no_nan("y", y)
    check_array("u", u, "N", {"N": len(y)})
    check_real("y", y)
    check_real("u", u)
    check_positive("temperature", temperature)
    if not (np.all(u >= 0) and np.all(u < 1)):
        raise ValueError(f"u of shape {u.shape} must lie in [0, 1), got {u.min()} to {u.max()}")
