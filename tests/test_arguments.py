"""The checks at every public door: what they let in, and the words of a refusal.  (Refusals: test_bad_input.py.)"""

from __future__ import annotations

import any_cell
import numpy as np
import pytest
from any_cell import all_cells, draw, fast_cells, whole

from bptt_lessons import arguments, nested
from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.gradients import bptt, checkpointing, tbptt
from bptt_lessons.training import autoregression, losses, optim


def test_nan_is_found_where_it_is():
    x = np.zeros((2, 3))
    x[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"x of shape \(2, 3\) holds NaN, first at \[1, 2\]"):
        arguments.check_no_nan("x", x)
    arguments.check_no_nan("x", np.array([np.inf, -np.inf]))


def test_complex_and_real_of_one_precision_go_together():
    arguments.check_precision(a=np.ones(1), b=np.ones(1, complex))
    arguments.check_precision(a=np.ones(1, np.float32), b=np.ones(1, np.complex64))
    with pytest.raises(ValueError, match=r"mixed precision: a has dtype float64, b has dtype complex64"):
        arguments.check_precision(a=np.ones(1), b=np.ones(1, np.complex64))


def test_sizes_that_no_memory_holds_are_refused_by_name():
    with pytest.raises(ValueError, match=r"^H must be at most \d+, got 100000000000000000000$"):
        rnn.init(np.random.default_rng(0), 2, 10**20)
    with pytest.raises(ValueError, match=r"^D = 1000000000000, H = 1000000000000: .*larger than any memory"):
        rnn.init(np.random.default_rng(0), 10**12, 10**12)


def spoilt(tree, value):
    """The same arrays with one entry of each NaN or infinite."""

    def spoil(array):
        copy = array.copy()
        copy.flat[-1] = value
        return copy

    return nested.map_arrays(spoil, tree)


@all_cells
def test_data_with_nan_are_refused_wherever_a_sequence_comes_in(cell):
    params, x, state, _, _ = draw(cell, 0, 4, 3, 2, 5)

    def loss(h, start):
        return 0.0, h, None

    sequence = whole(cell)
    schedule = list(checkpointing.schedule(4, 2))
    calls = [
        lambda x, state: unrolled.forward(cell, params, x, state),
        lambda x, state: sequence.forward(params, x, state),
        lambda x, state: bptt.full_gradient(sequence, params, x, state, loss),
        lambda x, state: tbptt.windowed_gradient(sequence, params, x, state, loss, 2),
        lambda x, state: tbptt.sliding_gradient(cell, params, x, state, loss, 1, 2),
        lambda x, state: tbptt.randomised_gradient(cell, params, x, state, loss, [2], 0.5),
        lambda x, state: checkpointing.backward_sqrt(sequence, params, x, state, loss),
        lambda x, state: checkpointing.backward(cell, params, x, state, loss, schedule),
    ]
    for call in calls:
        call(x, state)
        with pytest.raises(ValueError, match=r"^x of shape .* holds NaN"):
            call(spoilt(x, np.nan), state)
        with pytest.raises(ValueError, match=r"^(state0(\.h)?|h0) of shape .* holds NaN"):
            call(x, spoilt(state, np.nan))


@fast_cells
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_net_that_has_diverged_is_seen_and_not_refused(cell, value):
    params, x, state, dh, _ = draw(cell, 0, 4, 3, 2, 5)
    lost = spoilt(params, value)

    def loss(h, start):
        return float(h.sum()), h, None

    with np.errstate(all="ignore"):
        for gradient in (
            bptt.full_gradient(cell, lost, x, state, loss),
            tbptt.windowed_gradient(cell, lost, x, state, loss, 1),
            tbptt.sliding_gradient(cell, lost, x, state, loss, 1, 2),
            checkpointing.backward_sqrt(cell, lost, x, state, loss),
        ):
            assert not np.isfinite(optim.global_norm(gradient.grads))
        _, _, tape = cell.forward(params, x, state)
        grads, _, _ = cell.backward(params, tape, spoilt(dh, value))
        stepped, _ = cell.step(params, spoilt(x[0], value), state)
        moved = optim.sgd(params, grads, 0.1)
    assert not all(np.isfinite(array).all() for _, array in nested.named_arrays(grads))
    assert not all(np.isfinite(array).all() for _, array in nested.named_arrays(moved))
    assert unrolled.hidden(stepped).shape == (3, 5)


def test_logits_may_be_nan_and_targets_may_not():
    y, target = np.zeros((2, 3, 4)), np.zeros((2, 3, 4))
    assert np.isnan(losses.mse(spoilt(y, np.nan), target))
    assert np.isnan(losses.softmax_cross_entropy(spoilt(y, np.nan), np.zeros((2, 3), int)))
    with pytest.raises(ValueError, match=r"^target of shape \(2, 3, 4\) holds NaN"):
        losses.mse(y, spoilt(target, np.nan))
    with pytest.raises(ValueError, match=r"^series of shape \(9,\) holds NaN"):
        autoregression.fit(spoilt(np.arange(9.0), np.nan), 2)


@any_cell.fast_cells
def test_one_complex_array_on_the_tape_makes_complex_gradients(cell):
    params, x, state, dh, _ = draw(cell, 0, 4, 3, 2, 5)
    _, _, tape = cell.forward(params, x, state)
    wanted, wanted_dx, _ = cell.backward(params, tape, dh)
    for field in tape._fields:
        tinged = tape._replace(**{field: getattr(tape, field) + 0j})
        grads, dx, _ = cell.backward(params, tinged, dh)
        assert nested.map_arrays(np.allclose, grads, wanted) == type(params)(*[True] * len(params))
        assert np.allclose(dx, wanted_dx)
