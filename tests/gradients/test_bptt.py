"""Full BPTT: its gradient by complex step, sums of gradients, and how it calls the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from any_cell import all_cells, assert_gradient, draw, fast_cells
from any_cell import whole as with_passes
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.gradients import bptt, gradcheck
from bptt_lessons.training import loop, readout

size = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


@all_cells
@given(size, size, st.integers(1, 3), st.integers(1, 3), seeds, st.booleans())
def test_the_full_gradient_agrees_with_complex_step(cell, whole, T, N, D, H, seed, with_state0):
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)

    def loss_gradient(h: Any, start: int) -> Any:
        return np.sum(np.sin(weights * h)), weights * np.cos(weights * h), None

    start = state0 if with_state0 else cell.zero_state(params, N)
    ours = bptt.full_gradient(with_passes(cell), params, x, state0 if with_state0 else None, loss_gradient)
    assert_gradient(
        ours.grads,
        lambda p: np.sum(np.sin(weights * unrolled.forward(cell, p, x, start)[0])),
        params,
        whole,
        1e-12,
    )
    assert ours.extra is None


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


def test_the_loss_is_asked_once_with_all_states():
    params, x, h0, dh, _ = draw(rnn, 2, 6, 3, 2, 5)
    asked = []

    def loss_gradient(h: Any, start: int) -> Any:
        asked.append((h.shape, start))
        return 0.0, dh, None

    bptt.full_gradient(rnn, params, x, h0, loss_gradient)
    assert asked == [((6, 3, 5), 0)]


def test_sums_of_gradients():
    params = draw(rnn, 3, 1, 1, 2, 3).params
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
def test_a_gradient_of_the_loss_that_does_not_fit_is_refused_before_it_is_broadcast(spoil, words):
    params, x, h0, dh, _ = draw(rnn, 4, 6, 3, 2, 5)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  (the words are checked below)
        bptt.full_gradient(rnn, params, x, h0, lambda h, start: (0.0, spoil(dh), None))
    assert all(word in str(refusal.value) for word in words), str(refusal.value)
