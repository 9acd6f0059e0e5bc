"""JAX's answers to ``questions``: the papers' equations, block by block, its ``scan`` and its own gradients.

JAX has no recurrent cells, so they are written here, one matrix per gate, as the papers have them: the plain cell
(Elman 1990), the LSTM (Gers, Schmidhuber and Cummins 2000), its peepholes (Gers and Schmidhuber 2000) and coupled
gates (Greff et al. 2017), the GRU in both versions (Cho et al. 2014, v1 and v3).  No gradient is written here: all
are JAX's.

JAX compiles a program for every shape, which takes seconds.  So a cell's arrays are laid into zeros of one size, and
the state of a step beyond the last is the state before it.  Units, inputs and sequences of zeros add nothing to
anything: a test compares with what comes without them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from jax.example_libraries import optimizers
from questions import CELLS, Question, named, part

NAME = "JAX"
VERSION = jax.__version__
ROOM = (200, 8, 8, 8)  # T, N, D, H of the arrays that smaller ones are laid into
UNOPTIMISED = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 0}

Arrays = dict[str, Any]
Step = Callable[[Arrays, Arrays, Any], Arrays]


def answer(question: Question) -> Arrays:
    """All outputs and gradients, as NumPy arrays by name."""
    with double_precision():
        found = ANSWERS[question.of](question)
    return {name: np.asarray(array) for name, array in found.items()}


@contextmanager
def double_precision() -> Iterator[None]:
    """Let JAX have float64, for as long as this lasts."""
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", False)


@functools.cache
def options() -> dict[str, Any]:
    """What makes XLA compile in half the time, if this version knows it."""
    try:
        jax.jit(lambda v: v + 1, compiler_options=UNOPTIMISED)(1.0)
    except RuntimeError:  # no such option
        return {}
    return UNOPTIMISED


# The equations.  p holds W_xi, W_hi and b_i of a gate i and so on; s the state before the step; x one step's input.


def pre_activation(p: Arrays, gate: str, x: Any, h: Any) -> Any:
    """x W_x + h W_h + b of one gate."""
    return x @ p[f"W_x{gate}"] + h @ p[f"W_h{gate}"] + p[f"b_{gate}"]


def elman(activation: Callable[[Any], Any]) -> Step:
    """The plain cell."""
    return lambda p, s, x: {"h": activation(pre_activation(p, "h", x, s["h"]))}


def lstm(p: Arrays, s: Arrays, x: Any) -> Arrays:
    """Three gates and a content."""
    i = jax.nn.sigmoid(pre_activation(p, "i", x, s["h"]))
    f = jax.nn.sigmoid(pre_activation(p, "f", x, s["h"]))
    o = jax.nn.sigmoid(pre_activation(p, "o", x, s["h"]))
    c = f * s["c"] + i * jnp.tanh(pre_activation(p, "g", x, s["h"]))
    return {"h": o * jnp.tanh(c), "c": c}


def lstm_coupled(p: Arrays, s: Arrays, x: Any) -> Arrays:
    """What is forgotten makes room for what comes in."""
    f = jax.nn.sigmoid(pre_activation(p, "f", x, s["h"]))
    o = jax.nn.sigmoid(pre_activation(p, "o", x, s["h"]))
    c = f * s["c"] + (1 - f) * jnp.tanh(pre_activation(p, "g", x, s["h"]))
    return {"h": o * jnp.tanh(c), "c": c}


def lstm_peephole(p: Arrays, s: Arrays, x: Any) -> Arrays:
    """Input and forget gate see the old content, the output gate the new one."""
    i = jax.nn.sigmoid(pre_activation(p, "i", x, s["h"]) + p["w_ci"] * s["c"])
    f = jax.nn.sigmoid(pre_activation(p, "f", x, s["h"]) + p["w_cf"] * s["c"])
    c = f * s["c"] + i * jnp.tanh(pre_activation(p, "g", x, s["h"]))
    o = jax.nn.sigmoid(pre_activation(p, "o", x, s["h"]) + p["w_co"] * c)
    return {"h": o * jnp.tanh(c), "c": c}


def gru(p: Arrays, s: Arrays, x: Any) -> Arrays:
    """Version 1: the reset gate multiplies the product."""
    r = jax.nn.sigmoid(pre_activation(p, "r", x, s["h"]))
    u = jax.nn.sigmoid(pre_activation(p, "u", x, s["h"]))
    g = jnp.tanh(x @ p["W_xg"] + p["b_g"] + r * (s["h"] @ p["W_hg"] + p["b_hg"]))
    return {"h": u * s["h"] + (1 - u) * g}


def gru_reset_first(p: Arrays, s: Arrays, x: Any) -> Arrays:
    """Version 3: the reset gate multiplies the state, then comes the product."""
    r = jax.nn.sigmoid(pre_activation(p, "r", x, s["h"]))
    u = jax.nn.sigmoid(pre_activation(p, "u", x, s["h"]))
    g = jnp.tanh(x @ p["W_xg"] + p["b_g"] + (r * s["h"]) @ p["W_hg"] + p["b_hg"])
    return {"h": u * s["h"] + (1 - u) * g}


STEPS: dict[str, Step] = {
    "rnn_tanh": elman(jnp.tanh),
    "rnn_relu": elman(jax.nn.relu),
    "rnn_sigmoid": elman(jax.nn.sigmoid),
    "rnn_linear": elman(lambda z: z),
    "lstm": lstm,
    "gru": gru,
    "gru_reset_first": gru_reset_first,
    "lstm_coupled": lstm_coupled,
    "lstm_peephole": lstm_peephole,
}


@functools.cache
def whole(of: str) -> Callable[..., Any]:
    """The gradients and the outputs of a cell over a whole sequence, compiled."""

    def loss(params: Arrays, x: Any, state0: Arrays, real: Any, dh: Any, dstate_T: Arrays) -> Any:
        def one_step(state: Arrays, now: Any) -> Any:
            x_t, is_real = now
            new = STEPS[of](params, state, x_t)
            new = {name: jnp.where(is_real, new[name], state[name]) for name in new}
            return new, new["h"]

        state_T, h = jax.lax.scan(one_step, state0, (x, real))
        value = (dh * h).sum() + sum((dstate_T[name] * state_T[name]).sum() for name in state_T)
        return value, (h, state_T)

    return jax.jit(jax.grad(loss, argnums=(0, 1, 2), has_aux=True), compiler_options=options())


def cell(question: Question, room: tuple[int, int, int, int] | None = ROOM) -> Arrays:
    """A cell in the given room, or without any to spare if there is none, or too little."""
    inputs, layout = question.inputs, CELLS[question.of]
    T, N, D, H = (*inputs["x"].shape, inputs["dh"].shape[2])
    if room is None or any(size > limit for size, limit in zip((T, N, D, H), room, strict=True)):
        room = T, N, D, H
    rooms = dict(zip("TNDH", room, strict=True))

    def laid(array: Any, axes: str) -> Any:
        sizes = [rooms[axis] - size for axis, size in zip(axes, array.shape, strict=True)]
        return np.pad(array, [(0, size) for size in sizes])

    zeros = dict.fromkeys(layout.state, np.zeros((N, H), question.dtype))
    state0, dstate_T = (
        {name: laid(a, "NH") for name, a in (part(inputs, which) or zeros).items()} for which in ("state0", "dstate_T")
    )
    params = {
        name: laid(a, {"W_x": "DH", "W_h": "HH"}.get(name[:3], "H")) for name, a in by_gate(inputs, layout).items()
    }
    x, dh = laid(inputs["x"], "TND"), laid(inputs["dh"], "TNH")
    (grads, dx, dstate_0), (h, state_T) = whole(question.of)(params, x, state0, np.arange(room[0]) < T, dh, dstate_T)

    def joined(prefix: str, rows: tuple[slice, ...]) -> Any:
        return np.concatenate([grads[f"{prefix}{gate}"][(*rows, slice(H))] for gate in layout.blocks], axis=-1)

    return {
        "h": h[:T, :N, :H],
        **named("state_T", {name: s[:N, :H] for name, s in state_T.items()}),
        "grads.W_xh": joined("W_x", (slice(D),)),
        "grads.W_hh": joined("W_h", (slice(H),)),
        "grads.b_h": joined("b_", ()),
        **named("grads", {name: grads[name][:H] for name in layout.extra}),
        "dx": dx[:T, :N, :D],
        **named("dstate_0", {name: s[:N, :H] for name, s in dstate_0.items()}),
    }


def by_gate(inputs: Arrays, layout: Any) -> Arrays:
    """The parameters with a name for every gate's own."""
    gates = len(layout.blocks)
    found = {name: inputs[f"params.{name}"] for name in layout.extra}
    for prefix, packed in {"W_x": "W_xh", "W_h": "W_hh", "b_": "b_h"}.items():
        blocks = np.split(inputs[f"params.{packed}"], gates, axis=-1)
        found |= {f"{prefix}{gate}": block for gate, block in zip(layout.blocks, blocks, strict=True)}
    return found


