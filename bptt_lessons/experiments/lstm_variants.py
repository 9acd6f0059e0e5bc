"""Variants of the LSTM that differ in one line, and the GRU, on one task: which line matters (Greff et al. 2017)."""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.experiments.fresh_batches import CONTENDERS, mean_loss, until_passed
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import MSE
from bptt_lessons.tasks import adding

SOLVED = 0.01  # mean squared error on fresh sequences; who always says 1 has 1/6


def run(
    seed: int, *, cells: tuple[str, ...], T: int, N: int, H: int, lr: float, updates: int, every: int, exam: int
) -> Values:
    """Train every variant on the same sequences of the adding problem, until solved or the updates run out.

    Parameters
    ----------
    seed : int
    cells : tuple of str
        Of ``fresh_batches.CONTENDERS``.
    T, N, H : int
        Steps, sequences in a batch (each batch drawn afresh), and units.
    lr : float
        Of Adam; gradients are clipped to length 1.
    updates, every, exam : int
        At most so many updates; after every so many, an exam of so many fresh sequences.

    Returns
    -------
    dict
        For each variant: whether the mean squared error of an exam was below 0.01, after which update first
        (None for never), the error of the last exam, and of all of them.
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
            H=H,
            K=1,
            lr=lr,
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


SETTING = {"T": 50, "N": 32, "H": 32, "lr": 0.01, "every": 25, "exam": 256}
LSTMS = ("LSTM", "LSTM, forget bias 0", "LSTM, coupled gates", "LSTM, peepholes")

EXPERIMENT = Experiment(
    name="lstm_variants",
    question="Which change of one line in the LSTM matters when two of fifty numbers are to be added?",
    run=run,
    seeds=tuple(range(5)),
    full=SETTING | {"cells": (*LSTMS, "GRU", "GRU, reset first"), "updates": 1500},
    lesson=SETTING | {"cells": ("LSTM", "GRU"), "updates": 800},
    published={
        "solved at update, LSTM, coupled gates": "little changed elsewhere (Greff et al. 2017; from general knowledge)",
        "solved at update, LSTM, peepholes": "little changed elsewhere (Greff et al. 2017; from general knowledge)",
    },
)
