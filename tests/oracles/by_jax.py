"""JAX's answers to ``questions`` about cells: the papers' equations, block by block, and its own gradients.

JAX has no recurrent cells, so they are written here, one matrix per gate, as the papers have them: the plain cell
(Elman 1990), the LSTM (Gers, Schmidhuber and Cummins 2000), its peepholes (Gers and Schmidhuber 2000) and coupled
gates (Greff et al. 2017), the GRU in both versions (Cho et al. 2014, v1 and v3).  No gradient is written here: all
are JAX's.

JAX compiles a program for every shape, which takes seconds: ask it about few shapes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from questions import CELLS, Question, named, part

NAME = "JAX"
VERSION = jax.__version__
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

    def loss(params: Arrays, x: Any, state0: Arrays, dh: Any, dstate_T: Arrays) -> Any:
        def one_step(state: Arrays, x_t: Any) -> Any:
            new = STEPS[of](params, state, x_t)
            return new, new["h"]

        state_T, h = jax.lax.scan(one_step, state0, x)
        value = (dh * h).sum() + sum((dstate_T[name] * state_T[name]).sum() for name in state_T)
        return value, (h, state_T)

    return jax.jit(jax.grad(loss, argnums=(0, 1, 2), has_aux=True), compiler_options=options())


def cell(question: Question) -> Arrays:
    """A cell over a whole sequence."""
    inputs, layout = question.inputs, CELLS[question.of]
    zeros = dict.fromkeys(layout.state, np.zeros_like(inputs["dh"][0]))
    state0, dstate_T = (part(inputs, which) or zeros for which in ("state0", "dstate_T"))
    params = by_gate(inputs, layout)
    (grads, dx, dstate_0), (h, state_T) = whole(question.of)(params, inputs["x"], state0, inputs["dh"], dstate_T)

    def joined(prefix: str) -> Any:
        return np.concatenate([grads[f"{prefix}{gate}"] for gate in layout.blocks], axis=-1)

    return {
        "h": h,
        **named("state_T", state_T),
        "grads.W_xh": joined("W_x"),
        "grads.W_hh": joined("W_h"),
        "grads.b_h": joined("b_"),
        **named("grads", {name: grads[name] for name in layout.extra}),
        "dx": dx,
        **named("dstate_0", dstate_0),
    }


def by_gate(inputs: Arrays, layout: Any) -> Arrays:
    """The parameters with a name for every gate's own."""
    gates = len(layout.blocks)
    found = {name: inputs[f"params.{name}"] for name in layout.extra}
    for prefix, packed in {"W_x": "W_xh", "W_h": "W_hh", "b_": "b_h"}.items():
        blocks = np.split(inputs[f"params.{packed}"], gates, axis=-1)
        found |= {f"{prefix}{gate}": block for gate, block in zip(layout.blocks, blocks, strict=True)}
    return found


ANSWERS = dict.fromkeys(STEPS, cell)
