"""Influence balancing: which truncations find the optimum (Tallec and Ollivier 2017)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.tasks.influence_balancing import A, U

OPTIMUM = -1 / 6


def run(seed: int, *, windows: tuple[int, ...], mean_length: int, steps: int, lr: float, theta_0: float) -> Values:
    """Train θ along one long run of the net, truncated in several ways and untruncated.

    The state starts at 1 and is carried.  θ is updated at the end of every window, with the gradient
    of the sum of the window's losses and the step lr / √k at the k-th update.

    Parameters
    ----------
    seed : int
        Draws the cuts of randomised truncation; the other ways draw nothing.
    windows : tuple of int
        Lengths of windows with a carried state.
    mean_length : int
        Of the randomised windows: each step ends a window with probability 1 / mean_length.
        The untruncated gradient is used every so many steps, and at every step.
    steps : int
        Of the net.
    lr, theta_0 : float

    Returns
    -------
    dict
        For each way the last θ, and whether it is within 0.01 of -1/6.  Also, computed exactly,
        the shortest window whose gradient has the right sign, for its last loss alone and for all its losses.
    """
    cut = 1 / mean_length
    random = np.random.default_rng(seed).geometric(cut, steps)
    whole = estimates(steps, 0.0)
    ways = {f"windows of {k}": follow([k] * (steps // k), estimates(k, 0.0), True, lr, theta_0) for k in windows}
    lengths = random[: np.searchsorted(random.cumsum(), steps)].tolist()
    ways[f"randomised, mean length {mean_length}"] = follow(lengths, estimates(max(lengths), cut), True, lr, theta_0)
    for k in (mean_length, 1):
        ways[f"untruncated, every {k}"] = follow([k] * (steps // k), whole, False, lr, theta_0)
    alone, summed = shortest_right(500)
    values: Values = {f"θ, {way}": float(theta[-1]) for way, theta in ways.items()}
    values |= {f"arrived, {way}": bool(abs(theta[-1] - OPTIMUM) < 0.01) for way, theta in ways.items()}
    return values | {"shortest right window, last loss": alone, "shortest right window, all losses": summed}


def estimates(steps: int, cut: float) -> Array:
    """Return a window's estimate of dh[first]/dθ at each step: Σ (A^i u)[first] / (1 - cut)^i.

    The sum is over the i steps from the window's start.  The net is linear, so these numbers do not
    depend on the state: a window's gradient is Σ (h[first] - 1) times this.
    """
    pushed, terms = U, []
    for _ in range(min(steps, 1000)):  # A^1000 u is below 1e-200
        terms.append(pushed[0])
        pushed = A @ pushed / (1 - cut)
    return np.pad(np.cumsum(terms), (0, max(steps - 1000, 0)), mode="edge")


def follow(lengths: Iterable[int], seen: Array, restart: bool, lr: float, theta_0: float) -> Array:
    """Return θ before the first and after every update.

    Parameters
    ----------
    lengths : iterable of int
        Steps of each window.
    seen : array
        From `seen_from`.
    restart : bool
        Whether each window starts at the beginning of `seen` (truncation) or continues in it.
    lr, theta_0 : float
    """
    theta, h, step = [theta_0], np.ones(len(U)), 0
    for k, length in enumerate(lengths, start=1):
        push, gradient = theta[-1] * U, 0.0
        step = 0 if restart else step
        for weight in seen[step : step + length].tolist():
            h = A @ h + push
            gradient += (h[0] - 1) * weight
        step += length
        theta.append(theta[-1] - lr / k**0.5 * gradient)
    return np.array(theta)


def shortest_right(longest: int) -> tuple[int, int]:
    """Return the shortest windows from which the gradient has the right sign, up to `longest`.

    The first is for the loss at a window's last step alone, the second for the sum of all its losses, with
    h[first] the same throughout.
    """
    seen = estimates(longest, 0.0)
    return 1 + int(np.argmax(seen < 0)), 1 + int(np.argmax(np.cumsum(seen) < 0))


SETTING = {"windows": (10, 50, 100, 200), "mean_length": 16, "steps": 100_000, "lr": 1e-4, "theta_0": 0.5}

EXPERIMENT = Experiment(
    name="influence_balancing_truncated",
    question="Where does θ go, whose optimum is -1/6, when its influence is truncated?",
    run=run,
    seeds=tuple(range(6)),
    full=SETTING,
    lesson=SETTING,
    published={
        "arrived, windows of 10": "no (Tallec and Ollivier 2017; from general knowledge, as all here)",
        "arrived, windows of 100": "no (the same)",
        "arrived, windows of 200": "yes (the same)",
        "arrived, randomised, mean length 16": "yes (the same)",
    },
    note="Only the randomised way depends on the seed.",
)
