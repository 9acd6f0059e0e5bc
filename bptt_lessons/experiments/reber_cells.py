"""The embedded Reber grammar: sequences until every legal symbol is predicted, the one fixed long before too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bptt_lessons.experiments.fresh_batches import CONTENDERS, Task, single, train_until_passed
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY
from bptt_lessons.tasks import reber
from bptt_lessons.training import loop


def run(seed: int, *, units: dict[str, int], N: int, lr: float, updates: int, every: int, exam: int) -> Values:
    """Train every cell on the same strings, until a whole exam is predicted or the updates run out.

    Parameters
    ----------
    seed : int
    units : dict
        How many units each cell has, by its name.
    N : int
        Strings in a batch, drawn afresh for every update.
    lr : float
        Of Adam; gradients are clipped to length 1.
    updates, every, exam : int
        At most so many updates; after every so many, an exam of so many fresh strings.

    Returns
    -------
    dict
        For each cell: whether in some exam all strings were predicted at every step, which means that the one or two
        legal symbols have the largest outputs; how many strings it had seen by then (None for never); and the share
        of strings at the last exam that failed at any step, and at the step before the last T or P, which takes
        memory of the second symbol.
    """
    strings = reber.sequences(np.random.default_rng([seed, 2]), exam)
    values: Values = {}
    task = Task(
        draw=lambda rng: reber.sequences(rng, N),
        mark=not_foreseen(strings),
        losses=CROSS_ENTROPY,
        K=len(reber.SYMBOLS),
        below=1 / (2 * exam),  # no string may fail
    )
    for name, H in units.items():
        end = train_until_passed(CONTENDERS[name], task, seed=seed, H=H, lr=lr, updates=updates, every=every)
        wrong = wrong_steps(CONTENDERS[name].cell, end.model, strings)
        values |= {
            f"solved, {name}": end.passed is not None,
            f"strings until solved, {name}": None if end.passed is None else N * end.passed,
            f"not foreseen at the end, {name}": end.marks[-1],
            f"last T or P not foreseen, {name}": float(np.mean(wrong[steps_that_need_memory(strings)])),
            f"all not foreseen, {name}": end.marks,
        }
    return values


def wrong_steps(cell: Any, model: loop.Model, strings: reber.Batch) -> np.ndarray:
    """Return where an illegal symbol has a larger output than a legal one, (T, N) bool."""
    y = loop.predict(cell, model, single(strings).x)
    least_legal = np.where(strings.legal, y, np.inf).min(axis=2)
    most_illegal = np.where(strings.legal, -np.inf, y).max(axis=2)
    wrong: np.ndarray = strings.mask & (most_illegal >= least_legal)
    return wrong


def not_foreseen(strings: reber.Batch) -> Callable[[Any, loop.Model], float]:
    """Return the mark that is the share of strings with a wrong step."""
    return lambda cell, model: float(np.mean(wrong_steps(cell, model, strings).any(axis=0)))


def steps_that_need_memory(strings: reber.Batch) -> np.ndarray:
    """Return the one step of each string after which its second symbol has to come again, (T, N) bool."""
    steps = np.zeros_like(strings.mask)
    steps[strings.mask.sum(axis=0) - 2, np.arange(strings.mask.shape[1])] = True
    return steps


SETTING = {"N": 8, "lr": 0.01, "every": 50, "exam": 500}

EXPERIMENT = Experiment(
    name="reber_cells",
    question="How many strings must be read until every symbol that may come next is foreseen?",
    run=run,
    seeds=tuple(range(10)),
    full=SETTING | {"units": {"LSTM": 6, "tanh": 12}, "updates": 5000},
    lesson=SETTING | {"units": {"LSTM": 6}, "updates": 5000},
    published={
        "strings until solved, LSTM": "8,440 ... 39,740 (Hochreiter and Schmidhuber 1997; from general knowledge)",
    },
)
