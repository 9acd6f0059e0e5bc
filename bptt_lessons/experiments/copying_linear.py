"""Copying, and the recurrent matrix that it wants (Henaff, Szlam and LeCun 2016)."""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.experiments.fresh_batches import CONTENDERS, mean_loss, until_passed
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY
from bptt_lessons.tasks import copying

SOLVED = 0.05  # share of the baseline
UNITS = {name: 64 if name == "LSTM" else 128 for name in CONTENDERS}


def run(
    seed: int, *, cells: tuple[str, ...], gap: int, N: int, lr: float, updates: int, every: int, exam: int
) -> Values:
    """Train every cell on the same sequences, until hardly anything is lost or the updates run out.

    Parameters
    ----------
    seed : int
    cells : tuple of str
        Of `UNITS`, which says how many units each has.
    gap : int
        Steps from the message's last symbol to the sign; a sequence has gap + 20 steps.
    N : int
        Sequences in a batch, drawn afresh for every update.
    lr : float
        Of Adam; gradients are clipped to length 1.
    updates, every, exam : int
        At most so many updates; after every so many, an exam of so many fresh sequences.

    Returns
    -------
    dict
        For each cell: whether an exam's cross-entropy was below 5 % of the baseline (the timing right and the
        message forgotten), after which update first (None for never), and by what it was multiplied at the last
        exam, and at all of them.
    """
    forgotten = copying.baseline(gap)
    loss = mean_loss(CROSS_ENTROPY, copying.sequences(np.random.default_rng([seed, 2]), gap, exam))
    values: Values = {}
    for name in cells:
        end = until_passed(
            CONTENDERS[name],
            partial(copying.sequences, gap=gap, N=N),
            lambda cell, model: loss(cell, model) / forgotten,
            CROSS_ENTROPY,
            seed=seed,
            H=UNITS[name],
            K=copying.SYMBOLS + 1,
            lr=lr,
            updates=updates,
            every=every,
            below=SOLVED,
        )
        values |= {
            f"solved, {name}": end.passed is not None,
            f"solved at update, {name}": end.passed,
            f"times the baseline, {name}": end.marks[-1],
            f"all times, {name}": end.marks,
        }
    return values


SETTING = {"gap": 100, "N": 20, "lr": 0.0005, "every": 25, "exam": 100}

EXPERIMENT = Experiment(
    name="copying_linear",
    question="Who can say ten symbols again after a hundred steps of nothing, within one budget of updates?",
    run=run,
    seeds=tuple(range(3)),
    full=SETTING
    | {
        "cells": ("linear, orthogonal", "linear, orthogonal × 0.9", "linear, identity", "tanh", "LSTM"),
        "updates": 1000,
    },
    lesson=SETTING | {"cells": ("linear, orthogonal", "linear, orthogonal × 0.9"), "gap": 50, "updates": 800},
    published={
        "solved, linear, orthogonal": "yes (Henaff et al. 2016; general knowledge)",
        "solved, linear, identity": "no (Henaff et al. 2016; general knowledge)",
    },
)
