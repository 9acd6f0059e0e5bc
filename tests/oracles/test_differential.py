"""Every cell, loss and update against PyTorch and JAX, in as many drawn questions as one likes.

    python -m pytest tests/oracles/test_differential.py -rP                        the usual number
    BPTT_EXAMPLES=500 python -m pytest tests/oracles/test_differential.py -rP      500 of each, never the same ones

-rP prints the worst error of each; --hypothesis-seed=0 with the second repeats it.  A question in which the two
disagree is made as small as can be (hypothesis) and printed, with the Python lines that show it (``agreement``).
Where a library is missing, its tests are skipped.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

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
OF_A_CELL = {("PyTorch", "float64"): 110, ("PyTorch", "float32"): 25, ("JAX", "float64"): 25, ("JAX", "float32"): 10}
OF_OTHERS = {("PyTorch", "float64"): 25, ("PyTorch", "float32"): 10, ("JAX", "float64"): 8, ("JAX", "float32"): 4}

both_libraries = pytest.mark.parametrize("library", LIBRARIES)
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


class Tally(NamedTuple):
    """What the comparisons of one test came to."""

    here: list[float]  # relative errors in float64, errors as parts of what is allowed in float32
    own: list[float]  # the same of the other library's own float32
    asked: dict[str, str]  # how it was drawn, and what it was about


def compare(question: Question, library: Any, tally: Tally) -> None:
    """Raise AssertionError unless this package and the library agree."""
    ours, exact = by_package.answer(question), library.answer(questions.cast(question, np.float64))
    bounds = agreement.bounds_for(question, ours, exact, library.answer)
    part = agreement.part_of_bounds(question, ours, exact, bounds, library.NAME, by_package.in_python)
    tally.asked[question.drawn] = f"{question.of} {question.dtype}"
    if question.dtype == np.float64:
        tally.here.append(max(agreement.relative_error(ours[name], exact[name]) for name in exact))
        return
    tally.here.append(part)
    if library.NAME == "PyTorch" or LONG:  # (JAX would compile once more)
        own = library.answer(question)
        parts = [float(np.max(np.abs(own[name] - exact[name]))) / bounds[name] for name in exact if bounds[name]]
        tally.own.append(max(parts, default=0.0))


def always(strategy: Any, draw: Callable[..., Question], library: Any, examples: int) -> Tally:
    """Compare in every question that the strategy's arguments draw, and print how it went."""
    tally = Tally([], [], {})

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
        compare(draw(**arguments), library, tally)

    in_every_question()
    (about,) = set(tally.asked.values())
    worst = f"{max(tally.here):.2f} of what rounding may do"
    if "float64" in about:
        worst = f"{max(tally.here):.1e}"
    print(f"{about} by {library.NAME} {library.VERSION}: {len(tally.asked)} questions, worst error {worst}")
    if tally.own:
        print(f"    {library.NAME}'s own worst error: {max(tally.own):.2f} of what rounding may do")
    return tally


@both_dtypes
@of_each_library
def test_every_cell(library, of, dtype):
    """All outputs, all gradients; one to 200 steps; with first state and last gradient, or without."""
    examples = OF_A_CELL[library, dtype]
    sizes = {"T": steps, "N": size, "D": size, "H": size, "seed": seeds}
    how = {"of": st.just(of), "dtype": st.just(dtype), "state0": st.booleans(), "dstate_T": st.booleans()}
    tally = always(st.fixed_dictionaries(sizes | how), questions.draw_cell, by_library(library), examples)
    if (library, dtype) == ("PyTorch", "float64") and not LONG:
        assert len(tally.asked) >= 100  # all different: README counts on it


@pytest.mark.parametrize("of", ["rnn_tanh", "lstm", "gru"])
def test_more_steps_and_more_units(of):
    library = by_library("PyTorch")
    question = questions.draw_cell(of, 300, 3, 4, 16, "float64", 0, True, True)
    compare(question, library, Tally([], [], {}))


