"""The training loop, and the gradient of a whole model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import SIGMOID
from bptt_lessons.gradients import gradcheck
from bptt_lessons.tasks import temporal_xor
from bptt_lessons.training import loop, losses, optim, readout


def draw(seed: int, T: int, N: int, D: int, H: int, K: int, dtype: Any = np.float64) -> tuple[loop.Model, Any, Any]:
    """Draw a model, inputs and a mask."""
    rng = np.random.default_rng(seed)
    model = loop.Model(rnn.init(rng, D, H, dtype), readout.init(rng, H, K, dtype))
    mask = rng.random((T, N)) < 0.6
    mask[-1, -1] = True
    return model, rng.normal(size=(T, N, D)).astype(dtype), mask


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", [rnn, rnn.with_activation(SIGMOID)], ids=["tanh", "sigmoid"])
@pytest.mark.parametrize("kind", ["mse", "softmax_cross_entropy"])
def test_the_gradient_of_a_whole_model_agrees_with_complex_step(kind, cell, masked):
    T, N, D, H, K = 5, 3, 2, 4, 3
    model, x, mask = draw(0, T, N, D, H, K)
    rng = np.random.default_rng(1)
    target = rng.normal(size=(T, N, K)) if kind == "mse" else rng.integers(0, K, (T, N))
    mask = mask if masked else None
    value, gradient = getattr(losses, kind), getattr(losses, f"{kind}_gradient")
    number, grads = loop.loss_and_gradient(cell, model, x, target, mask, value, gradient)

    def loss(m: loop.Model) -> Any:
        return value(loop.predict(cell, m, x), target, mask)

    assert type(number) is float
    assert number == pytest.approx(loss(model), rel=1e-14)
    assert type(grads) is loop.Model
    name, error = gradcheck.worst_error(grads, gradcheck.by_field(gradcheck.complex_step, loss, model))
    assert error <= 1e-13, name


def test_float32_stays_float32_through_training():
    model, x, _ = draw(2, 5, 3, 2, 4, 1, np.float32)
    target = np.zeros((5, 3, 1), np.float32)
    value, grads = loop.loss_and_gradient(rnn, model, x, target)
    assert loop.predict(rnn, model, x).dtype == np.float32
    better = optim.sgd(model, grads, np.float64(0.1))
    assert {a.dtype for _, a in nested.named_arrays(grads)} == {np.dtype(np.float32)}
    assert {a.dtype for _, a in nested.named_arrays(better)} == {np.dtype(np.float32)}
    assert type(value) is float


def parabola(model: Any, batch: float) -> tuple[float, Any]:
    """The loss (w - batch)² of a model of one number."""
    return float(((model - batch) ** 2).sum()), 2 * (model - batch)


def descend(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
    """One step of gradient descent."""
    return optim.sgd(model, grads, 0.25), memory


def test_fit_makes_one_update_for_every_batch():
    fitted = loop.fit(loop.Session(np.array([1.0])), [0.0, 0.0, 2.0], parabola, descend)
    assert fitted.losses == (1.0, 0.25, 1.75**2)  # each before its update
    assert fitted.model == 0.25 - 0.5 * (0.25 - 2)


def test_fit_reports_every_update_after_it_is_done():
    events: list[Any] = []

    def update(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
        events.append("update")
        return descend(model, grads, memory)

    start = loop.Session(np.array([1.0]))
    loop.fit(start, iter([0.0, 0.0]), parabola, update, lambda done, loss: events.append((done, loss)))
    assert events == ["update", (1, 1.0), "update", (2, 0.25)]


def test_fit_with_no_batches_changes_nothing():
    start = loop.Session(np.array([1.0]), losses=(3.0,))
    assert loop.fit(start, [], parabola, descend) == start


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_fit_stops_when_training_has_diverged(bad):
    updates: list[int] = []
    with pytest.raises(ValueError, match=r"at update 2: training diverged.*lr"):
        loop.fit(
            loop.Session(np.array([1.0])),
            [0.0, bad, 0.0],
            lambda model, batch: (1.0 + batch, model),
            lambda model, grads, memory: (updates.append(1) or model, memory),
        )
    assert len(updates) == 1


def test_fit_stops_when_a_learning_rate_is_too_high():
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="diverged"):
        loop.fit(loop.Session(np.array([1.0])), [0.0] * 2000, parabola, lambda m, g, _: (optim.sgd(m, g, 3.0), None))


def train_xor(seed: int) -> tuple[loop.Model, loop.Session]:
    """Train a small net on short XOR streams."""
    rng = np.random.default_rng(seed)
    model = loop.Model(rnn.init(rng, 1, 8), readout.init(rng, 8, 1))
    batches = (temporal_xor.sequences(rng, 6, 10) for _ in range(30))
    return model, loop.fit(
        loop.Session(model),
        batches,
        lambda m, b: loop.loss_and_gradient(rnn, m, b.x, b.target),
        lambda m, g, memory: (optim.sgd(m, g, 0.2), memory),
    )


def test_training_is_deterministic_lowers_the_loss_and_leaves_its_start_alone():
    start, one = train_xor(0)
    _, two = train_xor(0)
    assert one.losses == two.losses
    assert gradcheck.worst_error(one.model, two.model)[1] == 0
    assert len(one.losses) == 30
    assert np.mean(one.losses[-5:]) < 0.7 * one.losses[0]
    assert np.array_equal(start.cell.W_xh, rnn.init(np.random.default_rng(0), 1, 8).W_xh)
