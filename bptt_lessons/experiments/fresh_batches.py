"""Training on fresh batches: every update sees sequences never seen before, until an exam is passed.

What long-range experiments have in common: one or several contenders, the same task, the
same budget of updates, and the same sequences for an exam.  All of it runs in float32.
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
from bptt_lessons.experiments.stream_training import LossPair
from bptt_lessons.training import loop, optim, readout

Draw = Callable[[np.random.Generator], Any]  # a task's batch: x, target, mask, and what an exam may need beyond them


class Contender(NamedTuple):
    """A cell and how its parameters are drawn."""

    cell: Any
    start: Callable[[np.random.Generator, int, int], Any]  # start(rng, D, H) -> the cell's Params, float64


def plain_start(rng: np.random.Generator, D: int, H: int, gain: float | None = 1.0) -> rnn.Params:
    """Draw a plain cell whose W_hh is orthogonal times `gain`, or the identity if that is None; biases are zero."""
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


class Outcome(NamedTuple):
    """What came of a training."""

    model: loop.Model
    passed: int | None  # update after which the exam was first passed, None if it never was
    marks: list[float]  # of every exam, in order


def until_passed(
    contender: Contender,
    draw: Draw,
    marked: Callable[[Any, loop.Model], float],
    pair: LossPair,
    *,
    seed: int,
    H: int,
    K: int,
    lr: float,
    updates: int,
    every: int,
    below: float,
    max_norm: float = 1.0,
) -> Outcome:
    """Train with Adam and clipping until the exam's mark is below a limit, or for all updates.

    Parameters
    ----------
    contender : Contender
    draw : callable
        ``draw(rng)``: a batch whose first three fields are x, target, mask.
    marked : callable
        ``marked(cell, model)``: the mark, the lower the better.
    pair : a loss and its gradient
    seed : int
        Of the start and of the batches.
    H, K : int
        Hidden units and outputs.
    lr : float
        Of Adam.
    updates, every : int
        At most so many updates, and an exam after every so many.
    below : float
        The exam is passed with a mark below this.
    max_norm : float, optional
        Length that gradients are clipped to, over all parameters.

    Returns
    -------
    Outcome
    """
    rng = np.random.default_rng([seed, 0])
    batches = np.random.default_rng([seed, 1])  # of their own, so that all contenders see the same
    cell, D = contender.cell, draw(np.random.default_rng(0)).x.shape[2]
    model = single(loop.Model(contender.start(rng, D, H), readout.init(rng, H, K)))
    memory, marks = optim.adam_start(model), []
    for done in range(1, updates + 1):
        x, target, mask = single(draw(batches))[:3]
        _, grads = loop.loss_and_gradient(cell, model, x, target, mask, *pair)
        model, memory = optim.adam(model, optim.clip_by_global_norm(grads, max_norm), memory, lr)
        if done % every == 0 or done == updates:
            marks.append(marked(cell, model))
            if marks[-1] < below:
                return Outcome(model, done, marks)
    return Outcome(model, None, marks)


def single(tree: Any) -> Any:
    """Return a NamedTuple, nested or not, with all its real arrays in float32."""
    if isinstance(tree, tuple):
        return type(tree)(*map(single, tree))
    return tree.astype(np.float32) if isinstance(tree, np.ndarray) and tree.dtype.kind == "f" else tree


def mean_loss(pair: LossPair, exam: Any) -> Callable[[Any, loop.Model], float]:
    """Return the mark that is a loss on one batch, kept for this."""
    x, target, mask = single(exam)[:3]

    def marked(cell: Any, model: loop.Model) -> float:
        return float(pair[0](loop.predict(cell, model, x), target, mask))

    return marked


def error_rate(exam: Any) -> Callable[[Any, loop.Model], float]:
    """Return the mark that is the share of sequences whose last answer is wrong."""
    x, target = single(exam)[:2]

    def marked(cell: Any, model: loop.Model) -> float:
        said: Array = loop.predict(cell, model, x)[-1].argmax(axis=1)
        return float(np.mean(said != target[-1]))

    return marked
