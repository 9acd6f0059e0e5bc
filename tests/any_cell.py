"""Every cell and variant, problems for any of them (one forward and one backward pass), and a check of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from bptt_lessons import nested
from bptt_lessons.cells import gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole, rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID
from bptt_lessons.gradients import gradcheck

VARIANTS = (lstm_coupled, lstm_peephole, gru_reset_first)


def name_of(cell: Any) -> str:
    """Return the last part of a module's name."""
    return str(cell.__name__.rsplit(".", 1)[1])


RNN_SIGMOID, RNN_RELU, RNN_LINEAR = (rnn.with_activation(activation) for activation in (SIGMOID, RELU, LINEAR))
CELLS: dict[str, Any] = {name_of(cell): cell for cell in (rnn, lstm, gru, *VARIANTS)}
CELLS |= {"rnn_sigmoid": RNN_SIGMOID, "rnn_relu": RNN_RELU, "rnn_linear": RNN_LINEAR}

fast_cells = pytest.mark.parametrize("cell", [rnn, lstm, gru], ids=name_of)
all_cells = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


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
    """Draw a problem, every number uniformly between -1 and 1; no pre-activation of a ReLU is near the kink."""
    for attempt in range(1000):
        rng = np.random.default_rng([seed, attempt] if attempt else seed)
        problem = draw_once(cell, rng, T, N, D, H, dtype)
        if cell is not RNN_RELU or distance_from_kink(problem) > 1e-3:
            return problem
    raise AssertionError("every problem has a pre-activation near the kink")


def draw_once(cell: Any, rng: np.random.Generator, T: int, N: int, D: int, H: int, dtype: Any) -> Problem:
    """Draw a problem for any activation."""

    def fill(tree: Any) -> Any:
        if np.dtype(dtype).kind != "c":
            return nested.map_arrays(lambda a: rng.uniform(-1, 1, a.shape).astype(dtype), tree)
        return nested.map_arrays(
            lambda a: ((rng.uniform(-1, 1, a.shape) + 1j * rng.uniform(-1, 1, a.shape)) / 2).astype(dtype), tree
        )

    params = fill(cell.init(rng, D, H))
    state = cell.zero_state(cell.init(rng, D, H), N)
    x, dh = np.empty((T, N, D)), np.empty((T, N, H))
    return Problem(params, fill(x), fill(state), fill(dh), fill(state))


def distance_from_kink(problem: Problem) -> float:
    """Return the least |Re z| of the problem under ReLU, with a state to start from and without."""
    params, x, state0, _, _ = problem
    nearest = np.inf
    for h in (state0, np.zeros_like(state0)):
        for x_t in x:
            z = x_t @ params.W_xh + h @ params.W_hh + params.b_h
            nearest = min(nearest, float(np.abs(z.real).min()))
            h = RELU.value(z)
    return nearest


def assert_gradient(
    gradient: Any, loss: Callable[[Any], Any], point: Any, entry_by_entry: bool = False, tolerance: float = 1e-13
) -> None:
    """A gradient at `point` agrees with the complex step: along three random directions, or entry by entry.

    One directional derivative checks every entry at once: an entry that is wrong changes the sum of products.
    """
    nested.check_alike(gradient=gradient, point=point)
    if entry_by_entry:
        assert_close(gradient, gradcheck.by_field(gradcheck.complex_step, loss, point), tolerance)
    rng = np.random.default_rng(0)
    for _ in range(3):
        direction = nested.map_arrays(lambda a: rng.choice([-1, 1], a.shape) * rng.uniform(0.5, 1, a.shape), point)
        moved = nested.map_arrays(lambda a, d: a + 1e-30j * d, point, direction)
        slope = np.imag(loss(moved)) / 1e-30
        size = dot(nested.map_arrays(np.abs, gradient), nested.map_arrays(np.abs, direction))
        assert abs(slope - dot(gradient, direction)) <= tolerance * size


def assert_close(ours: Any, right: Any, tolerance: float) -> None:
    """Two structures agree, to `tolerance` of each array's largest entry, or of a hundredth of the largest of all."""
    pairs = list(zip(arrays_of(ours), arrays_of(right), strict=True))
    assert all(a.shape == b.shape for a, b in pairs)
    floor = 0.01 * max(np.abs(b).max() for _, b in pairs)  # below it an array is what is left of larger terms
    for k, (a, b) in enumerate(pairs):
        error = np.abs(a - b).max()
        assert error <= tolerance * max(np.abs(b).max(), floor), (k, error)


def dot(a: Any, b: Any) -> Any:
    """Return the sum of products of corresponding numbers in two structures."""
    return sum(part for _, part in nested.named_arrays(nested.map_arrays(lambda p, q: np.sum(p * q), a, b)))


def arrays_of(*trees: Any) -> list[Any]:
    """All arrays of several structures, lists of caches among them; None holds none."""
    found: list[Any] = []
    for tree in trees:
        if isinstance(tree, list):
            found += arrays_of(*tree)
        elif tree is not None:
            found += [array for _, array in nested.named_arrays(tree)]
    return found


def frozen(tree: Any) -> Any:
    """Forbid writing into any array of a structure, and return it."""
    for array in arrays_of(tree):
        array.setflags(write=False)
    return tree
