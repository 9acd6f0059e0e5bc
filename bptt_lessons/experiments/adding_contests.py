"""The adding problem, cell against cell: who learns to add two marked numbers within a number of updates.

Three experiments: plain cells and gated ones, the forget gate's bias at the start (Gers et al. 2000;
Jozefowicz et al. 2015), and variants of the LSTM that differ in one line (Greff et al. 2017).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.cells import lstm
from bptt_lessons.experiments.fresh_batches import (
    CONTENDERS,
    Contender,
    Task,
    mean_loss,
    outcome_values,
    single,
    train_until_passed,
)
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import MSE
from bptt_lessons.tasks import adding

SOLVED = 0.01  # mean squared error on fresh sequences; always answering 1 gives 1/6
UNITS = {"tanh": 32, "IRNN": 100, "ReLU, orthogonal": 100, "GRU": 32, "LSTM": 32}
RATES = {"tanh": 0.001, "IRNN": 0.001, "ReLU, orthogonal": 0.001, "GRU": 0.01, "LSTM": 0.01}


def adding_task(seed: int, T: int, N: int, exam: int) -> Task:
    """Return the adding problem with T steps, N sequences in a batch, and an exam of so many sequences."""
    mark = mean_loss(MSE, single(adding.sequences(np.random.default_rng([seed, 2]), T, exam)))
    return Task(partial(adding.sequences, T=T, N=N), mark, MSE, K=1, below=SOLVED)


def run_cells(seed: int, *, cells: tuple[str, ...], T: int, N: int, updates: int, every: int, exam: int) -> Values:
    """Train every cell on the same sequences, until the sum is right or the updates run out.

    Parameters
    ----------
    seed : int
    cells : tuple of str
        Names in `UNITS` and `RATES`, which hold each one's hidden units and learning rate.
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
    task = adding_task(seed, T, N, exam)
    values: Values = {}
    for name in cells:
        outcome = train_until_passed(
            CONTENDERS[name], task, seed=seed, H=UNITS[name], lr=RATES[name], updates=updates, every=every
        )
        values |= outcome_values(name, outcome)
    return values


def run_forget_biases(
    seed: int,
    *,
    biases: tuple[float, ...],
    T: int,
    N: int,
    H: int,
    lr: float,
    updates: int,
    every: int,
    exam: int,
) -> Values:
    """Train one LSTM for each bias of the forget gate at the start; see `run_cells`."""
    task = adding_task(seed, T, N, exam)
    values: Values = {}
    for bias in biases:
        contender = Contender(lstm, partial(lstm.init, forget_bias=bias))
        outcome = train_until_passed(contender, task, seed=seed, H=H, lr=lr, updates=updates, every=every)
        values |= outcome_values(f"bias {bias:g}", outcome)
    return values


def run_variants(
    seed: int, *, cells: tuple[str, ...], T: int, N: int, H: int, lr: float, updates: int, every: int, exam: int
) -> Values:
    """Train every variant with the same number of units and learning rate; see `run_cells`."""
    task = adding_task(seed, T, N, exam)
    values: Values = {}
    for name in cells:
        outcome = train_until_passed(CONTENDERS[name], task, seed=seed, H=H, lr=lr, updates=updates, every=every)
        values |= outcome_values(name, outcome)
    return values


CELLS_SETTING = {"N": 32, "every": 50, "exam": 256}

CELLS = Experiment(
    name="adding_cells",
    question="Which cells learn to add two of a hundred numbers within one budget of updates?",
    run=run_cells,
    seeds=tuple(range(3)),
    full=CELLS_SETTING | {"cells": ("tanh", "IRNN", "ReLU, orthogonal", "GRU", "LSTM"), "T": 100, "updates": 4000},
    lesson=CELLS_SETTING | {"cells": ("tanh", "LSTM"), "T": 50, "updates": 800},
    published={
        "solved at update, LSTM": "after 74,000 sequences (Hochreiter and Schmidhuber 1997; from general knowledge)",
    },
)

BIAS_SETTING = {"T": 100, "N": 32, "H": 32, "lr": 0.01, "updates": 1500, "every": 50, "exam": 256}

FORGET_BIASES = Experiment(
    name="forget_bias_adding",
    question="How soon does an LSTM learn to add two of a hundred numbers, by its forget bias at the start?",
    run=run_forget_biases,
    seeds=tuple(range(5)),
    full=BIAS_SETTING | {"biases": (-2.0, 0.0, 1.0, 3.0)},
    lesson=BIAS_SETTING | {"biases": (-2.0, 1.0), "T": 50, "updates": 800},
    published={},
)

VARIANT_SETTING = {"T": 50, "N": 32, "H": 32, "lr": 0.01, "every": 25, "exam": 256}
LSTMS = ("LSTM", "LSTM, forget bias 0", "LSTM, coupled gates", "LSTM, peepholes")

VARIANTS = Experiment(
    name="lstm_variants",
    question="Which change of one line in the LSTM matters when two of fifty numbers are to be added?",
    run=run_variants,
    seeds=tuple(range(5)),
    full=VARIANT_SETTING | {"cells": (*LSTMS, "GRU", "GRU, reset first"), "updates": 1500},
    lesson=VARIANT_SETTING | {"cells": ("LSTM", "GRU"), "updates": 800},
    published={
        "solved at update, LSTM, coupled gates": "little changed elsewhere (Greff et al. 2017; from general knowledge)",
        "solved at update, LSTM, peepholes": "little changed elsewhere (Greff et al. 2017; from general knowledge)",
    },
)
