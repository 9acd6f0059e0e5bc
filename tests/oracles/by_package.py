"""This package's answers to ``questions``: its functions called in the usual way."""

from __future__ import annotations

from typing import Any

import numpy as np
from questions import Question, named, part

from bptt_lessons import nested
from bptt_lessons.cells import gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole, rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID
from bptt_lessons.training import loop, losses, optim
from bptt_lessons.training import readout as readouts

NAME = "this package"
CELL = {  # the module that holds Params, and what has forward and backward
    "rnn_tanh": (rnn, rnn),
    "rnn_relu": (rnn, rnn.with_activation(RELU)),
    "rnn_sigmoid": (rnn, rnn.with_activation(SIGMOID)),
    "rnn_linear": (rnn, rnn.with_activation(LINEAR)),
    "lstm": (lstm, lstm),
    "gru": (gru, gru),
    "gru_reset_first": (gru_reset_first, unrolled.looped(gru_reset_first)),
    "lstm_coupled": (lstm_coupled, unrolled.looped(lstm_coupled)),
    "lstm_peephole": (lstm_peephole, unrolled.looped(lstm_peephole)),
}


def answer(question: Question, using: Any = None) -> dict[str, Any]:
    """All outputs and gradients by name; those of a cell `using` another one, if it is given."""
    found = cell(question, using) if question.of in CELL else ANSWERS[question.of](question)
    return {name: np.asarray(array) for name, array in found.items()}


def cell(question: Question, using: Any = None) -> dict[str, Any]:
    """Forward and backward over a whole sequence; a state that is left out is None."""
    inputs = question.inputs
    module, own = CELL[question.of]
    using = using or own
    params = module.Params(**part(inputs, "params"))
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
    """The arrays of a cell's state by name."""
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
    """The readout forward and backward."""
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
