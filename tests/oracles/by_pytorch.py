"""PyTorch's answers to ``questions``: its own modules, losses and optimisers, its own gradients.

Where its definitions differ from this project's by design:

- it has two biases where b_h is their sum: b_h is given to the first, and the second holds nothing but the GRU's b_hg;
- ``clip_grad_norm_`` divides by the norm + 1e-6, this project (Pascanu et al., algorithm 1) by the norm: see `clip`.

``torch.optim.SGD`` and ``torch.optim.Adam`` define what ``optim.sgd`` and ``optim.adam`` do.  Their momentum, weight
decay and RMSprop have no counterpart here.
"""

from __future__ import annotations

from typing import Any

import torch
from questions import CELLS, Question, named, part

NAME = "PyTorch"
VERSION = torch.__version__
MODULES = {"rnn_tanh": torch.nn.RNN, "rnn_relu": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def answer(question: Question) -> dict[str, Any]:
    """All outputs and gradients, as NumPy arrays by name."""
    tensors = ANSWERS[question.of](question)
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def variables(arrays: dict[str, Any]) -> dict[str, Any]:
    """Tensors, those of real numbers with a gradient."""
    return {name: torch.tensor(a, requires_grad=a.dtype.kind == "f") for name, a in arrays.items()}


def cell(question: Question) -> dict[str, Any]:
    """A module of one layer."""
    inputs = variables(question.inputs)
    params, state0, dstate_T = (part(inputs, name) for name in ("params", "state0", "dstate_T"))
    D, H = len(params["W_xh"]), len(params["W_hh"])
    how = {"nonlinearity": question.of[4:]} if question.of.startswith("rnn") else {}
    net = MODULES[question.of](D, H, dtype=inputs["x"].dtype, **how)
    with torch.no_grad():
        net.weight_ih_l0.copy_(params["W_xh"].T)
        net.weight_hh_l0.copy_(params["W_hh"].T)
        net.bias_ih_l0.copy_(params["b_h"])
        net.bias_hh_l0.zero_()
        if "b_hg" in params:
            net.bias_hh_l0[2 * H :] = params["b_hg"]

    names = CELLS[question.of].state
    if not state0:
        zeros = torch.zeros_like(inputs["dh"][0])
        state0 = {name: zeros.clone().requires_grad_() for name in names}
    with_layers = [state0[name][None] for name in names]
    h, state_T = net(inputs["x"], tuple(with_layers) if names == "hc" else with_layers[0])
    state_T = dict(zip(names, state_T if names == "hc" else [state_T], strict=True))
    outside = [inputs["dh"], *(dstate_T[name][None] for name in names if dstate_T)]
    torch.autograd.backward([h, *(state_T[name] for name in names if dstate_T)], outside)

    grads = {"W_xh": net.weight_ih_l0.grad.T, "W_hh": net.weight_hh_l0.grad.T, "b_h": net.bias_ih_l0.grad}
    grads |= {"b_hg": net.bias_hh_l0.grad[2 * H :]} if "b_hg" in params else {}
    return {
        "h": h,
        **named("state_T", {name: s[0] for name, s in state_T.items()}),
        **named("grads", grads),
        "dx": inputs["x"].grad,
        **named("dstate_0", {name: s.grad for name, s in state0.items()}),
    }


def loss(question: Question) -> dict[str, Any]:
    """The mean over what the mask keeps, by ``torch.nn.functional``."""
    inputs = variables(question.inputs)
    y, target = inputs["y"], inputs["target"]
    mask = inputs.get("mask", torch.ones(y.shape[:2], dtype=bool))
    functional = {"mse": torch.nn.functional.mse_loss, "softmax_cross_entropy": torch.nn.functional.cross_entropy}
    value = functional[question.of](y[mask], target[mask])
    value.backward()
    return {"loss": value, "dy": y.grad}


def readout(question: Question) -> dict[str, Any]:
    """``torch.nn.functional.linear``."""
    inputs = variables(question.inputs)
    W_hy, b_y, h = inputs["params.W_hy"], inputs["params.b_y"], inputs["h"]
    y = torch.nn.functional.linear(h, W_hy.T, b_y)
    y.backward(inputs["dy"])
    return {"y": y, "grads.W_hy": W_hy.grad, "grads.b_y": b_y.grad, "dh": h.grad}


def optimiser(question: Question) -> dict[str, Any]:
    """``torch.optim.SGD`` or ``torch.optim.Adam``, one update per stacked gradient."""
    params, grads, how = part(variables(question.inputs), "params"), part(question.inputs, "grads"), question.settings
    if question.of == "sgd":
        rule: Any = torch.optim.SGD(params.values(), lr=how["lr"])
    else:
        betas = how["decay_mean"], how["decay_square"]
        rule = torch.optim.Adam(params.values(), lr=how["lr"], betas=betas, eps=how["eps"])
    for k in range(len(next(iter(grads.values())))):
        for name, p in params.items():
            p.grad = torch.tensor(grads[name][k])
        rule.step()
    found = named("params", params)
    if question.of == "adam":
        found |= named("mean", {name: rule.state[p]["exp_avg"] for name, p in params.items()})
        found |= named("square", {name: rule.state[p]["exp_avg_sq"] for name, p in params.items()})
    return found


def clip(question: Question) -> dict[str, Any]:
    """``clip_grad_norm_``, asked for a little more, so that its 1e-6 beside the norm drops out."""
    leaves = variables(part(question.inputs, "grads"))  # only their gradients matter
    for leaf in leaves.values():
        leaf.grad = leaf.detach().clone()
    norm = torch.nn.utils.clip_grad_norm_(leaves.values(), float("inf"))
    if norm > 0:
        max_norm = question.settings["max_norm"] * float((norm + 1e-6) / norm)
        torch.nn.utils.clip_grad_norm_(leaves.values(), max_norm)
    return {"norm": norm, **named("clipped", {name: leaf.grad for name, leaf in leaves.items()})}


ANSWERS = {
    **dict.fromkeys(MODULES, cell),
    "mse": loss,
    "softmax_cross_entropy": loss,
    "readout": readout,
    "sgd": optimiser,
    "adam": optimiser,
    "clip": clip,
}
