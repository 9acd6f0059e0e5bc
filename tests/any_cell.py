"""All cells and variants, and problems for them: one forward and one backward pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from bptt_lessons import nested
from bptt_lessons.cells import gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole, rnn, unrolled

VARIANTS = (lstm_coupled, lstm_peephole, gru_reset_first)


def name_of(cell: Any) -> str:
    """Return the last part of a module's name."""
    return str(cell.__name__.rsplit(".", 1)[1])


fast_cells = pytest.mark.parametrize("cell", [rnn, lstm, gru], ids=name_of)
all_cells = pytest.mark.parametrize("cell", [rnn, lstm, gru, *VARIANTS], ids=name_of)


class Inputs(NamedTuple):
    """Everything with a gradient, or those gradients."""

    params: Any
    x: Any  # (T, N, D)
    state0: Any


class Problem(NamedTuple):
    """The inputs of one forward and one backward pass."""

    params: Any
    x: Any  # (T, N, D)
    state0: Any
    dh: Any  # (T, N, H)
    dstate_T: Any  # like the state


def whole(cell: Any) -> Any:
    """Return the cell with `forward` and `backward`: its own, or loops over its steps."""
    return cell if hasattr(cell, "forward") else unrolled.looped(cell)


def draw(cell: Any, seed: int, T: int, N: int, D: int, H: int, dtype: Any = np.float64) -> Problem:
    """Draw a problem, every number uniformly between -1 and 1."""
    rng = np.random.default_rng(seed)

    def fill(tree: Any) -> Any:
        return nested.map_arrays(lambda a: rng.uniform(-1, 1, a.shape).astype(dtype), tree)

    params = fill(cell.init(rng, D, H))
    state = cell.zero_state(cell.init(rng, D, H), N)
    x, dh = np.empty((T, N, D)), np.empty((T, N, H))
    return Problem(params, fill(x), fill(state), fill(dh), fill(state))


def dot(a: Any, b: Any) -> Any:
    """Return the sum of products of corresponding numbers in two structures."""
    return sum(part for _, part in nested.named_arrays(nested.map_arrays(lambda p, q: np.sum(p * q), a, b)))


def arrays_of(*trees: Any) -> list[Any]:
    """Return all arrays of several structures; lists of caches may be among them."""
    found: list[Any] = []
    for tree in trees:
        if isinstance(tree, list):
            found += arrays_of(*tree)
        else:
            found += [array for _, array in nested.named_arrays(tree)]
    return found


def frozen(tree: Any) -> Any:
    """Forbid writing into any array of a structure, and return it."""
    for array in arrays_of(tree):
        array.setflags(write=False)
    return tree
