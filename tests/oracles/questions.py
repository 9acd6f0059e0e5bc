"""Questions that several libraries must answer alike: the inputs, drawn.

A question and its answer are flat: arrays by name, such as ``params.W_xh`` or ``dstate_0.c``.  So the same few
functions compare, print and store the answers of ``by_package``, ``by_pytorch`` and ``by_jax``.

In small questions every number drawn is a multiple of 1/256, short enough to read; in larger ones it has all its
digits, so that losing some shows.  Nothing of bptt_lessons is used: these questions also make the golden vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

KINK = 1e-5  # of the largest state: no pre-activation of a ReLU is nearer to 0, so that rounding cannot cross it
SHORT = 12  # steps, up to which a question is small, and the plain cell's weights are left as they are drawn
SMALL = 4  # the same for steps, updates and units where nothing is carried on


class Question(NamedTuple):
    """What is asked."""

    of: str  # a key of CELLS, or mse, softmax_cross_entropy, readout, sgd, adam, clip
    inputs: dict[str, Any]
    settings: dict[str, float]  # what an optimiser takes besides arrays
    roundings: float  # how many add up in one number, about; see `agreement.rounding_bounds`
    drawn: str  # the call that drew it

    @property
    def dtype(self) -> Any:
        """Of every real number in it."""
        return next(a.dtype for a in self.inputs.values() if a.dtype.kind == "f")


class Layout(NamedTuple):
    """How a cell's parameters and state are cut."""

    blocks: str  # of H columns each, in W_xh, W_hh and b_h
    extra: tuple[str, ...] = ()  # further parameters (H,)
    state: str = "h"


CELLS = {
    "rnn_tanh": Layout("h"),
    "rnn_relu": Layout("h"),
    "rnn_sigmoid": Layout("h"),
    "rnn_linear": Layout("h"),
    "lstm": Layout("ifgo", state="hc"),
    "gru": Layout("rug", ("b_hg",)),
    "gru_reset_first": Layout("rug", ("b_hg",)),
    "lstm_coupled": Layout("fgo", state="hc"),
    "lstm_peephole": Layout("ifgo", ("w_ci", "w_cf", "w_co"), state="hc"),
}


