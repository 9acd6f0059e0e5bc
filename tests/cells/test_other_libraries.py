"""The three cells against PyTorch's and JAX's, where they are installed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from any_cell import Problem, draw, fast_cells, whole

from bptt_lessons import nested
from bptt_lessons.cells import gru, gru_reset_first, lstm, rnn, torch_weights
from bptt_lessons.cells.activations import RELU, TANH
from bptt_lessons.gradients import gradcheck

SHAPES = [(1, 1, 1, 1), (7, 3, 5, 4), (30, 2, 3, 8)]
RANDOM = 100  # random configurations of every cell


class Results(NamedTuple):
    """What a forward and a backward pass give."""

    h: Any
    state_T: Any
    grads: Any
    dx: Any
    dstate_0: Any


def ours(cell: Any, problem: Problem) -> Results:
    """By this package."""
    params, x, state0, dh, dstate_T = problem
    h, state_T, tape = whole(cell).forward(params, x, state0)
    return Results(h, state_T, *whole(cell).backward(params, tape, dh, dstate_T))


def by_torch(cell: Any, problem: Problem, nonlinearity: str = "tanh") -> Results:
    """By PyTorch, with the weights copied there and the gradients copied back."""
    torch = pytest.importorskip("torch")
    _, _, D = problem.x.shape
    H = problem.dh.shape[2]
    kind = {rnn: torch.nn.RNN, gru: torch.nn.GRU, lstm: torch.nn.LSTM}[cell]
    how = {"nonlinearity": nonlinearity} if cell is rnn else {}
    net = kind(D, H, dtype=torch.float64, **how)
    with torch.no_grad():
        for name, weight in torch_weights.to_torch(problem.params).items():
            getattr(net, name).copy_(torch.from_numpy(weight))

    def to_torch(state: Any, **how: Any) -> Any:  # with an axis for the layers in front
        parts = [torch.tensor(part[None], **how) for _, part in nested.named_arrays(state)]
        return tuple(parts) if cell is lstm else parts[0]

    def from_torch(parts: Any) -> Any:
        return lstm.State(*(part[0].numpy() for part in parts)) if cell is lstm else parts[0].numpy()

    x, state0 = torch.tensor(problem.x, requires_grad=True), to_torch(problem.state0, requires_grad=True)
    h, state_T = net(x, state0)
    as_list = list if cell is lstm else lambda state: [state]
    outside = [torch.from_numpy(problem.dh), *as_list(to_torch(problem.dstate_T))]
    torch.autograd.backward([h, *as_list(state_T)], outside)
    if cell is lstm:
        state_T, dstate_0 = [part.detach() for part in state_T], [part.grad for part in state0]
    else:
        state_T, dstate_0 = state_T.detach(), state0.grad
    # The two biases of a sum have one gradient: half of each, so that `from_torch` adds them up to it again.
    slopes = {name: getattr(net, name).grad.numpy() for name in torch_weights.NAMES}
    shared = slice(0, 2 * H) if cell is gru else slice(None)
    for name in ("bias_ih_l0", "bias_hh_l0"):
        slopes[name][shared] /= 2
    grads = torch_weights.from_torch(cell, slopes)
    assert_round_trip(cell, net, problem.params)
    return Results(h.detach().numpy(), from_torch(state_T), grads, x.grad.numpy(), from_torch(dstate_0))


def assert_round_trip(cell: Any, net: Any, params: Any) -> None:
    """What PyTorch holds now comes back as what it was given."""
    weights = {name: parameter.detach().numpy() for name, parameter in net.named_parameters()}
    assert gradcheck.worst_error(torch_weights.from_torch(cell, weights), params)[1] == 0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", [TANH, RELU], ids=lambda a: a.name)
def test_pytorch_gives_the_same_with_either_activation(make_problem, shape, activation):
    pytest.importorskip("torch")
    params, x, h0, dh, dh_T = make_problem(11, *shape, activation=TANH)
    params = rnn.Params(*(p / 2 for p in params))
    h, h_T, tape = rnn.forward(params, x, h0, activation)
    right = Results(h, h_T, *rnn.backward(params, tape, dh, dh_T, activation))
    theirs = by_torch(rnn, Problem(params, x, h0, dh, dh_T), activation.name)
    name, error = gradcheck.worst_error(right, theirs)
    assert error <= 1e-10, name


@fast_cells
def test_pytorch_gives_the_same_in_every_random_configuration(cell):
    """Sizes, weights, inputs, states and what comes from beyond, all drawn; every output and every gradient."""
    pytest.importorskip("torch")
    for seed in range(RANDOM):
        T, N, D, H = (int(n) for n in np.random.default_rng(seed).integers(1, [13, 5, 6, 9]))
        problem = draw(cell, seed, T, N, D, H)
        name, error = gradcheck.worst_error(ours(cell, problem), by_torch(cell, problem))
        assert error <= 1e-10, (seed, (T, N, D, H), name, error)


@pytest.mark.parametrize("cell", [gru, lstm], ids=["gru", "lstm"])
def test_pytorch_gives_the_same_over_hundreds_of_steps(cell):
    pytest.importorskip("torch")
    problem = draw(cell, 0, 300, 3, 4, 16)
    name, error = gradcheck.worst_error(ours(cell, problem), by_torch(cell, problem))
    assert error <= 1e-10, (name, error)


@fast_cells
def test_weights_that_pytorch_drew_give_its_outputs_here(cell):
    """The other direction: a net of theirs, both of its biases drawn, run by this package."""
    torch = pytest.importorskip("torch")
    kind = {rnn: torch.nn.RNN, gru: torch.nn.GRU, lstm: torch.nn.LSTM}[cell]
    for seed in range(20):
        torch.manual_seed(seed)
        T, N, D, H = (int(n) for n in np.random.default_rng(seed).integers(1, [13, 5, 6, 9]))
        net = kind(D, H, dtype=torch.float64)
        params = torch_weights.from_torch(cell, {name: p.detach().numpy() for name, p in net.named_parameters()})
        x = np.random.default_rng(seed).normal(size=(T, N, D))
        with torch.no_grad():
            theirs, _ = net(torch.from_numpy(x))
        assert gradcheck.relative_error(cell.forward(params, x)[0], theirs.numpy()) <= 1e-10, seed


def rnn_by_jax(np_: Any, p: Any, h: Any, x: Any) -> Any:
    """The plain cell's equation."""
    return np_.tanh(x @ p.W_xh + h @ p.W_hh + p.b_h)


