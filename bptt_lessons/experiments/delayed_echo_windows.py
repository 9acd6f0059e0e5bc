"""Delayed echo in windows: what a window one step too short makes a net unlearn."""

from __future__ import annotations

from functools import partial

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.cells.init import orthogonal
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY, train_on_stream
from bptt_lessons.nested import zeros_like
from bptt_lessons.tasks import delayed_echo
from bptt_lessons.training import loop, optim, readout
from bptt_lessons.training.loop import Update


def run(
    seed: int,
    *,
    lag: int,
    windows: tuple[int, ...],
    readout_only: tuple[int, ...],
    steps: int,
    N: int,
    H: int,
    gain: float,
    lr: float,
) -> Values:
    """Train one tanh net for each window length, all from one start on one stream, once through it.

    Parameters
    ----------
    seed : int
    lag : int
        The bit to repeat came so many steps earlier.
    windows : tuple of int
        Steps in a window; the state is carried.  A window of ``lag + 1`` holds both the bit and its echo.
    readout_only : tuple of int
        Windows in which the recurrent weights stay as they were drawn.
    steps, N : int
        Length of the stream and how many run side by side; the longer the window, the fewer updates.
    H : int
        Hidden units; W_hh starts orthogonal times `gain`, biases at zero.
    lr : float
        Of Adam.

    Returns
    -------
    dict
        For each window length the share of right answers on 20,000 fresh bits (½ is guessing).
    """
    data = delayed_echo.stream(np.random.default_rng([seed, 0]), steps, N, lag)
    exam = delayed_echo.stream(np.random.default_rng([seed, 1]), 1000 + lag, 20, lag)
    values: Values = {}
    whole_model: Update = partial(optim.adam, lr=lr)
    ways = {f"windows of {k}": (k, whole_model) for k in windows}
    ways |= {f"windows of {k}, readout only": (k, readout_only_update(whole_model)) for k in readout_only}
    for way, (k, update) in ways.items():
        rng = np.random.default_rng([seed, 2])
        cell = rnn.init(rng, 1, H)._replace(W_hh=orthogonal(rng, H, gain), b_h=np.zeros(H))
        model = loop.Model(cell, readout.init(rng, H, 2))
        model, _ = train_on_stream(model, optim.adam_start(model), update, *data, k, CROSS_ENTROPY)
        answer = loop.predict(rnn, model, exam.x).argmax(axis=2)
        values[f"right, {way}"] = float(np.mean((answer == exam.target)[exam.mask]))
    return values


def readout_only_update(update: Update) -> Update:
    """Return the update with the cell left as it is."""
    return lambda model, grads, memory: update(model, grads._replace(cell=zeros_like(grads.cell)), memory)


SETTING = {"lag": 10, "readout_only": (10,), "N": 32, "H": 32, "gain": 0.9, "lr": 3e-3}

EXPERIMENT = Experiment(
    name="delayed_echo_windows",
    question="A bit must be said again ten steps later: how long must the windows be, the state being carried?",
    run=run,
    seeds=tuple(range(7)),
    full=SETTING | {"windows": (8, 10, 11, 20), "steps": 60_000},
    lesson=SETTING | {"windows": (10, 11), "steps": 20_000},
    published={},
)
