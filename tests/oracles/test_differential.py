"""Every cell against PyTorch and JAX, losses, readout and updates against PyTorch, in drawn questions.

    python -m pytest tests/oracles/test_differential.py                        the usual number
    BPTT_EXAMPLES=500 python -m pytest tests/oracles/test_differential.py      500 of each, never the same ones

Where two libraries disagree, hypothesis finds the smallest such question, and the failure shows it (``agreement``).
Where a library is missing, its tests are skipped.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import agreement
import by_package
import numpy as np
import pytest
import questions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from questions import CELLS, SHORT, Question

from bptt_lessons.cells import gru, lstm, rnn, torch_weights

LONG = int(os.environ.get("BPTT_EXAMPLES", "0"))
LIBRARIES = {"PyTorch": ("torch", "by_pytorch"), "JAX": ("jax", "by_jax")}
# PyTorch's modules take any shape at once; JAX takes its time, and has fewer to do.
OF_A_CELL = {("PyTorch", "float64"): 110, ("PyTorch", "float32"): 25, ("JAX", "float64"): 10, ("JAX", "float32"): 4}

both_dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])
of_each_library = pytest.mark.parametrize(
    ("library", "of"),
    [("PyTorch", of) for of in ("rnn_tanh", "rnn_relu", "lstm", "gru")] + [("JAX", of) for of in CELLS],
)

size = st.integers(1, 8)
steps = st.integers(1, SHORT) | st.integers(SHORT + 1, 200)
seeds = st.integers(0, 2**32 - 1)


def by_library(name: str) -> Any:
    """The module that lets a library answer, or skip."""
    package, module = LIBRARIES[name]
    pytest.importorskip(package, reason=f"{name} is not installed (pip install -e '.[oracles]' installs both)")
    return importlib.import_module(module)


def compare(question: Question, library: Any) -> None:
    """Raise AssertionError unless this package and the library agree."""
    ours, exact = by_package.answer(question), library.answer(questions.cast(question, np.float64))
    bounds = agreement.bounds_for(question, ours, exact, library.answer)
    agreement.part_of_bounds(question, ours, exact, bounds, library.NAME)


def always(strategy: Any, draw: Callable[..., Question], library: Any, examples: int) -> set[str]:
    """Compare in every question that the strategy's arguments draw, and return what was asked."""
    asked = set()

    @settings(
        max_examples=LONG or examples,
        phases=[Phase.generate, Phase.shrink],
        derandomize=not LONG,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def in_every_question(arguments: dict[str, Any]) -> None:
        question = draw(**arguments)
        asked.add(question.drawn)
        compare(question, library)

    in_every_question()
    return asked


@both_dtypes
@of_each_library
def test_every_cell(library, of, dtype):
    """All outputs, all gradients; one to 200 steps; with first state and last gradient, or without."""
    some = LONG or library == "PyTorch"
    sizes = {name: size if some else st.just(3) for name in "NDH"} | {"T": steps if some else st.sampled_from([1, 20])}
    how = {"of": st.just(of), "dtype": st.just(dtype), "state0": st.booleans(), "dstate_T": st.booleans()}
    strategy = st.fixed_dictionaries(sizes | how | {"seed": seeds})
    asked = always(strategy, questions.draw_cell, by_library(library), OF_A_CELL[library, dtype])
    if (library, dtype) == ("PyTorch", "float64") and not LONG:
        assert len(asked) >= 100  # all different: README counts on it


@both_dtypes
@pytest.mark.parametrize("of", ["mse", "softmax_cross_entropy"])
def test_every_loss(of, dtype):
    how = {"T": size, "N": size, "K": size, "of": st.just(of), "mask": st.booleans()}
    ask_pytorch(how, dtype, questions.draw_loss)


@both_dtypes
def test_the_readout(dtype):
    ask_pytorch({"T": size, "N": size, "H": size, "K": size}, dtype, questions.draw_readout)


@both_dtypes
def test_gradient_descent(dtype):
    how = {"updates": st.integers(1, 30), "lr": st.sampled_from([0.5, 0.01, 1e-4]), "of": st.just("sgd")}
    ask_pytorch(how, dtype, questions.draw_updates)


@both_dtypes
def test_adam(dtype):
    """The parameters, the means and the squares after the last update."""
    how = {"updates": st.integers(1, 30), "lr": st.sampled_from([1e-3, 0.05]), "of": st.just("adam")}
    how |= {"decay_mean": st.sampled_from([0.9, 0.5, 0.0]), "decay_square": st.sampled_from([0.999, 0.9])}
    how |= {"eps": st.sampled_from([1e-8, 1e-3])}
    ask_pytorch(how, dtype, questions.draw_updates)


@both_dtypes
def test_clipping(dtype):
    """The norm, and the gradient: longer than is allowed, and shorter."""
    how = {"H": size, "K": size, "max_norm": st.sampled_from([1.0, 0.25, 5.0, 100.0])}
    ask_pytorch(how, dtype, questions.draw_clip)


def ask_pytorch(how: dict[str, Any], dtype: str, draw: Callable[..., Question]) -> None:
    """Compare with PyTorch in a few questions."""
    strategy = st.fixed_dictionaries(how | {"seed": seeds, "dtype": st.just(dtype)})
    always(strategy, draw, by_library("PyTorch"), 25 if dtype == "float64" else 10)


def test_how_clipping_differs_from_pytorchs():
    """PyTorch divides by the norm + 1e-6, algorithm 1 of Pascanu et al. by the norm: PyTorch's is that much shorter."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    question = questions.draw_clip(3, 2, "float64", 0, max_norm=1e-5)
    question = question._replace(inputs={name: a * 1e-5 for name, a in question.inputs.items()})
    ours = by_package.answer(question)
    leaves = [torch.zeros(a.shape, dtype=torch.float64) for a in question.inputs.values()]
    for leaf, grad in zip(leaves, question.inputs.values(), strict=True):
        leaf.grad = torch.tensor(grad)
    norm = float(torch.nn.utils.clip_grad_norm_(leaves, 1e-5))
    assert norm > 2e-5  # it is clipped, and 1e-6 matters
    for leaf, name in zip(leaves, question.inputs, strict=True):
        clipped = ours[name.replace("grads", "clipped")]
        assert agreement.relative_error(leaf.grad.numpy(), clipped * norm / (norm + 1e-6)) <= 1e-14
        assert agreement.relative_error(leaf.grad.numpy(), clipped) > 1e-3


MODULES = pytest.mark.parametrize(
    ("cell", "module"), [(rnn, "RNN"), (lstm, "LSTM"), (gru, "GRU")], ids=["rnn", "lstm", "gru"]
)


def nets(module: str, count: int) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Nets that PyTorch drew, both biases too, with an input and the weights in its own names."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for seed in range(count):
        torch.manual_seed(seed)
        T, N, D, H = (int(n) for n in np.random.default_rng(seed).integers(1, [13, 5, 6, 9]))
        net = getattr(torch.nn, module)(D, H, dtype=torch.float64)
        x = torch.randn(T, N, D, dtype=torch.float64)
        yield net, x, {name: p.detach().numpy() for name, p in net.named_parameters()}


@MODULES
def test_weights_that_pytorch_drew_give_its_outputs_here(cell, module):
    for net, x, weights in nets(module, 30):
        params = torch_weights.from_torch(cell, weights)
        h, _, _ = cell.forward(params, x.numpy())
        assert agreement.relative_error(h, net(x)[0].detach().numpy()) <= agreement.FLOAT64


@MODULES
def test_weights_from_here_do_in_pytorch_what_they_do_here_and_come_back_as_they_went(cell, module):
    for seed, (net, x, _) in enumerate(nets(module, 30)):
        params = cell.init(np.random.default_rng(seed), net.input_size, net.hidden_size)
        params = cell.Params(*(p + 0.25 for p in params))  # no bias of zeros
        for name, weight in torch_weights.to_torch(params).items():
            getattr(net, name).data = x.new_tensor(weight)
        h, _, _ = cell.forward(params, x.numpy())
        assert agreement.relative_error(h, net(x)[0].detach().numpy()) <= agreement.FLOAT64
        back = torch_weights.from_torch(cell, {name: p.detach().numpy() for name, p in net.named_parameters()})
        assert all(np.array_equal(a, b) for a, b in zip(back, params, strict=True))
