"""One step at the wall: where a plain step lands, and where a clipped one does (Pascanu et al. 2013, figure 6)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.tasks import cliff
from bptt_lessons.training import optim


def run(seed: int, *, grid: int, lr: float, max_norm: float, further: int) -> Values:
    """From one of the steepest points of a grid, take plain steps and clipped ones; nothing is random.

    Parameters
    ----------
    seed : int
        Which point: 0 is the one with the largest gradient, 1 the next, and so on.
    grid : int
        Points along w, and along b, of the region that ``cliff`` names.
    lr, max_norm : float
        Both descents take steps of `lr` times the gradient, one after clipping to `max_norm`.
    further : int
        Steps after the first.
    """
    w, b = np.meshgrid(np.linspace(*cliff.W, grid), np.linspace(*cliff.B, grid))
    loss, grads = cliff.loss_and_gradient(cliff.Point(w, b))
    steepness = np.hypot(grads.w, grads.b)
    at = np.unravel_index(np.argsort(steepness, axis=None)[::-1][seed], w.shape)
    start = cliff.Point(w[at], b[at])
    values: Values = {
        "gradient over the grid's median": float(steepness[at] / np.median(steepness)),
        "loss before": float(loss[at]),
    }
    for name, limit in {"plain": None, "clipped": max_norm}.items():
        path = descend(start, lr, limit, 1 + further)
        first, last = path[1], path[-1]
        values[f"length of the first step, {name}"] = float(np.hypot(first.w - start.w, first.b - start.b))
        values[f"loss after it, {name}"] = float(cliff.loss_and_gradient(first)[0])
        values[f"loss {further} steps later, {name}"] = float(cliff.loss_and_gradient(last)[0])
        steps = [np.hypot(q.w - p.w, q.b - p.b) for p, q in pairwise(path[1:])]
        values[f"way of the {further} steps, {name}"] = float(sum(steps))
    return values


def descend(start: cliff.Point, lr: float, max_norm: float | None, steps: int) -> list[cliff.Point]:
    """Return the points of gradient descent from `start`, that one included; None does not clip."""
    path = [start]
    for _ in range(steps):
        _, grads = cliff.loss_and_gradient(path[-1])
        path.append(optim.sgd(path[-1], grads if max_norm is None else optim.clip_by_global_norm(grads, max_norm), lr))
    return path


EXPERIMENT = Experiment(
    name="cliff_step",
    question="From the steepest points of the wall, how far does one plain step go, and one clipped step?",
    run=run,
    seeds=tuple(range(10)),
    full={"grid": 200, "lr": 0.01, "max_norm": 1.0, "further": 10},
    lesson={"grid": 200, "lr": 0.01, "max_norm": 1.0, "further": 10},
    published={
        "length of the first step, plain": "far away from the wall (Pascanu et al. 2013, figure 6)",
        "length of the first step, clipped": "close to the wall (the same)",
    },
    note="A seed is a starting point here, in order of steepness; nothing is drawn.",
)
