"""Temporal order with and without clipping (Pascanu, Mikolov and Bengio 2013)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.cells.init import orthogonal
from bptt_lessons.experiments.fresh_batches import error_rate
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY
from bptt_lessons.tasks import temporal_order
from bptt_lessons.training import loop, optim, readout

SOLVED = 0.01  # error on fresh sequences below which the task counts as solved


def run(
    seed: int, *, H: int, T: int, N: int, lr: float, gain: float, updates: int, max_norm: float, every: int
) -> Values:
    """Train one tanh net with clipping and one without, from the same start, by full BPTT and plain descent.

    Parameters
    ----------
    seed : int
    H, T, N : int
        Hidden units, steps, sequences in a batch; each batch is drawn afresh.
    lr : float
    gain : float
        W_hh starts orthogonal times this; biases at zero.
    updates : int
    max_norm : float
        Length that gradients are clipped to, over all parameters.
    every : int
        After every so many updates the error on 1,000 fresh sequences is measured.

    Returns
    -------
    dict
        With and without: the update after which the error was first seen below 1 % (None for never), whether
        there was one, whether it was still so after the last update, the error then, and the longest gradient.
    """
    mark = error_rate(temporal_order.sequences(np.random.default_rng([seed, 1]), T, 1000))
    values: Values = {}
    for name, limit in {"clipped": max_norm, "plain": None}.items():
        rng = np.random.default_rng([seed, 0])
        cell = rnn.init(rng, 6, H)._replace(W_hh=orthogonal(rng, H, gain), b_h=np.zeros(H))
        model = loop.Model(cell, readout.init(rng, H, 4))
        error, first, longest = 1.0, None, 0.0
        for done in range(1, updates + 1):
            batch = temporal_order.sequences(rng, T, N)
            _, grads = loop.loss_and_gradient(rnn, model, *batch, *CROSS_ENTROPY)
            longest = max(longest, optim.global_norm(grads))
            model = optim.sgd(model, grads if limit is None else optim.clip_by_global_norm(grads, limit), lr)
            if done % every == 0 or done == updates:
                error = mark(rnn, model)
                first = done if first is None and error < SOLVED else first
        values[f"solved, {name}"] = first is not None
        values[f"solved at update, {name}"] = first
        values[f"still solved at the end, {name}"] = error < SOLVED
        values[f"error at the end, {name}"] = error
        values[f"longest gradient, {name}"] = longest
    return values


SETTING = {"H": 50, "T": 50, "N": 20, "lr": 0.1, "gain": 1.0, "updates": 1500, "max_norm": 1.0, "every": 50}

EXPERIMENT = Experiment(
    name="temporal_order_clipping",
    question="Does plain gradient descent learn which of two signals came first, clipped and unclipped?",
    run=run,
    seeds=tuple(range(10)),
    full=SETTING,
    lesson=SETTING | {"updates": 500},
    published={
        "solved, clipped": "clipping lets far more runs succeed (Pascanu et al. 2013; from general knowledge)",
    },
)