def gru_reset_first_by_jax(np_: Any, p: Any, h: Any, x: Any) -> Any:
    """Cho's equations, written block by block."""
    H = h.shape[1]
    of_x = x @ p.W_xh + p.b_h
    r = 1 / (1 + np_.exp(-(of_x[:, :H] + h @ p.W_hh[:, :H])))
    u = 1 / (1 + np_.exp(-(of_x[:, H : 2 * H] + h @ p.W_hh[:, H : 2 * H])))
    g = np_.tanh(of_x[:, 2 * H :] + (r * h) @ p.W_hh[:, 2 * H :] + p.b_hg)
    return u * h + (1 - u) * g


@pytest.mark.parametrize(
    ("cell", "equations"),
    [(rnn, rnn_by_jax), (gru_reset_first, gru_reset_first_by_jax)],
    ids=["rnn", "gru_reset_first"],
)
def test_jax_gives_the_same(cell, equations):
    jax = pytest.importorskip("jax")
    problem = draw(cell, 12, 7, 3, 5, 4)

    def loss(params: Any, x: Any, h0: Any) -> Any:
        def one_step(h: Any, x_t: Any) -> Any:
            h = equations(jax.numpy, params, h, x_t)
            return h, h

        h_T, h = jax.lax.scan(one_step, h0, x)
        return (problem.dh * h).sum() + (problem.dstate_T * h_T).sum(), (h, h_T)

    jax.config.update("jax_enable_x64", True)
    try:
        gradient = jax.grad(loss, argnums=(0, 1, 2), has_aux=True)
        (grads, dx, dh_0), (h, h_T) = gradient(*problem[:3])
    finally:
        jax.config.update("jax_enable_x64", False)
    theirs = nested.map_arrays(np.asarray, Results(h, h_T, grads, dx, dh_0))
    name, error = gradcheck.worst_error(ours(cell, problem), theirs)
    assert error <= 1e-10, (name, error)