@functools.cache
def loss_and_gradient(of: str) -> Callable[..., Any]:
    """A loss by its definition."""

    def mse(y: Any, target: Any, mask: Any) -> Any:
        squares = jnp.where(mask[:, :, None], (y - target) ** 2, 0)
        return squares.sum() / (mask.sum() * y.shape[2])

    def softmax_cross_entropy(y: Any, target: Any, mask: Any) -> Any:
        log_p = jax.nn.log_softmax(y, axis=2)
        right = jnp.take_along_axis(log_p, target[:, :, None], axis=2)[:, :, 0]
        return -jnp.where(mask, right, 0).sum() / mask.sum()

    of_name = {"mse": mse, "softmax_cross_entropy": softmax_cross_entropy}
    return jax.jit(jax.value_and_grad(of_name[of]), compiler_options=options())


def loss(question: Question) -> Arrays:
    """Value and gradient of a loss."""
    inputs = question.inputs
    mask = inputs.get("mask", np.ones(inputs["y"].shape[:2], bool))
    value, dy = loss_and_gradient(question.of)(inputs["y"], inputs["target"], mask)
    return {"loss": value, "dy": dy}


def readout(question: Question) -> Arrays:
    """h W_hy + b_y, and its vector-Jacobian product."""
    inputs = question.inputs
    y, (dW_hy, db_y, dh) = read_out(*(inputs[name] for name in ("params.W_hy", "params.b_y", "h", "dy")))
    return {"y": y, "grads.W_hy": dW_hy, "grads.b_y": db_y, "dh": dh}


