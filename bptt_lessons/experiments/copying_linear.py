"""Copying, and the recurrent matrix that it needs (Henaff, Szlam and LeCun 2016)."""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.experiments.fresh_batches import (
    CONTENDERS,
    Task,
    mean_loss,
    outcome_values,
    single,
    train_until_passed,
)
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY
from bptt_lessons.tasks import copying

SOLVED = 0.05  # share of the baseline
UNITS = {name: 64 if name == "LSTM" else 128 for name in CONTENDERS}


def run(seed: int, *, rates: dict[str, float], gap: int, N: int, updates: int, every: int, exam: int) -> Values:
    """Train every cell on the same sequences, until the loss is small or the updates run out.

    Parameters
    ----------
    seed : int
    rates : dict
        Adam's learning rate for each cell, by its name; `UNITS` says how many units it has.
    gap : int
        Steps from the message's last symbol to the signal to repeat it; a sequence has gap + 20 steps.
    N : int
        Sequences in a batch, drawn afresh for every update; gradients are clipped to length 1.
    updates, every, exam : int
        At most so many updates; after every so many, an exam of so many fresh sequences.

    Returns
    -------
    dict
        For each cell: whether an exam's cross-entropy was below 5 % of the baseline (the timing right and the
        message forgotten), after which update first (None for never), and the last exam's
        multiple of the baseline, and every exam's.
    """
    baseline = copying.baseline(gap)
    loss = mean_loss(CROSS_ENTROPY, single(copying.sequences(np.random.default_rng([seed, 2]), gap, exam)))
    task = Task(
        draw=partial(copying.sequences, gap=gap, N=N),
        mark=lambda cell, model: loss(cell, model) / baseline,
        losses=CROSS_ENTROPY,
        K=copying.SYMBOLS + 1,
        below=SOLVED,
    )
    values: Values = {}
    for name, lr in rates.items():
        outcome = train_until_passed(
            CONTENDERS[name], task, seed=seed, H=UNITS[name], lr=lr, updates=updates, every=every
        )
        values |= outcome_values(name, outcome, "times the baseline", "all times")
    return values


SETTING = {"gap": 100, "N": 20, "every": 25, "exam": 100}
LINEAR = {"linear, orthogonal": 0.0005, "linear, orthogonal × 0.9": 0.0005}

EXPERIMENT = Experiment(
    name="copying_linear",
    question="Who can say ten symbols again after a hundred steps of nothing, within one budget of updates?",
    run=run,
    seeds=tuple(range(3)),
    full=SETTING | {"rates": LINEAR | {"linear, identity": 0.0005, "tanh": 0.0005, "LSTM": 0.005}, "updates": 1000},
    lesson=SETTING | {"rates": LINEAR, "gap": 50, "updates": 800},
    published={
        "solved, linear, orthogonal": "yes (Henaff et al. 2016; from general knowledge)",
        "solved, linear, identity": "no (Henaff et al. 2016; from general knowledge)",
    },
)