def part(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    """All ``prefix.name`` of a question or an answer, under ``name``."""
    return {name[len(prefix) + 1 :]: array for name, array in arrays.items() if name.startswith(f"{prefix}.")}


def named(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """The reverse: every ``name`` becomes ``prefix.name``."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def cast(question: Question, dtype: Any) -> Question:
    """The same question in another precision."""
    inputs = {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in question.inputs.items()}
    return question._replace(inputs=inputs)


def numbers(rng: np.random.Generator, small: bool) -> Callable[..., Any]:
    """A function that draws an array of a given shape between -1 and 1."""
    return lambda *shape: rng.integers(-256, 257, shape) / 256 if small else rng.uniform(-1, 1, shape)


def draw_cell(of: str, T: int, N: int, D: int, H: int, dtype: str, seed: int, state0: bool, dstate_T: bool) -> Question:
    """One forward and one backward pass of a cell.

    Errors may add up, but should not grow: for a chaotic net no two libraries get the same numbers.  So for long
    sequences the plain cell's W_hh is scaled down until no singular value is above 1, and no step stretches an error.
    Peepholes are made an eighth as strong there: otherwise the content can hold its own forget gate open until float32
    has no digits left of the 1 - f in the gate's slope.
    """
    draw = numbers(np.random.default_rng(seed), T <= SHORT)
    cell = CELLS[of]
    while True:
        columns = len(cell.blocks) * H
        inputs = {"params.W_xh": draw(D, columns), "params.W_hh": draw(H, columns)}
        inputs |= {"params.b_h": draw(columns)} | {f"params.{name}": draw(H) for name in cell.extra}
        inputs |= {"x": draw(T, N, D), "dh": draw(T, N, H)}
        first = {name: draw(N, H) for name in cell.state}
        inputs |= named("state0", first) if state0 else {}
        inputs |= named("dstate_T", {name: draw(N, H) for name in cell.state}) if dstate_T else {}
        if of.startswith("rnn") and T > SHORT:
            inputs["params.W_hh"] = shortened(inputs["params.W_hh"])
        if of == "lstm_peephole" and T > SHORT:
            inputs |= {f"params.{name}": inputs[f"params.{name}"] / 8 for name in cell.extra}
        if of != "rnn_relu" or far_from_kink(inputs):
            break
    drawn = f"draw_cell({of!r}, {T=}, {N=}, {D=}, {H=}, {dtype=}, {seed=}, {state0=}, {dstate_T=})"
    # A step: two dot products and the bias, then about ten functions and products.  A gradient: also a sum over T·N
    # rows, whose errors add up as a random walk does.
    roundings = D + H + 12 + math.sqrt(T * N)
    return cast(Question(of, inputs, {}, roundings, drawn), dtype)


def shortened(W: Any) -> Any:
    """The matrix with its largest singular value brought down to 1 if it is above."""
    return W / max(1.0, np.linalg.norm(W, 2))


def far_from_kink(inputs: dict[str, Any]) -> bool:
    """Whether a ReLU's pre-activations are all clearly on one side of 0, where the slope is a matter of convention."""
    W_xh, W_hh, b_h = part(inputs, "params").values()
    h = inputs.get("state0.h", 0 * inputs["dh"][0])
    nearest, largest = math.inf, 1.0
    for x in inputs["x"]:
        z = x @ W_xh + h @ W_hh + b_h
        h = np.maximum(z, 0)
        nearest, largest = min(nearest, np.abs(z).min()), max(largest, h.max())
    return bool(nearest > KINK * largest)


def draw_loss(of: str, T: int, N: int, K: int, dtype: str, seed: int, mask: bool) -> Question:
    """Outputs, targets and perhaps a mask that keeps at least one step.

    Logits lie between -2 and 2: where a softmax is almost sure, the loss near 0 has only the digits of 1 - p.
    """
    rng = np.random.default_rng(seed)
    draw = numbers(rng, T <= SMALL)
    inputs = {"y": 2 * draw(T, N, K)}
    if mask:
        inputs["mask"] = rng.random((T, N)) < 0.5
        inputs["mask"][rng.integers(T), rng.integers(N)] = True
    inputs["target"] = 2 * draw(T, N, K) if of == "mse" else rng.integers(0, K, (T, N))
    drawn = f"draw_loss({of!r}, {T=}, {N=}, {K=}, {dtype=}, {seed=}, {mask=})"
    return cast(Question(of, inputs, {}, K + 12 + math.sqrt(T * N), drawn), dtype)


def draw_readout(T: int, N: int, H: int, K: int, dtype: str, seed: int) -> Question:
    """The readout forward and backward."""
    rng = np.random.default_rng(seed)
    draw = numbers(rng, T <= SMALL)
    inputs = {"params.W_hy": draw(H, K), "params.b_y": draw(K)}
    inputs |= {"h": draw(T, N, H), "dy": draw(T, N, K)}
    drawn = f"draw_readout({T=}, {N=}, {H=}, {K=}, {dtype=}, {seed=})"
    return cast(Question("readout", inputs, {}, H + K + 2 + math.sqrt(T * N), drawn), dtype)


def draw_updates(of: str, updates: int, dtype: str, seed: int, **settings: float) -> Question:
    """A model and its gradients, update after update (stacked), of sizes from about 2⁻¹⁵ to 2⁵."""
    rng = np.random.default_rng(seed)
    draw = numbers(rng, updates <= SMALL)
    shapes = {"cell.W_xh": (2, 3), "cell.W_hh": (3, 3), "cell.b_h": (3,), "readout.W_hy": (3, 2), "readout.b_y": (2,)}
    inputs = {f"params.{name}": draw(*shape) for name, shape in shapes.items()}
    for name, shape in shapes.items():
        inputs[f"grads.{name}"] = draw(updates, *shape) * 2.0 ** rng.integers(-15, 6)
    drawn = f"draw_updates({of!r}, {updates=}, {dtype=}, {seed=}, **{settings})"
    return cast(Question(of, inputs, settings, 12 + updates, drawn), dtype)


def draw_clip(H: int, K: int, dtype: str, seed: int, max_norm: float) -> Question:
    """A gradient of a model, to be clipped."""
    rng = np.random.default_rng(seed)
    draw = numbers(rng, H <= SMALL)
    shapes = {"cell.W_xh": (1, H), "cell.W_hh": (H, H), "cell.b_h": (H,), "readout.W_hy": (H, K), "readout.b_y": (K,)}
    inputs = {f"grads.{name}": 4 * draw(*shape) for name, shape in shapes.items()}
    drawn = f"draw_clip({H=}, {K=}, {dtype=}, {seed=}, {max_norm=})"
    return cast(Question("clip", inputs, {"max_norm": max_norm}, 12 + H, drawn), dtype)
