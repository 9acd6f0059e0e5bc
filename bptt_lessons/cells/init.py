"""Starts: how a weight matrix is drawn before training."""

from __future__ import annotations

from typing import Any

import numpy as np

from bptt_lessons.arguments import (
    Array,
    check_array,
    check_dtype,
    check_fits,
    check_positive,
    check_rng,
    check_size,
    check_solvable,
    is_real,
    shown,
)


def uniform(rng: np.random.Generator, rows: int, columns: int, bound: float, dtype: Any = np.float64) -> Array:
    """Draw a (rows, columns) matrix, uniform in [-bound, bound)."""
    check_rng(rng)
    shape = check_fits(rows=rows, columns=columns)
    limit = check_positive("bound", bound)
    return rng.uniform(-limit, limit, shape).astype(check_dtype(dtype))


def orthogonal(rng: np.random.Generator, H: int, gain: float = 1.0, dtype: Any = np.float64) -> Array:
    """Draw an (H, H) orthogonal matrix, all of them equally likely, times `gain`.

    An orthogonal matrix changes no length, so all its singular values are 1, and the
    absolute values of all its eigenvalues too.

    Parameters
    ----------
    rng : numpy.random.Generator
    H : int
        At least 1.
    gain : float, optional
        What all singular values of the result are.
    dtype : real floating dtype

    Returns
    -------
    array (H, H)
        The Q of the QR factorisation of a matrix of standard normals, each column with
        the sign that makes R's diagonal positive.  Without these signs Q is orthogonal
        too, but some matrices are then likelier than others (Mezzadri 2007).
    """
    check_orthogonal(rng, H, gain, dtype)
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    W: Array = gain * Q * np.sign(np.diag(R))
    return W.astype(dtype)


def identity(H: int, gain: float = 1.0, dtype: Any = np.float64) -> Array:
    """Return `gain` times the (H, H) identity: with ReLU the IRNN of Le, Jaitly and Hinton (2015)."""
    return check_positive("gain", gain) * np.eye(check_fits(H=H, columns=H)[0], dtype=check_dtype(dtype))


def scaled_to_radius(W: Array, radius: float) -> Array:
    """Return W (H, H) times the number that makes its spectral radius `radius`.

    Raises
    ------
    ValueError
        If `W` is no square real matrix of numbers, its spectral radius is 0, or `radius` is not positive.
    """
    check_square("W", W)
    own = np.abs(np.linalg.eigvals(W)).max()
    if own == 0:
        raise ValueError(f"W has shape {W.shape} and spectral radius 0, expected one above 0 to be scaled")
    scaled: Array = W * (check_positive("radius", radius) / own)
    return scaled.astype(W.dtype)


def non_normal(rng: np.random.Generator, H: int, radius: float, shear: float) -> Array:
    """Draw an (H, H) matrix whose eigenvalues all have the size `radius`, sheared by `shear`.

    It is Q (radius · B + shear · U) Qᵀ: B rotates planes, U holds normals with variance
    1/H above B's blocks, Q is orthogonal (a real Schur form).  With shear 0 it is
    orthogonal times `radius`.  The larger the shear, the further its singular values
    move from the radius, while the eigenvalues stay where they are.

    Parameters
    ----------
    rng : numpy.random.Generator
    H : int
        At least 2.
    radius : float
        Above 0.
    shear : float
        At least 0.
    """
    check_rng(rng)
    H, _ = check_fits(H=H, columns=H)
    if H < 2:
        raise ValueError(f"H must be at least 2 for a matrix that is not normal, got {H}")
    check_positive("radius", radius)
    if not is_real(shear) or shear < 0:
        raise ValueError(f"shear must be a finite number of at least 0, got {shown(shear)}")
    pairs = H // 2
    angle = np.pi * (np.arange(pairs) + rng.uniform(0.25, 0.75, pairs)) / pairs  # spread over the half circle
    blocks = np.eye(H)
    even = 2 * np.arange(pairs)
    blocks[even, even] = blocks[even + 1, even + 1] = np.cos(angle)
    blocks[even, even + 1], blocks[even + 1, even] = np.sin(angle), -np.sin(angle)
    above = np.triu(rng.normal(size=(H, H)) / np.sqrt(H), 1)
    above[even, even + 1] = 0
    Q = orthogonal(rng, H)
    W: Array = Q @ (radius * blocks + shear * above) @ Q.T
    return W


def check_square(name: str, W: Array) -> None:
    """Raise ValueError unless `W` is a real (H, H) matrix without NaN or infinity."""
    check_array(name, W, "H H")
    if W.shape[0] != W.shape[1]:
        raise ValueError(f"{name} has shape {W.shape}, expected (H, H)")
    check_solvable(name, W)


def check_orthogonal(rng: object, H: object, gain: object, dtype: Any) -> None:
    """Raise ValueError unless `orthogonal` can take these."""
    check_rng(rng)
    check_size("H", H)
    check_positive("gain", gain)
    check_dtype(dtype)
