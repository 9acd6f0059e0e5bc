"""Adding, cell against cell: who learns to add two marked numbers within one budget of updates."""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.experiments.fresh_batches import CONTENDERS, mean_loss, until_passed
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import MSE
from bptt_lessons.tasks import adding

SOLVED = 0.01  # mean squared error on fresh sequences; who always says 1 has 1/6
UNITS = {"tanh": 32, "IRNN": 100, "ReLU, orthogonal": 100, "GRU": 32, "LSTM": 32}
RATES = {"tanh": 0.001, "IRNN": 0.001, "ReLU, orthogonal": 0.001, "GRU": 0.01, "LSTM": 0.01}


def run(seed: int, *, cells: tuple[str, ...], T: int, N: int, updates: int, every: int, exam: int) -> Values:
    """Train every cell on the same sequences, until the sum is right or the updates run out.

    Parameters
    ----------
    seed : int
    cells : tuple of str
        Of `UNITS`, which says how many units each has, as `RATES` says which learning rate.
    T, N : int
        Steps in a sequence, and sequences in a batch, drawn afresh for every update of Adam; gradients are clipped
        to length 1.
    updates, every, exam : int
        At most so many updates; after every so many, an exam of so many fresh sequences.

    Returns
    -------
    dict
        For each cell: whether the mean squared error of an exam was below 0.01, after which update
        first (None for never), the error of the last exam, and of all of them.
    """
    marked = mean_loss(MSE, adding.sequences(np.random.default_rng([seed, 2]), T, exam))
    values: Values = {}
    for name in cells:
        end = until_passed(
            CONTENDERS[name],
            partial(adding.sequences, T=T, N=N),
            marked,
            MSE,
            seed=seed,
            H=UNITS[name],
            K=1,
            lr=RATES[name],
            updates=updates,
            every=every,
            below=SOLVED,
        )
        values |= {
            f"solved, {name}": end.passed is not None,
            f"solved at update, {name}": end.passed,
            f"error at the end, {name}": end.marks[-1],
            f"errors, {name}": end.marks,
        }
    return values


SETTING = {"N": 32, "every": 50, "exam": 256}

EXPERIMENT = Experiment(
    name="adding_cells",
    question="Which cells learn to add two of a hundred numbers within one budget of updates?",
    run=run,
    seeds=tuple(range(3)),
    full=SETTING | {"cells": ("tanh", "IRNN", "ReLU, orthogonal", "GRU", "LSTM"), "T": 100, "updates": 4000},
    lesson=SETTING | {"cells": ("tanh", "LSTM"), "T": 50, "updates": 800},
    published={
        "solved at update, LSTM": "after 74,000 sequences (Hochreiter and Schmidhuber 1997; from general knowledge)",
    },
)
