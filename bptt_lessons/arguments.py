"""What a function may be given: each declares it once, in an `Arguments` beside it that it calls first.

A wrong argument raises ``ValueError`` with its name, its shape and the expected one, in the letters of
the course (T steps, N sequences, D inputs, H hidden units, K outputs).  Nothing is broadcast by
accident.  This holds for every function of the package, so docstrings name only what goes beyond it.

NaN is refused where it cannot be meant: in the data (`x`, `target`, `series`) of a whole sequence, and
in the state before its first step (`h0`, `state0`) unless a parameter is NaN or infinite too.
Parameters, gradients (`dh`, `dy`, `grads`), logits and everything that enters a single step may hold
NaN or infinity: a training that diverges should be seen, not refused.

Arrays are plain, or subclasses such as a memory map.  ``np.matrix`` is refused because its ``*`` is a
matrix product, a masked array because its mask would be lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import isfinite, prod
from operator import attrgetter
from sys import maxsize
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from bptt_lessons.nested import named_arrays

Array = np.ndarray[Any, Any]

LARGEST = 2**47  # bytes: more than a computer can address
REMEMBERED = 1000  # combinations of shapes and dtypes that a declaration remembers

description_of = attrgetter("__class__", "shape", "dtype")


class Rule(NamedTuple):
    """What one argument must be."""

    kind: Any  # axes, a NamedTuple class, or a function of name and value
    optional: bool = False  # None is allowed
    data: bool = False  # NaN is refused
    start: bool = False  # NaN is refused unless the parameters hold NaN or infinity


def data(axes: str) -> Rule:
    """Declare an array in which NaN cannot be meant."""
    return Rule(axes, data=True)


def start(kind: Any) -> Rule:
    """Declare the state before the first step: None for zeros, NaN only if the parameters have diverged."""
    return Rule(kind, optional=True, start=True)


def optional(kind: Any) -> Rule:
    """Declare an argument that may be None."""
    return Rule(kind, optional=True)


class Nothing(NamedTuple):
    """What None has for a shape and a dtype."""

    shape: None = None
    dtype: None = None


NOTHING = Nothing()


class Arguments:
    """A declaration of arguments: called with them, it raises ValueError for the first that does not fit.

    ::

        check_step = Arguments(params=Params, x="N D", h_prev="N H", activation=check_activation)

    An argument is declared by

    - its axes, ``"T N D"``: a floating array.  A letter has one size throughout, and ``"4H"`` is 4 times H;
    - a NamedTuple class whose fields declare their axes, ``W_xh: Annotated[Array, "D H"]``;
    - a function of its name and value, such as `check_size`;
    - one of these in `data`, `start` or `optional`.

    All arrays must have one precision.  Arguments left out at the end are not checked.  A call returns
    what the functions return: None, one value, or a tuple of several.
    """

    def __init__(self, sizes: Mapping[str, int] | None = None, /, **rules: Any) -> None:
        self.sizes = sizes or {}
        self.rules = {name: rule if isinstance(rule, Rule) else Rule(rule) for name, rule in rules.items()}
        self.kinds: list[Any] = []  # of the arguments that have a shape; None for the others
        self.others: list[tuple[int, str, Rule]] = []  # the arguments whose values matter as well
        for place, (name, rule) in enumerate(self.rules.items()):
            shaped = isinstance(rule.kind, (str, type))
            self.kinds.append((np.ndarray if isinstance(rule.kind, str) else rule.kind) if shaped else None)
            if isinstance(rule.kind, type):
                axes_of(rule.kind)  # now, so that a first call is no slower and holds no more memory than the next
            if rule.data or rule.start or not shaped:
                self.others.append((place, name, rule))
        self.fitting: set[Any] = set()  # descriptions of arguments that fit

    def __call__(self, *values: Any) -> Any:
        """Raise ValueError unless the arguments fit; return what the functions among the rules return."""
        # Fast path: whether shapes fit depends on classes, shapes and dtypes alone, and the same ones come often.
        arrays: list[Any] = []
        value: Any
        for kind, value in zip(self.kinds, values, strict=False):
            if kind is np.ndarray:
                arrays.append(NOTHING if value is None else value)
            elif value.__class__ is kind:
                arrays += value
            elif kind is not None:
                arrays.append(NOTHING if value is None else None)
        try:
            descriptions = list(map(description_of, arrays))
            description = tuple(descriptions)  # of a list: Python hoards tuples that are made from an iterator
            known = description in self.fitting
        except (AttributeError, TypeError):  # something is no array
            description, known = (), False
        if not known:
            self._check_shapes(values)
            if len(self.fitting) == REMEMBERED:
                self.fitting.clear()
            self.fitting.add(description)
        found = []
        for place, name, rule in self.others:
            if place >= len(values):
                break
            value = values[place]
            if value is None and rule.optional:
                continue
            if rule.data:
                check_no_nan(name, value)
            elif rule.start:
                check_start(name, value, values[0])
            elif (result := rule.kind(name, value)) is not None:
                found.append(result)
        return tuple(found) if len(found) > 1 else found[0] if found else None

    def _check_shapes(self, values: Sequence[Any]) -> None:
        """Raise ValueError unless kinds, shapes and dtypes fit."""
        sizes, arrays = dict(self.sizes), {}
        for (name, rule), value in zip(self.rules.items(), values, strict=False):
            if value is None and rule.optional:
                continue
            if isinstance(rule.kind, str):
                _check_and_bind(name, value, rule.kind, sizes)
                arrays[name] = value
            elif isinstance(rule.kind, type):
                check_kind(name, value, rule.kind)
                for field, axes in axes_of(rule.kind).items():
                    array = getattr(value, field)
                    _check_and_bind(f"{name}.{field}", array, axes, sizes)
                    arrays[f"{name}.{field}"] = array
        check_precision(**arrays)


@cache
def axes_of(kind: type) -> dict[str, str]:
    """Return the axes that the fields of a NamedTuple class declare, those such as ``"D 4H"`` last.

    What 4H is can be said only once ``"H 4H"`` has been seen.
    """
    hints = get_type_hints(kind, include_extras=True)
    axes = {field: hint.__metadata__[0] for field, hint in hints.items() if hasattr(hint, "__metadata__")}
    return dict(sorted(axes.items(), key=lambda item: not _letters_of_multiples(item[1]) <= set(_words(item[1]))))


def _letters_of_multiples(axes: str) -> set[str]:
    return {word[1:] for word in _words(axes) if word[0].isdigit() and word[1:]}


def _check_and_bind(name: str, value: object, axes: str, sizes: dict[str, int]) -> None:
    """Raise ValueError unless the array has these axes; add its sizes to those that are known."""
    words = _words(axes)
    for _ in range(2):  # twice: a letter may occur twice, or be the letter of a multiple
        for word in words:
            if word.isdigit():
                sizes[word] = int(word)
            elif word[0].isdigit() and word[1:] in sizes:
                sizes[word] = int(word[0]) * sizes[word[1:]]
        array = check_array(name, value, axes, sizes)
        for word, size in zip(words, array.shape, strict=True):
            if not word[0].isdigit():
                sizes.setdefault(word, size)


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
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc" and value.ndim == len(words) and is_plain(value):
        for word, size in zip(words, value.shape, strict=True):
            if size != known.get(word, size) or (size < 1 and word not in known):
                break
        else:
            return value
    expected = _shape_text(words, known)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} must be a NumPy array of shape {expected}, got {type(value).__name__}")
    check_plain(name, value)
    if value.dtype.kind not in "fc":
        found = f"{name} of shape {value.shape} has dtype {value.dtype}"
        raise ValueError(f"{found}, expected a floating one; shape {expected}")
    least = ", every size at least 1" if 0 in value.shape else ""
    raise ValueError(f"{name} has shape {value.shape}, expected {expected}{least}")


def is_plain(value: Array) -> bool:
    """Say whether an array is neither an ``np.matrix`` nor a masked array."""
    if type(value) is np.ndarray:
        return True
    names = {kind.__name__ for kind in type(value).__mro__ if kind.__module__.startswith("numpy")}
    return not names & {"matrix", "MaskedArray"}


def check_plain(name: str, value: object) -> None:
    """Raise ValueError if `value` is an ``np.matrix`` or a masked array."""
    if not isinstance(value, np.ndarray) or is_plain(value):
        return
    if hasattr(value, "mask"):
        raise ValueError(
            f"{name} of shape {value.shape} is a masked array, expected a plain NumPy array: the mask would be lost. "
            f"Fill it first, with {name}.filled(0.0) say, and let a mask argument, where there is one, say what counts"
        )
    raise ValueError(
        f"{name} of shape {value.shape} is an np.matrix, expected a plain NumPy array: in a matrix * is the matrix "
        f"product. np.asarray({name}) is one"
    )


def check_numbers(name: str, value: object, out: object = None) -> None:
    """Raise ValueError unless `value` is a floating array of any shape, or a plain number, that fits into `out`."""
    if type(value) is np.ndarray and value.dtype.kind in "fc" and (out is None or out is value):
        return  # fast path: activations call this at every step
    plain = isinstance(value, (int, float, complex)) and not isinstance(value, bool)
    if not plain and not (isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"):
        raise ValueError(f"{name} has {kind_of(value)}, expected a floating NumPy array")
    check_plain(name, value)
    if isinstance(value, int) and abs(value) >= 2**31:  # its square would not fit into NumPy's integers
        raise ValueError(f"{name} is a whole number of {value.bit_length()} bits, expected a float or a floating array")
    if out is not None and out is not value:
        check_out(name, value, out)


def check_out(name: str, value: Any, out: object) -> None:
    """Raise ValueError unless `out` is an array that a function of the entries of `value` can be written into."""
    kinds = "c" if np.iscomplexobj(value) else "fc"
    if not isinstance(out, np.ndarray) or out.shape != np.shape(value) or out.dtype.kind not in kinds:
        kind = "complex" if kinds == "c" else "floating"
        raise ValueError(
            f"out has {kind_of(out)}, expected a {kind} NumPy array of the shape {np.shape(value)} of {name}"
        )
    check_plain("out", out)
    if not out.flags.writeable:
        raise ValueError(f"out of shape {out.shape} is read-only, expected an array that can be written into")


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
    rows = len(value) if value.size <= 2**16 else max(1, 2**16 * len(value) // value.size)
    for start in range(0, len(value), rows or 1):  # in pieces: a memory map need not fit into memory
        missing = np.isnan(value[start : start + rows])
        if missing.any():
            first, *others = (int(i) for i in np.argwhere(missing)[0])
            where = [start + first, *others]
            raise ValueError(f"{name} of shape {value.shape} holds NaN, first at {where}; expected numbers")


def check_real(name: str, value: Array) -> None:
    """Raise ValueError if the array is complex."""
    if value.dtype.kind == "c":
        raise ValueError(f"{name} of shape {value.shape} has dtype {value.dtype}, expected a real one")


def check_solvable(name: str, value: Array) -> None:
    """Raise ValueError unless an array is one for NumPy's linear algebra: real, finite, and in a precision it has."""
    if value.dtype.kind != "f" or value.dtype.itemsize not in (4, 8) or not np.isfinite(value).all():
        found = f"{name} of shape {value.shape} and dtype {value.dtype}"
        raise ValueError(f"{found} must hold finite real numbers, in float32 or float64")


