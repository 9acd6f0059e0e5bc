"""What the units of a language model know: one unit against a weighted sum of all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_array
from bptt_lessons.cells import lstm
from bptt_lessons.experiments import language_model
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.tasks import text
from bptt_lessons.training.loop import Model


class Agreement(NamedTuple):
    """How well a fact can be read off the units: chosen on the first half of a text, measured on the second."""

    unit: int  # whose correlation with the fact is largest in size
    alone: float  # its correlation, between -1 and 1
    together: float  # that of the best weighted sum of all units (least squares)
    weights: Array  # (H,), of that sum


def agreement(units: Array, fact: Array) -> Agreement:
    """Return how well a fact can be read off one unit, and off all of them.

    Parameters
    ----------
    units : array (L, H)
        A value for every character and unit, such as an LSTM's c.
    fact : array (L,)
        1.0 where it holds and 0.0 where not.

    Raises
    ------
    ValueError
        If a shape or dtype does not fit.
    """
    check_array("units", units, "L H")
    check_array("fact", fact, "L", {"L": len(units)})
    first, second = slice(0, len(fact) // 2), slice(len(fact) // 2, None)
    on_first = [correlation(unit, fact[first]) for unit in units[first].T]
    best = int(np.argmax(np.abs(on_first)))
    weights = np.linalg.lstsq(centred(units[first]), centred(fact[first]), rcond=None)[0]
    alone, together = correlation(units[second, best], fact[second]), correlation(units[second] @ weights, fact[second])
    return Agreement(best, alone, together, weights)


def centred(values: Array) -> Array:
    """Return values minus their mean."""
    return np.asarray(values - values.mean(axis=0))


def correlation(a: Array, b: Array) -> float:
    """Return the correlation of two rows of numbers; 0 where one of them does not vary."""
    a, b = centred(a), centred(b)
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0


def inside(characters: str) -> dict[str, Array]:
    """Return for every character whether it is inside round brackets, and whether inside double quotes."""
    read = np.array(list(characters))
    depth = np.cumsum((read == "(").astype(int) - (read == ")").astype(int))
    return {
        "in brackets": (depth > np.minimum.accumulate(depth)).astype(float),
        "in quotes": np.cumsum(read == '"') % 2.0,  # one mark too many would invert the rest
    }


def run(seed: int, *, H: int, N: int, k: int, lr: float, updates: int) -> Values:
    """Train a language model as ``language_model`` does, and look for brackets and quotation marks in its c.

    Parameters
    ----------
    seed : int
    H, N, k, lr, updates
        See ``language_model.run``.

    Returns
    -------
    dict
        For each fact, for the untrained network and the trained one: the size of the best unit's correlation,
        and the correlation of the weighted sum of all units.
    """
    found = language_model.data(N)
    session = language_model.start(seed, len(found.alphabet), H)
    advance = language_model.next_window(found.training, k, language_model.decaying(lr, updates))
    facts = inside(text.python_manual().held_out[:-1])
    values = read_off(session.model, found.held_out, facts, ", untrained")
    while len(session.losses) < updates:
        session = advance(session)
    return values | read_off(session.model, found.held_out, facts)


def read_off(model: Model, symbols: Array, facts: dict[str, Array], label: str = "") -> Values:
    """Return, for each fact, the size of the best unit's correlation and that of all units."""
    c = cell_states(model, symbols)
    values: Values = {}
    for name, fact in facts.items():
        seen = agreement(c, fact)
        values[f"{name}, best unit{label}"] = abs(seen.alone)
        values[f"{name}, all units{label}"] = seen.together
    return values


def cell_states(model: Model, symbols: Array, k: int = 1000) -> Array:
    """Let an LSTM read symbols (L,), k at a time to keep the tape short; return c after all but the last."""
    one_hot = np.eye(len(model.readout.b_y), dtype=model.readout.W_hy.dtype)
    c, state, read = [], None, symbols[:-1]
    for start in range(0, len(read), k):
        _, state, tape = lstm.forward(model.cell, one_hot[read[start : start + k, None]], state)
        c.append((tape.f * tape.c_prev + tape.i * tape.g)[:, 0])
    return np.concatenate(c).astype(float)


SETTING = {name: language_model.EXPERIMENT.full[name] for name in ("H", "N", "k", "lr", "updates")}

EXPERIMENT = Experiment(
    name="units_that_know",
    question="Does one unit of a language model know whether it is inside brackets, or inside quotation marks?",
    run=run,
    seeds=tuple(range(5)),
    full=SETTING,
    lesson=SETTING,
    published={"in quotes, best unit": "such units are found and shown (Karpathy et al. 2015; from general knowledge)"},
    note="Correlations, of 0 to 1 in size, on the second half of the held-out text.",
)
