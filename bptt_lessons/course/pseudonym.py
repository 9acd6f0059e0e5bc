"""Pseudonyms: the name that a learner goes by in a class, and of their file there."""

from __future__ import annotations

import os
import secrets
import unicodedata
from pathlib import Path

from bptt_lessons.arguments import shown

LONGEST = 40  # characters
RESERVED = {"con", "prn", "aux", "nul", "progress", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
BLANK = "\u115f\u1160\u3164\uffa0"  # invisible letters
COLOURS = (
    "amber", "azure", "beige", "black", "blue", "bronze", "brown", "copper", "coral", "cream", "gold", "green", "grey",
    "indigo", "ivory", "jade", "lilac", "lime", "maroon", "mint", "ochre", "olive", "orange", "pearl", "pink", "plum",
    "purple", "red", "rose", "ruby", "rust", "silver", "slate", "tan", "teal", "violet", "white", "yellow",
)  # fmt: skip
THINGS = (
    "acorn", "apple", "arch", "ash", "aspen", "barge", "basil", "beech", "birch", "bridge", "brook", "cedar", "cliff",
    "cloud", "clover", "comet", "cove", "creek", "dune", "elm", "fern", "field", "finch", "fjord", "flint", "grove",
    "harbour", "hazel", "heath", "hill", "holly", "inlet", "island", "kite", "lagoon", "lake", "larch", "leaf",
    "lotus", "maple", "marsh", "meadow", "mist", "moon", "moss", "oak", "orchid", "owl", "pebble", "pine", "plover",
    "pond", "poppy", "quartz", "rain", "reed", "reef", "ridge", "river", "robin", "rowan", "sail", "shell", "snow",
    "spruce", "star", "stone", "stream", "swan", "thistle", "tide", "tulip", "vale", "wave", "willow", "wren", "yew",
)  # fmt: skip


def safe_name(name: object) -> str:
    """Return a name in a form that any system allows as a file name.

    Raises
    ------
    ValueError
        If no system-independent form exists.
    """
    if not isinstance(name, str):
        raise ValueError(f"name must be a string, got {type(name).__name__}")
    wanted = unicodedata.normalize("NFKC", name).strip(" ")
    kinds = [unicodedata.category(character)[0] for character in wanted]  # letters, marks on them, numbers ...
    allowed = all(kind in "LMN" or character in " -_" for kind, character in zip(kinds, wanted, strict=True))
    fits = 0 < len(wanted) <= LONGEST and "MMMM" not in "".join(kinds)
    if not fits or not allowed or kinds[0] not in "LN" or any(character in BLANK for character in wanted):
        raise ValueError(
            f"name is {shown(name)}; expected 1 to {LONGEST} letters, digits, spaces, hyphens and underscores, "
            "and a letter or a digit first"
        )
    if wanted.casefold() in RESERVED:
        raise ValueError(f"name is {shown(name)}, which not every computer allows as a file name; choose another one")
    if wanted.casefold().startswith("progress-until"):
        raise ValueError(f"name is {shown(name)}, a name of records that a reset sets aside; choose another one")
    return wanted


def comparable(name: str) -> str:
    """Return a form of a name in which capitals and ways to write an accent make no difference."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_taken(folder: Path, name: str) -> bool:
    """Return whether the folder already has a learner of that name."""
    wanted = {comparable(f"{name}.jsonl"), comparable(name)}  # a file, or a folder with a file
    try:
        names = os.listdir(folder)
    except OSError:  # a folder that one may write into but not list
        names = []
    return any(comparable(found) in wanted for found in names) or os.path.lexists(folder / f"{name}.jsonl")


def made_up_name(folder: Path) -> str:
    """Return a name of two plain words that nobody in the folder has."""
    names = (f"{secrets.choice(COLOURS)}-{secrets.choice(THINGS)}" for _ in range(100))
    return next((name for name in names if not is_taken(folder, name)), f"learner-{secrets.token_hex(4)}")
