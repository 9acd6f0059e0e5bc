"""The plain RNN against PyTorch's and JAX's, where they are installed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import RELU, TANH
from bptt_lessons.gradients import gradcheck

SHAPES = [(1, 1, 1, 1), (7, 3, 5, 4), (30, 2, 3, 8)]


class Results(NamedTuple):
    """What a forward and a backward pass give."""

    h: Any
    grads: rnn.Params
    dx: Any
    dh_0: Any


def ours(problem: Any, activation: Any = TANH) -> Results:
    """By this package."""
    h, _, tape = rnn.forward(problem.params, problem.x, problem.h0, activation)
    return Results(h, *rnn.backward(problem.params, tape, problem.dh, problem.dh_T, activation))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", [TANH, RELU], ids=lambda a: a.name)
def test_pytorch_gives_the_same(make_problem, shape, activation):
    torch = pytest.importorskip("torch")
    problem = make_problem(11, *shape, activation=TANH)
    problem = problem._replace(params=rnn.Params(*(p / 2 for p in problem.params)))
    _, _, D, H = shape
    net = torch.nn.RNN(D, H, nonlinearity=activation.name, dtype=torch.float64)
    with torch.no_grad():
        net.weight_ih_l0.copy_(torch.from_numpy(problem.params.W_xh.T))
        net.weight_hh_l0.copy_(torch.from_numpy(problem.params.W_hh.T))
        net.bias_ih_l0.copy_(torch.from_numpy(problem.params.b_h))
        net.bias_hh_l0.zero_()
    x, h0 = torch.tensor(problem.x, requires_grad=True), torch.tensor(problem.h0[None], requires_grad=True)
    h, h_T = net(x, h0)
    torch.autograd.backward([h, h_T], [torch.from_numpy(problem.dh), torch.from_numpy(problem.dh_T[None])])
    theirs = Results(
        h.detach().numpy(),
        rnn.Params(net.weight_ih_l0.grad.numpy().T, net.weight_hh_l0.grad.numpy().T, net.bias_ih_l0.grad.numpy()),
        x.grad.numpy(),
        h0.grad.numpy()[0],
    )
    name, error = gradcheck.worst_error(ours(problem, activation), theirs)
    assert error <= 1e-10, name


def test_jax_gives_the_same(make_problem):
    jax = pytest.importorskip("jax")
    problem = make_problem(12, 7, 3, 5, 4)

    def loss(params: Any, x: Any, h0: Any) -> Any:
        def one_step(h: Any, x_t: Any) -> Any:
            h = jax.numpy.tanh(x_t @ params.W_xh + h @ params.W_hh + params.b_h)
            return h, h

        h_T, h = jax.lax.scan(one_step, h0, x)
        return (problem.dh * h).sum() + (problem.dh_T * h_T).sum(), h

    jax.config.update("jax_enable_x64", True)
    try:
        gradient = jax.grad(loss, argnums=(0, 1, 2), has_aux=True)
        (grads, dx, dh_0), h = gradient(problem.params, problem.x, problem.h0)
    finally:
        jax.config.update("jax_enable_x64", False)
    theirs = Results(np.asarray(h), rnn.Params(*map(np.asarray, grads)), np.asarray(dx), np.asarray(dh_0))
    name, error = gradcheck.worst_error(ours(problem), theirs)
    assert error <= 1e-10, name
