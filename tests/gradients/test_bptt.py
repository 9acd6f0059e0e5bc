"""Full BPTT of a loss by windows: its gradient by complex step, its sums, and what it asks of the loss."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from any_cell import all_cells, draw, fast_cells, whole
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.gradients import bptt, gradcheck
from bptt_lessons.training import loop, losses, readout

size = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
activations = st.sampled_from([TANH, SIGMOID, RELU, LINEAR])


class Both(NamedTuple):
    """Parameters of a cell and of a readout."""

    cell: Any
    readout: Any


@given(size, size, size, size, seeds, activations)
def test_the_full_gradient_agrees_with_complex_step(make_problem, T, N, D, H, seed, activation):
    params, x, h0, weights, _ = make_problem(seed, T, N, D, H, activation=activation)
    cell = rnn.with_activation(activation)

    def loss_gradient(h: Any, start: int) -> Any:
        return np.sum(np.sin(weights * h)), weights * np.cos(weights * h), None

    ours = bptt.full_gradient(cell, params, x, h0, loss_gradient)
    oracle = gradcheck.by_field(
        gradcheck.complex_step, lambda p: np.sum(np.sin(weights * unrolled.forward(cell, p, x, h0)[0])), params
    )
    name, error = gradcheck.worst_error(ours.grads, oracle)
    assert error <= 1e-12, name
    assert ours.extra is None


@all_cells
@given(size, size, st.integers(1, 3), st.integers(1, 3), seeds, st.booleans())
def test_so_does_that_of_every_cell_and_variant(cell, T, N, D, H, seed, with_state0):
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)

    def loss_gradient(h: Any, start: int) -> Any:
        return np.sum(np.sin(weights * h)), weights * np.cos(weights * h), None

    start = state0 if with_state0 else None
    ours = bptt.full_gradient(whole(cell), params, x, start, loss_gradient)
    from_zero = cell.zero_state(params, N) if start is None else start
    oracle = gradcheck.by_field(
        gradcheck.complex_step, lambda p: np.sum(np.sin(weights * unrolled.forward(cell, p, x, from_zero)[0])), params
    )
    name, error = gradcheck.worst_error(ours.grads, oracle)
    assert error <= 1e-12, name


def test_the_leaky_cell_with_a_readout_agrees_with_complex_step():
    rng = np.random.default_rng(0)
    params = leaky.Params(rng.normal(size=(2, 4)), rng.normal(size=(4, 4)), rng.normal(size=4), rng.uniform(0, 1, 4))
    out = readout.Readout(rng.normal(size=(4, 3)), rng.normal(size=3))
    x, target = rng.normal(size=(5, 2, 2)), rng.normal(size=(5, 2, 3))
    cell = unrolled.looped(leaky)
    ours = bptt.full_gradient(cell, params, x, None, readout.loss_by_window(out, target))

    def loss(both: Both) -> Any:
        h, _, _ = unrolled.forward(leaky, both.cell, x, leaky.zero_state(params, 2))
        return losses.mse(readout.forward(both.readout, h), target)

    oracle = gradcheck.by_field(gradcheck.complex_step, loss, Both(params, out))
    name, error = gradcheck.worst_error(Both(ours.grads, ours.extra), oracle)
    assert error <= 1e-13, name


@fast_cells
def test_it_is_the_gradient_of_the_training_loop(cell):
    params, x, _, _, _ = draw(cell, 1, 6, 3, 2, 5)
    rng = np.random.default_rng(0)
    model = loop.Model(params, readout.init(rng, 5, 2))
    target = rng.normal(size=(6, 3, 2))
    value, grads = loop.loss_and_gradient(cell, model, x, target)
    ours = bptt.full_gradient(cell, params, x, None, readout.loss_by_window(model.readout, target))
    assert float(ours.loss) == pytest.approx(value, rel=1e-15)
    assert gradcheck.worst_error(loop.Model(ours.grads, ours.extra), grads)[1] <= 1e-15


def test_the_loss_is_asked_once_with_all_states(make_problem):
    params, x, h0, dh, _ = make_problem(2, 6, 3, 2, 5)
    asked = []

    def loss_gradient(h: Any, start: int) -> Any:
        asked.append((h.shape, start))
        return 0.0, dh, None

    bptt.full_gradient(rnn, params, x, h0, loss_gradient)
    assert asked == [((6, 3, 5), 0)]


def test_sums_of_gradients(make_problem):
    params = make_problem(3, 1, 1, 2, 3).params
    out = readout.init(np.random.default_rng(0), 3, 2)
    one, two = bptt.Gradient(1.0, params, None), bptt.Gradient(2.5, params, out)
    both = bptt.add(one, two)
    assert both.loss == 3.5
    assert np.array_equal(both.grads.W_hh, 2 * params.W_hh)
    assert both.extra is out
    assert bptt.add_extra(None, None) is None
    assert bptt.add_extra(out, None) is out
    assert np.array_equal(bptt.add(two, two).extra.W_hy, 2 * out.W_hy)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda dh: dh[:-1], ["dh", "(5, 3, 5)", "T = 6"]),
        (lambda dh: dh[:, :1], ["dh", "(6, 1, 5)", "N = 3"]),
        (lambda dh: dh[0], ["dh", "(3, 5)"]),
        (lambda dh: dh.astype(np.float32), ["mixed precision", "float32"]),
        (lambda dh: dh.astype(int), ["dh", "int64"]),
        (lambda dh: dh.tolist(), ["dh", "list"]),
    ],
)
def test_a_gradient_of_the_loss_that_does_not_fit_is_refused_before_it_is_broadcast(make_problem, spoil, words):
    params, x, h0, dh, _ = make_problem(4, 6, 3, 2, 5)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  (the words are checked below)
        bptt.full_gradient(rnn, params, x, h0, lambda h, start: (0.0, spoil(dh), None))
    assert all(word in str(refusal.value) for word in words), str(refusal.value)
