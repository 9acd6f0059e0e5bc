"""Bias of truncation against its length, and how fast it decays (Aicher, Foti and Fox 2019)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import Array
from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.cells.init import orthogonal
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.gradients import tbptt
from bptt_lessons.training import losses, readout


def run(seed: int, *, gains: tuple[float, ...], lengths: tuple[int, ...], T: int, N: int, H: int) -> Values:
    """Compare truncated gradients with the full one, on untrained tanh nets with orthogonal weights.

    Inputs and targets are standard normal, the loss is the mean squared error at every step;
    W_xh is uniform in ±1/√H, biases are zero, the state starts at zero.

    Parameters
    ----------
    seed : int
    gains : tuple of float
        Singular values of W_hh.
    lengths : tuple of int
        k of windows with a carried state, and of a sliding horizon (k1 = 1, k2 = k).
    T, N, H : int
        T² · H² numbers are held at once: the gradient is split into its parts once, and every truncation
        is a mask on them.

    Returns
    -------
    dict
        For each gain and way: the error ‖truncated - full‖ / ‖full‖ over all of the cell's parameters
        and the cosine, both as lists over `lengths`; the rate at which the sliding error falls with each
        step, from a straight line through its logarithm; how often the windows' error rises from one length
        to the next.
    """
    values: Values = {}
    for gain in gains:
        parts = parts_of_gradient(np.random.default_rng(seed), gain, T, N, H)
        full = flat(tbptt.summed(parts, np.ones((T, T))))
        error: dict[str, list[float]] = {"windows": [], "sliding": []}
        cosine: dict[str, list[float]] = {"windows": [], "sliding": []}
        for k in lengths:
            for way, kept in {
                "windows": tbptt.kept_by_windows(T, k),
                "sliding": tbptt.kept_by_sliding(T, 1, k),
            }.items():
                cut = flat(tbptt.summed(parts, kept))
                error[way].append(float(np.linalg.norm(cut - full) / np.linalg.norm(full)))
                cosine[way].append(float(cut @ full / np.linalg.norm(cut) / np.linalg.norm(full)))
        for way in error:
            values[f"error, {way}, gain {gain:g}"] = error[way]
            values[f"cosine, {way}, gain {gain:g}"] = cosine[way]
        values[f"rate, sliding, gain {gain:g}"] = decay_rate(lengths, error["sliding"])
        values[f"rises, windows, gain {gain:g}"] = rises(error["windows"])
        values[f"rises, sliding, gain {gain:g}"] = rises(error["sliding"])
    return values


def parts_of_gradient(rng: np.random.Generator, gain: float, T: int, N: int, H: int) -> Any:
    """Return the contributions [t, s] of a net's gradient, drawn as `run` says."""
    params = rnn.init(rng, 1, H)._replace(W_hh=orthogonal(rng, H, gain), b_h=np.zeros(H))
    out = readout.init(rng, H, 1)
    x, target = rng.normal(size=(2, T, N, 1))
    h, _, caches = unrolled.forward(rnn, params, x, rnn.zero_state(params, N))
    _, dh = readout.backward(out, h, losses.mse_gradient(readout.forward(out, h), target))
    return tbptt.contributions(rnn, params, caches, dh)


def flat(grads: Any) -> Array:
    """Return all entries of a gradient in one row."""
    return np.concatenate([array.ravel() for _, array in nested.named_arrays(grads)])


def decay_rate(lengths: tuple[int, ...], errors: list[float]) -> float:
    """Return r of the best c · r^k through errors above 1e-12: below that is rounding.

    Raises
    ------
    ValueError
        If fewer than two errors are.
    """
    seen = [(k, e) for k, e in zip(lengths, errors, strict=True) if e > 1e-12]
    if len(seen) < 2:
        raise ValueError(f"lengths {lengths} leave {len(seen)} errors above 1e-12, expected at least two to fit a rate")
    slope = np.polyfit([k for k, _ in seen], np.log([e for _, e in seen]), 1)[0]
    return float(np.exp(slope))


def rises(errors: list[float]) -> int:
    """Count how often an error is larger than the one before it; below 1e-12 is rounding."""
    return sum(b > a for a, b in pairwise(errors) if b > 1e-12)


LENGTHS = tuple(range(1, 41))

EXPERIMENT = Experiment(
    name="truncation_bias",
    question="How does the bias of a truncated gradient fall with the length of the truncation?",
    run=run,
    seeds=tuple(range(12)),
    full={"gains": (0.8, 0.9, 1.0), "lengths": LENGTHS, "T": 120, "N": 4, "H": 16},
    lesson={"gains": (0.9,), "lengths": LENGTHS, "T": 120, "N": 4, "H": 16},
    published={
        f"rate, sliding, gain {gain}": "geometric, if the gradients decay so (Aicher et al. 2019); by lesson 03 "
        f"they decay at least as {gain} to the power of the lag"
        for gain in ("0.8", "0.9")
    },
    note="A relative error divides the terms left out by the full gradient, which is one number for each net and "
    "changes no rate.",
)
