"""Gain against gradient: what is left of it after a hundred steps of a tanh net with orthogonal weights."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.cells.init import orthogonal
from bptt_lessons.experiments.recording import Experiment, Values


def run(seed: int, *, gains: tuple[float, ...], inputs: tuple[float, ...], H: int, T: int) -> Values:
    """Measure ‖dL/dh_0‖ / ‖dL/dh_T‖ of a loss at the last step, its gradient of random direction.

    Parameters
    ----------
    seed : int
    gains : tuple of float
        The value of all singular values of W_hh.
    inputs : tuple of float
        Standard deviations of the one normal input.  How far it saturates the units matters
        as much as the gain.
    H, T : int
        Hidden units, whose W_xh is uniform in ±1/√H and biases zero; steps, from a zero state.
    """
    values: Values = {}
    for scale in inputs:
        for gain in gains:
            rng = np.random.default_rng(seed)  # the same net, input and direction, but for gain and scale
            params = rnn.init(rng, 1, H)._replace(W_hh=orthogonal(rng, H, gain), b_h=np.zeros(H))
            h, _, tape = rnn.forward(params, scale * rng.normal(size=(T, 1, 1)))
            dh_T = rng.normal(size=(1, H))
            _, _, dh_0 = rnn.backward(params, tape, np.zeros_like(h), dh_T)
            ratio = float(np.linalg.norm(dh_0) / np.linalg.norm(dh_T))
            values[f"gain {gain:g}, input {scale:g}"] = ratio
    return values


EXPERIMENT = Experiment(
    name="orthogonal_gain",
    question="By how much does a gradient grow or shrink over 100 steps of tanh, orthogonal weights times a gain?",
    run=run,
    seeds=tuple(range(20)),
    full={"gains": (0.95, 1.0, 1.05, 1.5), "inputs": (1.0, 0.1), "H": 50, "T": 100},
    lesson={"gains": (0.95, 1.0, 1.05, 1.5), "inputs": (1.0, 0.1), "H": 50, "T": 100},
    published={
        "gain 1.05, input 1": "may stay below 1: σ_max > 1/γ is necessary for exploding, not sufficient "
        "(Pascanu et al. 2013)",
    },
)
