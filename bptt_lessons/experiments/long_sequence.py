"""A hundred thousand steps in bounded memory: bytes, seconds, and a few updates that learn."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.cells.init import orthogonal
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY
from bptt_lessons.gradients import bptt, checkpointing, memory
from bptt_lessons.tasks import delayed_echo
from bptt_lessons.training import loop, optim, readout


def run(seed: int, *, T: int, H: int, slots: int, lag: int, updates: int, lr: float) -> Values:
    """Backpropagate through one sequence in three ways, and train on it in the cheap one.

    Parameters
    ----------
    seed : int
    T, H : int
        Steps and hidden units; one sequence of one input.
    slots : int
        States that the optimal schedule may hold; 0 leaves out this slow, step-by-step way.
    lag, updates, lr
        The task is the delayed echo; Adam takes so many updates, each by ``backward_sqrt`` over all T steps.

    Returns
    -------
    dict
        Megabytes (10^6 bytes): the formula's for a tape, and those that each way allocates; processor seconds, in
        separate runs, since measuring memory takes time; and the loss before the first update and after the last.
    """
    rng = np.random.default_rng(seed)
    data = delayed_echo.stream(rng, T, 1, lag)
    cell = rnn.init(rng, 1, H)._replace(W_hh=orthogonal(rng, H, 0.9), b_h=np.zeros(H))
    model = loop.Model(cell, readout.init(rng, H, 2))
    loss = readout.loss_by_window(model.readout, data.target, data.mask, *CROSS_ENTROPY)
    state0 = rnn.zero_state(cell, 1)
    ways: dict[str, Callable[[], bptt.Gradient]] = {
        "full": partial(bptt.full_gradient, rnn, cell, data.x, state0, loss),
        "every √T-th state": partial(checkpointing.backward_sqrt, rnn, cell, data.x, state0, loss),
    }
    values: Values = {"MB, formula for a tape": checkpointing.tape_bytes(T, 1, 1, H) / 1e6}
    if slots:
        ways[f"{slots} slots"] = lambda: checkpointing.backward(
            rnn, cell, data.x, state0, loss, checkpointing.schedule(T, slots)
        )
        values[f"forward steps for each step, {slots} slots"] = checkpointing.closed_form(T, slots) / T
    for way, gradient in ways.items():
        start = time.process_time()
        gradient()
        values[f"seconds, {way}"] = time.process_time() - start
        values[f"MB, {way}"] = memory.peak_bytes(gradient).bytes / 1e6
    adam, history = optim.adam_start(model), []
    for _ in range(updates + 1):
        loss = readout.loss_by_window(model.readout, data.target, data.mask, *CROSS_ENTROPY)
        found = checkpointing.backward_sqrt(rnn, model.cell, data.x, state0, loss)
        history.append(float(found.loss))
        model, adam = optim.adam(model, loop.Model(found.grads, found.extra), adam, lr)
    return values | {"loss at first": history[0], f"loss after {updates} updates": history[-1]}


EXPERIMENT = Experiment(
    name="long_sequence",
    question="What does BPTT through a very long sequence cost, with everything kept and with little?",
    run=run,
    seeds=(0,),
    full={"T": 100_000, "H": 64, "slots": 50, "lag": 2, "updates": 10, "lr": 0.01},
    lesson={"T": 10_000, "H": 64, "slots": 0, "lag": 2, "updates": 10, "lr": 0.01},
    published={},
    note="Seconds are those of the processor, one thread. The schedule goes step by step through the cell, "
    "the other two use its fast loops.",
)