def check_start(name: str, state: Any, params: Any) -> None:
    """Raise ValueError if a state holds NaN while all parameters are finite, so no training can have diverged."""
    for place, array in named_arrays(state, name):
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fc" or not np.isnan(array).any():
            continue
        if all(np.isfinite(weights).all() for _, weights in named_arrays(params)):
            check_no_nan(place, array)


def check_size(name: str, value: object) -> int:
    """Return `value` as an int if it is a whole number of at least 1 that an axis can have, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {shown(value)}")
    if value > maxsize:
        raise ValueError(f"{name} must be at most {maxsize}, got {shown(value)}")
    return int(value)


def check_fits(**sizes: object) -> tuple[int, ...]:
    """Return sizes as ints if an array of double precision that has them fits into an address space."""
    whole = tuple(check_size(name, size) for name, size in sizes.items())
    if 8 * prod(whole) > LARGEST:
        found = ", ".join(f"{name} = {size}" for name, size in zip(sizes, whole, strict=True))
        raise ValueError(f"{found}: an array of these sizes is larger than any memory, expected smaller ones")
    return whole


def is_real(value: object) -> bool:
    """Say whether `value` is one real number, and neither NaN, infinite nor too large for a float."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # a whole number beyond the floats
        return False


def check_positive(name: str, value: object) -> float:
    """Return `value` if it is a finite real number above 0, else raise ValueError."""
    if not is_real(value) or not value > 0:  # type: ignore[operator]
        raise ValueError(f"{name} must be a finite number above 0, got {shown(value)}")
    return float(value)  # type: ignore[arg-type]


