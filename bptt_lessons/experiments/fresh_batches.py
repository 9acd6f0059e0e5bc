"""Training on fresh batches: every update sees new sequences, until an exam is passed.

The long-range experiments compare cells on one task, with the same number of updates and the
same exam.  All of it runs in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole, rnn
from bptt_lessons.cells.activations import LINEAR, RELU
from bptt_lessons.cells.init import identity, orthogonal
from bptt_lessons.cells.unrolled import looped
from bptt_lessons.experiments.recording import Values
from bptt_lessons.experiments.stream_training import LossPair
from bptt_lessons.training import loop, optim, readout

Draw = Callable[[np.random.Generator], Any]  # draws a batch: x, target, mask, and perhaps more
Mark = Callable[[Any, loop.Model], float]  # of a cell and a model; lower is better


class Contender(NamedTuple):
    """A cell and how its parameters are drawn."""

    cell: Any
    start: Callable[[np.random.Generator, int, int], Any]  # start(rng, D, H) -> the cell's Params, float64


def plain_start(rng: np.random.Generator, D: int, H: int, gain: float | None = 1.0) -> rnn.Params:
    """Draw a plain cell with W_hh orthogonal times `gain`, or the identity if that is None; biases are zero."""
    W_hh = identity(H) if gain is None else orthogonal(rng, H, gain)
    return rnn.init(rng, D, H)._replace(W_hh=W_hh, b_h=np.zeros(H))


CONTENDERS = {
    "tanh": Contender(rnn, plain_start),
    "IRNN": Contender(rnn.with_activation(RELU), partial(plain_start, gain=None)),
    "ReLU, orthogonal": Contender(rnn.with_activation(RELU), plain_start),
    "linear, orthogonal": Contender(rnn.with_activation(LINEAR), plain_start),
    "linear, orthogonal × 0.9": Contender(rnn.with_activation(LINEAR), partial(plain_start, gain=0.9)),
    "linear, identity": Contender(rnn.with_activation(LINEAR), partial(plain_start, gain=None)),
    "LSTM": Contender(lstm, lstm.init),
    "LSTM, forget bias 0": Contender(lstm, partial(lstm.init, forget_bias=0.0)),
    "LSTM, forget bias 3": Contender(lstm, partial(lstm.init, forget_bias=3.0)),
    "LSTM, coupled gates": Contender(looped(lstm_coupled), lstm_coupled.init),
    "LSTM, peepholes": Contender(looped(lstm_peephole), lstm_peephole.init),
    "GRU": Contender(gru, gru.init),
    "GRU, reset first": Contender(looped(gru_reset_first), gru_reset_first.init),
}


class Task(NamedTuple):
    """What every contender is trained on, and the exam that it has to pass."""

    draw: Draw
    mark: Mark
    losses: LossPair
    K: int  # outputs
    below: float  # the exam is passed with a mark below this


class Outcome(NamedTuple):
    """The result of a training."""

    model: loop.Model
    passed: int | None  # update after which the exam was first passed, None if it never was
    marks: list[float]  # of every exam, in order


def train_until_passed(
    contender: Contender,
    task: Task,
    *,
    seed: int,
    H: int,
    lr: float,
    updates: int,
    every: int,
    max_norm: float = 1.0,
) -> Outcome:
    """Train with Adam and clipping until the exam is passed, or for all updates.

    Parameters
    ----------
    contender : Contender
    task : Task
    seed : int
        For the parameters at the start and for the batches.
    H : int
        Hidden units.
    lr : float
        Adam's learning rate.
    updates, every : int
        At most so many updates, and an exam after every so many.
    max_norm : float, optional
        Length that gradients are clipped to, over all parameters.
    """
    rng = np.random.default_rng([seed, 0])
    batches = np.random.default_rng([seed, 1])  # a generator of its own: all contenders see the same batches
    cell, D = contender.cell, task.draw(np.random.default_rng(0)).x.shape[2]
    model = single(loop.Model(contender.start(rng, D, H), readout.init(rng, H, task.K)))
    memory, marks = optim.adam_start(model), []
    for done in range(1, updates + 1):
        x, target, mask = single(task.draw(batches))[:3]
        _, grads = loop.loss_and_gradient(cell, model, x, target, mask, *task.losses)
        model, memory = optim.adam(model, optim.clip_by_global_norm(grads, max_norm), memory, lr)
        if done % every == 0 or done == updates:
            marks.append(task.mark(cell, model))
            if marks[-1] < task.below:
                return Outcome(model, done, marks)
    return Outcome(model, None, marks)


def outcome_values(label: str, outcome: Outcome, last: str = "error at the end", each: str = "errors") -> Values:
    """Return what is recorded of one training: whether and when it passed, the last mark and all of them."""
    return {
        f"solved, {label}": outcome.passed is not None,
        f"solved at update, {label}": outcome.passed,
        f"{last}, {label}": outcome.marks[-1],
        f"{each}, {label}": outcome.marks,
    }


def single(tree: Any) -> Any:
    """Return a NamedTuple, nested or not, with all its real arrays in float32."""
    if isinstance(tree, tuple):
        return type(tree)(*map(single, tree))
    return tree.astype(np.float32) if isinstance(tree, np.ndarray) and tree.dtype.kind == "f" else tree


def mean_loss(losses: LossPair, exam: Any) -> Mark:
    """Return the mark that is the loss on one batch, the exam."""
    x, target, mask = exam[:3]

    def mark(cell: Any, model: loop.Model) -> float:
        return float(losses[0](loop.predict(cell, model, x), target, mask))

    return mark


def error_rate(exam: Any) -> Mark:
    """Return the mark that is the share of sequences whose last answer is wrong."""
    x, target = exam[:2]

    def mark(cell: Any, model: loop.Model) -> float:
        answer: Array = loop.predict(cell, model, x)[-1].argmax(axis=1)
        return float(np.mean(answer != target[-1]))

    return mark
