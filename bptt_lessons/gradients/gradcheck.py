"""Gradient checks: the same gradient by another method.

Central differences know nothing of the chain rule and lose a third of the digits or
more; the complex step loses none, as long as the function is built of analytic
operations, and branches, if it has any, look at the real part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import Array, check_callable, check_plain, check_positive, kind_of

Tree = TypeVar("Tree")


def relative_error(a: Array, b: Array) -> float:
    """max|a - b| / max(max|a|, max|b|), one number for a whole array; 0 if both are all zero.

    Where either holds a NaN or an infinity the error is NaN, which is below no tolerance.
    """
    a, b = check_comparable("a", a), check_comparable("b", b)
    if a.shape != b.shape:
        raise ValueError(f"b has shape {b.shape}, expected that of a, {a.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")
    scale = max(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
    return float(np.max(np.abs(a - b), initial=0) / scale) if scale else 0.0


def worst_error(a: Any, b: Any) -> tuple[str, float]:
    """Return the name and relative error of the array in which two NamedTuples differ most."""
    nested.check_alike(a=a, b=b)
    errors = nested.named_arrays(nested.map_arrays(relative_error, a, b))
    return max(errors, key=lambda error: np.inf if np.isnan(error[1]) else error[1])


def central_difference(f: Callable[[Array], Any], w: Array, eps: float = 1e-5) -> Array:
    """Gradient of a scalar function by central differences, one entry at a time.

    Parameters
    ----------
    f : callable
        Takes an array like `w`, returns a number.
    w : array, any shape
        Where the gradient is wanted.  It is not written into.
    eps : float
        Step size.  The error falls as eps² until rounding, which grows as 1/eps, takes over.

    Returns
    -------
    array, the shape of `w`
    """
    f = check_point(f, w, eps)
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


def complex_step(f: Callable[[Array], Any], w: Array, eps: float = 1e-30) -> Array:
    """Gradient of a scalar function by the complex step, exact to rounding.

    f(w + i eps) = f(w) + i eps f'(w) + O(eps²): the imaginary part holds the
    derivative, nothing is subtracted, so eps can be so small that its square vanishes
    (Squire and Trapp 1998).

    Parameters
    ----------
    f : callable
        Takes a complex array like `w`, returns a complex number.
    w : array, any shape
        Where the gradient is wanted.  It is not written into.
    eps : float
        Step size.

    Returns
    -------
    array, the shape of `w`
    """
    f = check_point(f, w, eps)
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w_complex = w.astype(np.result_type(w, 1j))  # complex, with the precision of w
        w_complex[i] += 1j * eps
        gradient[i] = np.imag(f(w_complex)) / eps
    return gradient


def by_field(method: Callable[..., Array], f: Callable[[Tree], Any], params: Tree) -> Tree:
    """Gradient of f(params) for nested NamedTuples, each array by `method` in turn.

    Parameters
    ----------
    method : callable
        `central_difference` or `complex_step`.
    f : callable
        Takes something like `params`, returns a number.
    params : nested NamedTuple of arrays

    Returns
    -------
    the type of `params`
    """
    check_callable("method", method)
    check_callable("f", f)
    nested.check_alike(params=params)
    for place, array in nested.named_arrays(params, "params"):
        check_differentiable(place, array)
    arrays = [array for _, array in nested.named_arrays(params)]
    gradients = []
    for k, array in enumerate(arrays):

        def of_one(replaced: Array, k: int = k) -> Any:
            queue = iter([*arrays[:k], replaced, *arrays[k + 1 :]])
            return f(nested.map_arrays(lambda _: next(queue), params))

        gradients.append(method(of_one, array))
    results = iter(gradients)
    return nested.map_arrays(lambda _: next(results), params)


def check_comparable(name: str, value: Any) -> Array:
    """Return `value` as an array of real or complex floating numbers (float64 if it is of whole ones)."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be an array of numbers, got rows of unequal lengths") from None
    check_plain(name, value)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{name} has dtype {array.dtype} and shape {array.shape}, expected numbers")
    return array if array.dtype.kind in "fc" else array.astype(float)


def check_point(f: Callable[[Array], Any], w: Array, eps: float) -> Callable[[Array], Any]:
    """Return `f`, wrapped so that it must return one number, or raise ValueError if an argument does not fit."""
    check_callable("f", f)
    check_differentiable("w", w)
    check_positive("eps", eps)

    def of_one_number(at: Array) -> Any:
        value = f(at)
        if not isinstance(value, (int, float, complex, np.number)) and not _is_number(value):
            raise ValueError(f"f must return one number, got {kind_of(value)}")
        return value

    return of_one_number


def check_differentiable(name: str, w: Any) -> None:
    """Raise ValueError unless `w` is a real floating array."""
    if not isinstance(w, np.ndarray) or w.dtype.kind != "f":
        raise ValueError(f"{name} has {kind_of(w)}, expected a real floating NumPy array of any shape")
    check_plain(name, w)


def _is_number(value: Any) -> bool:
    """Say whether `value` is an array of one number and no axis."""
    return isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "biufc"
