"""The forget gate's bias at the start, and the adding problem (Gers et al. 2000; Jozefowicz et al. 2015)."""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.cells import lstm
from bptt_lessons.experiments.fresh_batches import Contender, mean_loss, until_passed
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import MSE
from bptt_lessons.tasks import adding

SOLVED = 0.01  # mean squared error on fresh sequences; who always says 1 has 1/6


def run(
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
    """Train one LSTM for each forget bias, all else the same, until the sum is right or the updates run out.

    Parameters
    ----------
    seed : int
    biases : tuple of float
        Of the forget gate at the start, the same for all units.
    T, N, H : int
        Steps, sequences in a batch (each batch drawn afresh), and units.
    lr : float
        Of Adam; gradients are clipped to length 1.
    updates, every, exam : int
        At most so many updates; after every so many, an exam of so many fresh sequences.

    Returns
    -------
    dict
        For each bias: whether the mean squared error of an exam was below 0.01, after which update first
        (None for never), the error of the last exam, and of all of them.
    """
    marked = mean_loss(MSE, adding.sequences(np.random.default_rng([seed, 2]), T, exam))
    values: Values = {}
    for bias in biases:
        end = until_passed(
            Contender(lstm, partial(lstm.init, forget_bias=bias)),
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
            f"solved, bias {bias:g}": end.passed is not None,
            f"solved at update, bias {bias:g}": end.passed,
            f"error at the end, bias {bias:g}": end.marks[-1],
            f"errors, bias {bias:g}": end.marks,
        }
    return values


SETTING = {"T": 100, "N": 32, "H": 32, "lr": 0.01, "updates": 1500, "every": 50, "exam": 256}

EXPERIMENT = Experiment(
    name="forget_bias_adding",
    question="How soon does an LSTM learn to add two of a hundred numbers, by its forget bias at the start?",
    run=run,
    seeds=tuple(range(5)),
    full=SETTING | {"biases": (-2.0, 0.0, 1.0, 3.0)},
    lesson=SETTING | {"biases": (-2.0, 1.0), "T": 50, "updates": 800},
    published={},
)