def check_share(name: str, value: object) -> float:
    """Return `value` as a float if it is a number from 0 to below 1, else raise ValueError."""
    if not is_real(value) or not 0 <= value < 1:  # type: ignore[operator]
        raise ValueError(f"{name} must be a number from 0 to below 1, got {shown(value)}")
    return float(value)  # type: ignore[arg-type]


def check_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the NumPy dtype if it is a real floating one, else raise ValueError."""
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except Exception:  # NumPy raises several kinds of error for what is no dtype
        raise ValueError(f"dtype must be a real floating one such as numpy.float32, got {shown(dtype)}") from None
    if dtype is None or found.kind != "f" or found.shape:
        raise ValueError(f"dtype must be a real floating one such as numpy.float32, got {shown(dtype)}")
    return found


def check_callable(name: str, value: object) -> None:
    """Raise ValueError unless `value` can be called."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {type(value).__name__}")


def check_flag(name: str, value: object) -> None:
    """Raise ValueError unless `value` is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {shown(value)}")


def check_has(name: str, value: object, *functions: str) -> None:
    """Raise ValueError unless `value` (a module or the like) has these functions."""
    for function in functions:
        if not callable(getattr(value, function, None)):
            found = getattr(value, "__name__", type(value).__name__)
            raise ValueError(f"{name} must have the function {function}, as the module rnn has; {found} has none")


def check_kind(name: str, value: object, kind: type) -> None:
    """Raise ValueError unless `value` is of this NamedTuple class."""
    if not isinstance(value, kind):
        fields = ", ".join(getattr(kind, "_fields", ()))
        raise ValueError(f"{name} must be {name_of(kind)}({fields}), got {name_of(type(value))}")


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
        raise ValueError(f"mask has {kind_of(mask)}, expected a bool array of shape (T, N) = ({T}, {N})")
    check_plain("mask", mask)
    if not mask.any():
        raise ValueError(f"mask of shape {mask.shape} keeps no step, expected at least one True")
    return mask


def name_of(kind: type) -> str:
    """Return the name of a class with that of its module, such as ``rnn.Params``."""
    module = kind.__module__.rsplit(".", 1)[-1]
    return kind.__name__ if module in ("builtins", "numpy") else f"{module}.{kind.__name__}"


def kind_of(value: object) -> str:
    """Describe an array by its shape and dtype, anything else by its type."""
    if isinstance(value, np.ndarray):
        return f"shape {value.shape} and dtype {value.dtype}"
    return type(value).__name__


def shown(value: object) -> str:
    """Write a value as Python does, in at most 80 characters."""
    try:
        written = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return f"{type(value).__name__} of {int(value).bit_length()} bits" if isinstance(value, int) else kind_of(value)
    return written if len(written) <= 80 else f"{written[:77]}..."


@cache
def _words(axes: str) -> tuple[str, ...]:
    return tuple(axes.split())


def _shape_text(words: Sequence[str], sizes: Mapping[str, int]) -> str:
    letters = "(" + ", ".join(words) + ("," if len(words) == 1 else "") + ")"
    known = {word: sizes[word] for word in words if word in sizes and not word.isdigit()}
    if not known:
        return letters
    return letters + " with " + ", ".join(f"{word} = {size}" for word, size in known.items())