def test_zeros_round_a_small_question_do_not_change_what_jax_answers():
    jax = by_library("JAX")
    question = questions.draw_cell("lstm_peephole", 5, 2, 3, 4, "float64", 0, True, True)
    with jax.double_precision():
        laid, alone = ({name: np.asarray(a) for name, a in jax.cell(question, r).items()} for r in (jax.ROOM, None))
    bounds = agreement.float64_bounds(laid, alone, 1e-14)
    assert agreement.part_of_bounds(question, laid, alone, bounds, "JAX alone", by_package.in_python) <= 1


@both_dtypes
@both_libraries
@pytest.mark.parametrize("of", ["mse", "softmax_cross_entropy"])
def test_every_loss(library, of, dtype):
    sizes = shapes(library, T=size, N=size, K=size) | {"seed": seeds, "mask": st.booleans()}
    how = {"of": st.just(of), "dtype": st.just(dtype)}
    always(st.fixed_dictionaries(sizes | how), questions.draw_loss, by_library(library), OF_OTHERS[library, dtype])


@both_dtypes
@both_libraries
def test_the_readout(library, dtype):
    sizes = shapes(library, T=size, N=size, H=size, K=size) | {"seed": seeds, "dtype": st.just(dtype)}
    always(st.fixed_dictionaries(sizes), questions.draw_readout, by_library(library), OF_OTHERS[library, dtype])


def shapes(library: str, **sizes: Any) -> dict[str, Any]:
    """Any sizes for PyTorch; for JAX, which compiles for each, two to choose from."""
    if library == "PyTorch" or LONG:
        return sizes
    return {name: st.just(3) for name in sizes} | {"K": st.sampled_from([1, 5])}


UPDATES = {"PyTorch": st.integers(1, 30), "JAX": st.integers(1, 30 if LONG else 5)}


@both_dtypes
@both_libraries
def test_gradient_descent(library, dtype):
    how = {"updates": UPDATES[library], "lr": st.sampled_from([0.5, 0.01, 1e-4])}
    how |= {"of": st.just("sgd"), "dtype": st.just(dtype), "seed": seeds}
    always(st.fixed_dictionaries(how), questions.draw_updates, by_library(library), OF_OTHERS[library, dtype])


@both_dtypes
@both_libraries
def test_adam(library, dtype):
    """The parameters, the means and the squares after the last update."""
    how = {"updates": UPDATES[library], "lr": st.sampled_from([1e-3, 0.05])}
    how |= {"decay_mean": st.sampled_from([0.9, 0.5, 0.0]), "decay_square": st.sampled_from([0.999, 0.9])}
    how |= {"eps": st.sampled_from([1e-8, 1e-3]), "of": st.just("adam"), "dtype": st.just(dtype), "seed": seeds}
    always(st.fixed_dictionaries(how), questions.draw_updates, by_library(library), OF_OTHERS[library, dtype])


@both_dtypes
@both_libraries
def test_clipping(library, dtype):
    """The norm, and the gradient: longer than is allowed, and shorter."""
    how = shapes(library, H=size, K=size) | {"seed": seeds, "dtype": st.just(dtype)}
    how |= {"max_norm": st.sampled_from([1.0, 0.25, 5.0, 100.0])}
    always(st.fixed_dictionaries(how), questions.draw_clip, by_library(library), OF_OTHERS[library, dtype])


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
    for net, x, weights in nets(module, 100):
        params = torch_weights.from_torch(cell, weights)
        h, _, _ = cell.forward(params, x.numpy())
        assert agreement.relative_error(h, net(x)[0].detach().numpy()) <= agreement.FLOAT64


@MODULES
def test_weights_from_here_do_in_pytorch_what_they_do_here_and_come_back_as_they_went(cell, module):
    for seed, (net, x, _) in enumerate(nets(module, 100)):
        params = cell.init(np.random.default_rng(seed), net.input_size, net.hidden_size)
        params = cell.Params(*(p + 0.25 for p in params))  # no bias of zeros
        for name, weight in torch_weights.to_torch(params).items():
            getattr(net, name).data = x.new_tensor(weight)
        h, _, _ = cell.forward(params, x.numpy())
        assert agreement.relative_error(h, net(x)[0].detach().numpy()) <= agreement.FLOAT64
        back = torch_weights.from_torch(cell, {name: p.detach().numpy() for name, p in net.named_parameters()})
        assert all(np.array_equal(a, b) for a, b in zip(back, params, strict=True))
