"""What a function may be given: one check, used at every public door.

A wrong argument gets a ``ValueError`` that names it, its shape and the shape that
was expected, in the letters of the course (T steps, N sequences, D inputs, H hidden
units, K outputs).  Nothing is broadcast by accident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def check_array(name: str, value: object, axes: str, sizes: Mapping[str, int] | None = None) -> Array:
    """Return `value` if it is a real or complex floating array with the given axes.

    Parameters
    ----------
    name : str
        What the caller calls the argument.
    value : object
        The argument.
    axes : str
        One word per axis, such as ``"T N D"``.  A word found in `sizes` must have
        that size, any other must be at least 1.
    sizes : mapping of str to int, optional
        Sizes that are already known.

    Raises
    ------
    ValueError
        Names the argument, its shape or type, and what was expected.
    """
    words, known = _words(axes), sizes or {}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc" and value.ndim == len(words):
        for word, size in zip(words, value.shape, strict=True):
            if size != known.get(word, size) or (size < 1 and word not in known):
                break
        else:
            return value
    expected = _shape_text(words, known)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} must be a NumPy array of shape {expected}, got {type(value).__name__}")
    if value.dtype.kind not in "fc":
        found = f"{name} of shape {value.shape} has dtype {value.dtype}"
        raise ValueError(f"{found}, expected a floating one; shape {expected}")
    least = ", every size at least 1" if 0 in value.shape else ""
    raise ValueError(f"{name} has shape {value.shape}, expected {expected}{least}")


def check_numbers(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a floating array of any shape, or a plain number."""
    plain = isinstance(value, (int, float, complex)) and not isinstance(value, bool)
    if not plain and not (isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"):
        found = (
            f"shape {value.shape} and dtype {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        )
        raise ValueError(f"{name} has {found}, expected a floating NumPy array")


def check_precision(**arrays: Array) -> None:
    """Raise ValueError unless all arrays have one precision (float64 and complex128 are one)."""
    if len({array.dtype for array in arrays.values()}) == 1:
        return
    widths: dict[int, str] = {}
    for name, array in arrays.items():
        bits = array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1)
        widths.setdefault(bits, f"{name} has dtype {array.dtype}")
    if len(widths) > 1:
        raise ValueError("mixed precision: " + ", ".join(widths.values()) + "; convert one with .astype")


def check_no_nan(name: str, value: Array) -> None:
    """Raise ValueError if the array holds a NaN."""
    if np.isnan(value).any():
        where = tuple(int(i) for i in np.argwhere(np.isnan(value))[0])
        raise ValueError(f"{name} of shape {value.shape} holds NaN, first at {list(where)}; expected numbers")


def check_size(name: str, value: object) -> int:
    """Return `value` as an int if it is a whole number of at least 1, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def check_positive(name: str, value: object) -> float:
    """Return `value` if it is a finite real number above 0, else raise ValueError."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or not value > 0:  # type: ignore[call-overload, operator]
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def check_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the NumPy dtype if it is a real floating one, else raise ValueError."""
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"dtype must be a real floating one such as numpy.float32, got {dtype!r}") from None
    if dtype is None or found.kind != "f":
        raise ValueError(f"dtype must be a real floating one such as numpy.float32, got {dtype}")
    return found


def check_callable(name: str, value: object) -> None:
    """Raise ValueError unless `value` can be called."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {type(value).__name__}")


def check_has(name: str, value: object, *functions: str) -> None:
    """Raise ValueError unless `value` (a module or the like) has these functions."""
    for function in functions:
        if not callable(getattr(value, function, None)):
            found = getattr(value, "__name__", type(value).__name__)
            raise ValueError(f"{name} must have the function {function}, as the module rnn has; {found} has none")


def check_rng(rng: object) -> np.random.Generator:
    """Return `rng` if it is a NumPy Generator, else raise ValueError."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def check_mask(mask: object, T: int, N: int) -> Array:
    """Return a (T, N) boolean mask (all True for None) that keeps something, else raise ValueError."""
    if mask is None:
        return np.ones((T, N), dtype=bool)
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (T, N):
        kind = f"shape {mask.shape} and dtype {mask.dtype}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ValueError(f"mask has {kind}, expected a bool array of shape (T, N) = ({T}, {N})")
    if not mask.any():
        raise ValueError(f"mask of shape {mask.shape} keeps no step, expected at least one True")
    return mask


@cache
def _words(axes: str) -> tuple[str, ...]:
    return tuple(axes.split())


def _shape_text(words: Sequence[str], sizes: Mapping[str, int]) -> str:
    letters = "(" + ", ".join(words) + ("," if len(words) == 1 else "") + ")"
    known = {word: sizes[word] for word in words if word in sizes}
    if not known:
        return letters
    return letters + " with " + ", ".join(f"{word} = {size}" for word, size in known.items())
