"""Draws: the arrays that cases are made of, rounded so that a learner can type them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import gru, lstm, rnn
from bptt_lessons.cells.unrolled import Looped, looped
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.training import readout


def draw(rng: np.random.Generator, *shape: int, scale: float = 0.9, decimals: int = 2) -> Array:
    """Return an array of the given shape, uniform in ±`scale`, rounded to `decimals`."""
    return np.round(rng.uniform(-scale, scale, shape), decimals) + 0.0  # + 0.0 turns -0.0 into 0.0


def draw_rnn(rng: np.random.Generator, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> rnn.Params:
    """Return parameters of the plain cell; W_hh is nowhere near symmetric."""
    return rnn.Params(*(draw(rng, *shape, scale=scale, decimals=decimals) for shape in ((D, H), (H, H), (H,))))


def draw_lstm(rng: np.random.Generator, D: int, H: int, decimals: int = 2) -> lstm.Params:
    """Return parameters of the LSTM; no bias is zero, and no block of W_hh near symmetric."""
    return lstm.Params(*(draw(rng, *shape, decimals=decimals) for shape in ((D, 4 * H), (H, 4 * H), (4 * H,))))


def draw_state(rng: np.random.Generator, N: int, H: int, scale: float = 0.9, decimals: int = 2) -> lstm.State:
    """Return a state of the LSTM, or its gradient; c goes further out than h, as it does in a net at work."""
    return lstm.State(
        draw(rng, N, H, scale=scale, decimals=decimals), draw(rng, N, H, scale=2 * scale, decimals=decimals)
    )


def draw_gru(rng: np.random.Generator, D: int, H: int, decimals: int = 2) -> gru.Params:
    """Return parameters of the GRU; no bias is zero, and no block of W_hh near symmetric."""
    return gru.Params(*(draw(rng, *shape, decimals=decimals) for shape in ((D, 3 * H), (H, 3 * H), (3 * H,), (H,))))


def draw_leaky(rng: np.random.Generator, D: int, H: int, decimals: int = 2) -> leaky.Params:
    """Return parameters of the leaky cell."""
    return leaky.Params(*(draw(rng, *shape, decimals=decimals) for shape in ((D, H), (H, H), (H,), (H,))))


def draw_readout(rng: np.random.Generator, H: int, K: int, decimals: int = 2) -> readout.Readout:
    """Return parameters of a readout, with a bias that is not zero."""
    return readout.Readout(draw(rng, H, K, decimals=decimals), draw(rng, K, decimals=decimals))


class Seeded(np.random.Generator):
    """A generator that shows itself as the Python text that makes it, and is fresh in every copy."""

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self.seed = seed

    def __repr__(self) -> str:
        return f"np.random.default_rng({self.seed})"

    def __deepcopy__(self, memo: object) -> Seeded:
        return Seeded(self.seed)


class WindowLoss(NamedTuple):
    """The mean squared error of a readout, taken window by window: ``loss_gradient(h, start) -> loss, dh, extra``."""

    readout: readout.Readout
    target: Array  # (T, N, K), of all steps

    def __call__(self, h: Array, start: int) -> tuple[Any, Array, Any]:
        return readout.loss_by_window(self.readout, self.target)(h, start)


class LoopedLeaky(Looped):
    """The leaky cell with `forward` and `backward`; it shows itself as the Python text that makes it."""

    def __repr__(self) -> str:
        return "looped(leaky)"


LOOPED_LEAKY = LoopedLeaky(*looped(leaky))


def sizes(**letters: int) -> str:
    """Return the label of a case, such as "T = 3, N = 2"."""
    return ", ".join(f"{letter} = {size}" for letter, size in letters.items())


@dataclass(frozen=True)
class Formula:
    """A function, most often of one array, that shows itself as the Python text that makes it."""

    text: str
    function: Callable[..., Any] = field(compare=False)

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __repr__(self) -> str:
        return self.text


SUM_OF_CUBES = Formula("lambda w: np.sum(w**3)", lambda w: np.sum(w**3))
SUM_OF_EXPONENTIALS = Formula("lambda w: np.sum(np.exp(w))", lambda w: np.sum(np.exp(w)))
PRODUCT_OF_SINES = Formula("lambda w: np.prod(np.sin(w))", lambda w: np.prod(np.sin(w)))
CUBES_AND_NEIGHBOURS = Formula(
    "lambda w: np.sum(w**3) + np.sum(w[1:] * w[:-1])", lambda w: np.sum(w**3) + np.sum(w[1:] * w[:-1])
)
LAST_TANH = Formula("lambda w: np.tanh(w @ w[0]) @ w[0]", lambda w: np.tanh(w @ w[0]) @ w[0])
