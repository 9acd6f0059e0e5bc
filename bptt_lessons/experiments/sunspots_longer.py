"""Lesson 02's sunspot forecasts, trained for longer."""

from __future__ import annotations

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import rnn
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import sgd
from bptt_lessons.tasks import sunspots
from bptt_lessons.training import autoregression, loop, readout

HELD_OUT_FROM = 1914  # the years before are for training


def run(seed: int, *, updates: tuple[int, ...], H: int, T: int, lr: float) -> Values:
    """Train a net to predict the change to next month; measure its forecasts of the held-out years meanwhile.

    Parameters
    ----------
    seed : int
    updates : tuple of int
        After which, in rising order, the error is measured.
    H, T : int
        Hidden units, and months in a training window.
    lr : float
        Of plain gradient descent on all windows at once.

    Returns
    -------
    dict
        Root mean squared errors on the months from 1914 to 1983, in units of the relative sunspot number:
        of persistence and linear autoregressions, which do not depend on the seed, and of the net.
    """
    year, number = sunspots.monthly()
    first = int(np.searchsorted(year, HELD_OUT_FROM))
    values: Values = {"persistence": rmse(number[first - 1 : -1], number[first:])}
    for p in (1, 3, 24):
        weights = autoregression.fit(number[:first], p)
        values[f"linear, months used {p}"] = rmse(autoregression.predict(weights, number)[first - p :], number[first:])
    series = number / 100
    x, following = sunspots.windows(series[:first], T)
    rng = np.random.default_rng(seed)
    session, done = loop.Session(loop.Model(rnn.init(rng, 1, H), readout.init(rng, H, 1))), 0
    for until in updates:
        session = loop.fit(
            session,
            [(x, following - x)] * (until - done),
            lambda m, batch: loop.loss_and_gradient(rnn, m, *batch),
            sgd(lr),
        )
        done = until
        change = loop.predict(rnn, session.model, series[:-1, None, None])[:, 0, 0]
        values[f"net, {done} updates"] = rmse(100 * (series[:-1] + change)[first - 1 :], number[first:])
    return values


def rmse(forecasts: Array, observed: Array) -> float:
    """Return the root mean squared error."""
    return float(np.sqrt(np.mean((forecasts - observed) ** 2)))


EXPERIMENT = Experiment(
    name="sunspots_longer",
    question="Does lesson 02's network pass the linear baselines if it is trained for longer?",
    run=run,
    seeds=tuple(range(6)),
    full={"updates": (700, 3500, 10_000), "H": 16, "T": 48, "lr": 0.2},
    lesson={"updates": (700,), "H": 16, "T": 48, "lr": 0.2},
    published={},
    note="Units, window and learning rate were chosen for lesson 02 with an eye on the held-out years, which flatters "
    "the network; the longer trainings were not chosen from, all of them are here.",
)
