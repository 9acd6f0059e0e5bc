"""Temporal order, cell against cell: which of two signals came first, at one budget of updates."""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.experiments.fresh_batches import (
    CONTENDERS,
    Task,
    error_rate,
    outcome_values,
    single,
    train_until_passed,
)
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY
from bptt_lessons.tasks import temporal_order

SOLVED = 0.01  # error on fresh sequences; guessing has 0.75
RATES = {"tanh": 0.001, "GRU": 0.01, "LSTM": 0.01, "LSTM, forget bias 3": 0.01}


def run(
    seed: int, *, cells: tuple[str, ...], lengths: tuple[int, ...], N: int, H: int, updates: int, every: int, exam: int
) -> Values:
    """Train every cell at every length on the same sequences, until the order is right or the updates run out.

    Parameters
    ----------
    seed : int
    cells : tuple of str
        Names in `RATES`, which holds the learning rate of each.
    lengths : tuple of int
        Steps in a sequence.
    N, H : int
        Sequences in a batch, drawn afresh for every update of Adam, and units; gradients are clipped to length 1.
    updates, every, exam : int
        At most so many updates; after every so many, an exam of so many fresh sequences.

    Returns
    -------
    dict
        For each cell and length: whether the error in an exam was below 1 %, after which update first (None for
        never), the error of the last exam, and of all of them.
    """
    values: Values = {}
    for T in lengths:
        mark = error_rate(single(temporal_order.sequences(np.random.default_rng([seed, 2]), T, exam)))
        task = Task(partial(temporal_order.sequences, T=T, N=N), mark, CROSS_ENTROPY, K=4, below=SOLVED)
        for name in cells:
            outcome = train_until_passed(
                CONTENDERS[name], task, seed=seed, H=H, lr=RATES[name], updates=updates, every=every
            )
            values |= outcome_values(f"{name}, T = {T}", outcome)
    return values


SETTING = {"N": 20, "H": 32, "every": 25, "exam": 300}

EXPERIMENT = Experiment(
    name="temporal_order_cells",
    question="Which cells learn in which order two signals came, within one budget of updates?",
    run=run,
    seeds=tuple(range(3)),
    full=SETTING | {"cells": ("tanh", "GRU", "LSTM", "LSTM, forget bias 3"), "lengths": (50, 100), "updates": 1200},
    lesson=SETTING | {"cells": ("LSTM", "LSTM, forget bias 3"), "lengths": (50,), "updates": 500},
    published={},
)
