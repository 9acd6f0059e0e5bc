"""Measured numbers: the one way in which a lesson prints a number that differs from run to run."""

from __future__ import annotations

import numpy as np


def measured(value: float, format: str = ".3g", unit: str = "") -> str:
    """Return a measured number as text in brackets that mark it as measured.

    Seconds, bytes and trained errors differ from machine to machine.  The tests of the
    notebooks compare every printed character except those in such brackets.

    Parameters
    ----------
    value : number
    format : str, optional
        A format for one number, such as ``".3g"``.
    unit : str, optional

    Returns
    -------
    str
        For example ``[measured 1.23 s]``.

    Raises
    ------
    ValueError
        If `value` is not a real number, or the format does not fit it or gives a bracket.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueError(f"value must be one real number, got {type(value).__name__}")
    try:
        number = f"{value:{format}}"
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f"format {format!r} does not fit the value, a {type(value).__name__}, expected such as '.3g'"
        ) from error
    if not isinstance(unit, str):
        raise ValueError(f"unit must be a string, got {type(unit).__name__}")
    if "]" in number + unit or "\n" in number + unit:
        raise ValueError(f"format {format!r} and unit {unit!r} must not hold ']' or a line break")
    return f"[measured {number}{' ' if unit else ''}{unit}]"


def passage(text: str) -> str:
    """Return a text that may differ elsewhere, such as one from Python's own manual, between marks that say so.

    Raises
    ------
    ValueError
        If `text` is not a string, or holds one of the marks itself.
    """
    if not isinstance(text, str) or set(text) & set("«»"):
        raise ValueError(f"text must be a string without « and », got {text!r:.60}")
    return f"«{text}»"