@jax.jit
def read_out(W_hy: Any, b_y: Any, h: Any, dy: Any) -> Any:
    """The readout forth and back, compiled."""
    y, back = jax.vjp(lambda W_hy, b_y, h: jnp.einsum("tni,ik->tnk", h, W_hy) + b_y, W_hy, b_y, h)
    return y, back(dy)


def optimiser(question: Question) -> Arrays:
    """``sgd`` or ``adam`` of ``jax.example_libraries.optimizers``."""
    params, grads = part(question.inputs, "params"), part(question.inputs, "grads")
    names = {"sgd": ("lr",), "adam": ("lr", "decay_mean", "decay_square", "eps")}[question.of]
    how = [question.settings[name] for name in names]
    state = getattr(optimizers, question.of)(*how)[0](params)
    for k in range(len(next(iter(grads.values())))):
        state = update(question.of)(k, {name: dp[k] for name, dp in grads.items()}, state, how)
    kept = dict(zip(sorted(params), state.packed_state, strict=True))  # JAX keeps a dict in the order of its names
    found = named("params", {name: kept[name][0] for name in params})
    if question.of == "adam":
        found |= named("mean", {name: kept[name][1] for name in params})
        found |= named("square", {name: kept[name][2] for name in params})
    return found


@functools.cache
def update(of: str) -> Callable[..., Any]:
    """One update, compiled for all settings at once."""
    rule = getattr(optimizers, of)
    return jax.jit(lambda k, grads, state, how: rule(*how)[1](k, grads, state), compiler_options=options())


def clip(question: Question) -> Arrays:
    """``clip_grads`` of ``jax.example_libraries.optimizers``, and its norm."""
    norm, clipped = norm_and_clipped(part(question.inputs, "grads"), question.settings["max_norm"])
    return {"norm": norm, **named("clipped", clipped)}


@jax.jit
def norm_and_clipped(grads: Arrays, max_norm: float) -> Any:
    """Both, compiled."""
    return optimizers.l2_norm(grads), optimizers.clip_grads(grads, max_norm)


ANSWERS = {
    **dict.fromkeys(STEPS, cell),
    "mse": loss,
    "softmax_cross_entropy": loss,
    "readout": readout,
    "sgd": optimiser,
    "adam": optimiser,
    "clip": clip,
}
