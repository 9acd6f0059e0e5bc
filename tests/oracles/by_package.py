"""This package's answers to ``questions``: its functions as anyone would call them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from questions import Question, named, part

from bptt_lessons import nested
from bptt_lessons.cells import activations, gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole, rnn, unrolled
from bptt_lessons.training import loop, losses, optim
from bptt_lessons.training import readout as readouts

NAME = "this package"
SPELT = {  # as a report prints it: the module that holds Params, and what has forward and backward
    "rnn_tanh": ("rnn", "rnn"),
    "rnn_relu": ("rnn", "rnn.with_activation(activations.RELU)"),
    "rnn_sigmoid": ("rnn", "rnn.with_activation(activations.SIGMOID)"),
    "rnn_linear": ("rnn", "rnn.with_activation(activations.LINEAR)"),
    "lstm": ("lstm", "lstm"),
    "gru": ("gru", "gru"),
    "gru_reset_first": ("gru_reset_first", "unrolled.looped(gru_reset_first)"),
    "lstm_coupled": ("lstm_coupled", "unrolled.looped(lstm_coupled)"),
    "lstm_peephole": ("lstm_peephole", "unrolled.looped(lstm_peephole)"),
}
MODULES = {
    "activations": activations,
    "gru": gru,
    "gru_reset_first": gru_reset_first,
    "lstm": lstm,
    "lstm_coupled": lstm_coupled,
    "lstm_peephole": lstm_peephole,
    "rnn": rnn,
    "unrolled": unrolled,
}


def answer(question: Question, using: Any = None) -> dict[str, Any]:
    """All outputs and gradients by name; those of a cell `using` another one, if it is given."""
    found = cell(question, using or cell_of(question)) if question.of in SPELT else ANSWERS[question.of](question)
    return {name: np.asarray(array) for name, array in found.items()}


def cell_of(question: Question) -> Any:
    """What has the `forward` and `backward` that are asked for."""
    return eval(SPELT[question.of][1], dict(MODULES))  # the very text that a report prints


def in_steps(question: Question) -> Any:
    """The same by the loops over single steps."""
    return unrolled.looped(cell_of(question))


def cell(question: Question, using: Any) -> dict[str, Any]:
    """Forward and backward over a whole sequence; states left out are left out."""
    inputs = question.inputs
    params = MODULES[SPELT[question.of][0]].Params(**part(inputs, "params"))
    h, state_T, tape = using.forward(params, inputs["x"], state_from(part(inputs, "state0")))
    grads, dx, dstate_0 = using.backward(params, tape, inputs["dh"], state_from(part(inputs, "dstate_T")))
    return {
        "h": h,
        **named("state_T", arrays_of(state_T)),
        **named("grads", grads._asdict()),
        "dx": dx,
        **named("dstate_0", arrays_of(dstate_0)),
    }


def state_from(arrays: dict[str, Any]) -> Any:
    """A cell's state as the cell takes it."""
    return lstm.State(**arrays) if len(arrays) == 2 else arrays.get("h")


def arrays_of(state: Any) -> dict[str, Any]:
    """The other way."""
    return dict(state._asdict()) if isinstance(state, lstm.State) else {"h": state}


def loss(question: Question) -> dict[str, Any]:
    """A loss and its gradient."""
    inputs = question.inputs
    arguments = inputs["y"], inputs["target"], inputs.get("mask")
    pairs = {
        "mse": (losses.mse, losses.mse_gradient),
        "softmax_cross_entropy": (losses.softmax_cross_entropy, losses.softmax_cross_entropy_gradient),
    }
    value, gradient = pairs[question.of]
    return {"loss": value(*arguments), "dy": gradient(*arguments)}


def readout(question: Question) -> dict[str, Any]:
    """The readout forth and back."""
    inputs = question.inputs
    params = readouts.Readout(**part(inputs, "params"))
    grads, dh = readouts.backward(params, inputs["h"], inputs["dy"])
    return {"y": readouts.forward(params, inputs["h"]), **named("grads", grads._asdict()), "dh": dh}


def model(arrays: dict[str, Any]) -> loop.Model:
    """A nested model from its arrays by name."""
    return loop.Model(rnn.Params(**part(arrays, "cell")), readouts.Readout(**part(arrays, "readout")))


def optimiser(question: Question) -> dict[str, Any]:
    """Update after update."""
    params, grads = (model(part(question.inputs, name)) for name in ("params", "grads"))
    state = optim.adam_start(params)
    for k in range(len(grads.readout.b_y)):
        now = nested.map_arrays(lambda dp, k=k: dp[k], grads)
        if question.of == "sgd":
            params = optim.sgd(params, now, **question.settings)
        else:
            params, state = optim.adam(params, now, state, **question.settings)
    found = named("params", dict(nested.named_arrays(params)))
    if question.of == "adam":
        found |= named("mean", dict(nested.named_arrays(state.mean)))
        found |= named("square", dict(nested.named_arrays(state.square)))
    return found


def clip(question: Question) -> dict[str, Any]:
    """The global norm, and the gradient clipped to it."""
    grads = model(part(question.inputs, "grads"))
    clipped = optim.clip_by_global_norm(grads, **question.settings)
    return {"norm": optim.global_norm(grads), **named("clipped", dict(nested.named_arrays(clipped)))}


ANSWERS = {
    "mse": loss,
    "softmax_cross_entropy": loss,
    "readout": readout,
    "sgd": optimiser,
    "adam": optimiser,
    "clip": clip,
}


def in_python(question: Question, name: str, in_steps: bool = False) -> str:
    """A few lines that print one array of this package's answer: of a small cell with all its numbers in them."""
    if question.of not in SPELT or sum(a.size for a in question.inputs.values()) > 40:
        using = "by_package.in_steps(question)" if in_steps else "None"
        return "\n".join(
            [
                "import by_package, questions  # in tests/oracles",
                f"question = questions.{question.drawn}",
                f"print(by_package.answer(question, using={using})[{name!r}])",
            ]
        )
    module, spelt = SPELT[question.of]
    spelt = f"unrolled.looped({spelt})" if in_steps else spelt
    inputs = {which: f"np.array({a.tolist()}, np.{a.dtype})" for which, a in question.inputs.items()}

    def state(which: str) -> str:
        arrays = part(inputs, which)
        return f"lstm.State(h={arrays['h']}, c={arrays['c']})" if "c" in arrays else arrays.get("h", "None")

    lines = [
        f"cell = {spelt}",
        f"params = {module}.Params({', '.join(f'{k}={v}' for k, v in part(inputs, 'params').items())})",
        f"x, dh = {inputs['x']}, {inputs['dh']}",
        f"state0, dstate_T = {state('state0')}, {state('dstate_T')}",
        "h, state_T, tape = cell.forward(params, x, state0)",
        "grads, dx, dstate_0 = cell.backward(params, tape, dh, dstate_T)",
        f"print({name if question.of.startswith('lstm') else name.removesuffix('.h')})",
    ]
    used = [name for name in MODULES if re.search(rf"\b{name}\.|looped\({name}|= {name}$", "\n".join(lines), re.M)]
    return "\n".join(["import numpy as np", f"from bptt_lessons.cells import {', '.join(used)}", *lines])
