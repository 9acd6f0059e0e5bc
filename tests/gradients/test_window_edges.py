"""Where ways to cut and to save meet full BPTT or a single step: windows as long as the sequence, or of one step.

For every cell, every variant and every activation of the plain cell, in all four precisions.
"""

from __future__ import annotations

from typing import Any

import any_cell
import numpy as np
import pytest
from any_cell import arrays_of, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import gru, gru_reset_first, lstm, lstm_coupled, lstm_peephole, rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.gradients import bptt, checkpointing, tbptt

CELLS = {f"rnn-{a.name}": rnn.with_activation(a) for a in (TANH, SIGMOID, RELU, LINEAR)}
CELLS |= {any_cell.name_of(cell): cell for cell in (lstm, gru, lstm_coupled, lstm_peephole, gru_reset_first)}
every_cell = pytest.mark.parametrize("name", CELLS)
few = settings(max_examples=6)
size = st.integers(1, 3)
shapes = st.tuples(st.integers(1, 6), size, size, size)  # T, N, D, H
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64, np.complex64, np.complex128])


def draw(cell: Any, seed: int, shape: Any, dtype: Any) -> tuple[Any, Any, Any, Any]:
    """Parameters, x, a state to start from, and a loss that is linear in h: the kink of the ReLU may be anywhere."""
    drawn = any_cell.draw(cell, seed, *shape)
    if np.dtype(dtype).kind == "c":
        drawn = nested.map_arrays(lambda a, b: (a + 1j * b) / 2, drawn, any_cell.draw(cell, seed + 2**33, *shape))
    params, x, state0, weights, _ = nested.map_arrays(lambda a: a.astype(dtype), drawn)
    if cell is CELLS["rnn-relu"]:
        params = params._replace(b_h=params.b_h + params.b_h.dtype.type(40))  # on, all of them, far from the kink

    def loss_gradient(h: Any, start: int) -> Any:
        w = weights[start : start + len(h)]
        return np.sum(w * h), w, None

    return params, x, state0, loss_gradient


def assert_same(ours: bptt.Gradient, right: bptt.Gradient) -> None:
    """Loss and gradients agree to 100 units of rounding of the largest number, as in cells/test_symmetries.py."""
    a, b = arrays_of(ours.grads), arrays_of(right.grads)
    assert all(p.shape == q.shape and p.dtype == q.dtype for p, q in zip(a, b, strict=True))
    eps, scale = np.finfo(a[0].dtype).eps, max(np.abs(q).max() for q in b)
    assert max(np.abs(p - q).max() for p, q in zip(a, b, strict=True)) <= 100 * eps * scale
    assert abs(ours.loss - right.loss) <= 1000 * eps * max(1, abs(right.loss))


@every_cell
@few
@given(shapes, seeds, dtypes, st.integers(0, 3))
def test_windows_and_segments_as_long_as_the_sequence_or_longer_are_full_bptt(name, shape, seed, dtype, further):
    cell, T = CELLS[name], shape[0]
    given_to = draw(cell, seed, shape, dtype)
    full = bptt.full_gradient(whole(cell), *given_to)
    k = T + further
    assert_same(tbptt.windowed_gradient(whole(cell), *given_to, k), full)
    assert_same(tbptt.windowed_gradient(whole(cell), *given_to, k, carry=False), full)
    assert_same(tbptt.sliding_gradient(cell, *given_to, k, k), full)
    assert_same(tbptt.sliding_gradient(cell, *given_to, 1, k), full)
    assert_same(tbptt.randomised_gradient(cell, *given_to, [], 0.5 if T == 1 else 0.0), full)
    assert_same(checkpointing.backward_sqrt(whole(cell), *given_to, segment=k), full)
    for keeps in ("state", "step"):
        assert_same(checkpointing.backward(cell, *given_to, checkpointing.schedule(T, k, keeps)), full)


@every_cell
@few
@given(shapes, seeds, dtypes)
def test_segments_of_one_step_and_slots_of_one_are_full_bptt_all_the_same(name, shape, seed, dtype):
    cell, T = CELLS[name], shape[0]
    given_to = draw(cell, seed, shape, dtype)
    full = bptt.full_gradient(whole(cell), *given_to)
    assert_same(checkpointing.backward_sqrt(whole(cell), *given_to, segment=1), full)
    for keeps in ("state", "step"):
        assert_same(checkpointing.backward(cell, *given_to, checkpointing.schedule(T, 1, keeps)), full)


@every_cell
@few
@given(shapes, seeds, dtypes)
def test_windows_of_one_step_see_one_use_of_the_parameters_each(name, shape, seed, dtype):
    """One step from each state of the whole run, one step back, and the sum over the steps: no product over time."""
    cell, T = CELLS[name], shape[0]
    params, x, state0, loss_gradient = given_to = draw(cell, seed, shape, dtype)
    carried = restarted = bptt.Gradient(0.0, nested.zeros_like(params), None)
    state, zeros = state0, nested.map_arrays(np.zeros_like, cell.zero_state(params, shape[1]))
    for t in range(T):
        for start in {"carried": state, "restarted": state0 if t == 0 else zeros}.items():
            after, cache = cell.step(params, x[t], start[1])
            loss, dh, _ = loss_gradient(unrolled.hidden(after)[None], t)
            grads, _, _ = cell.step_backward(params, cache, unrolled.add_to_hidden(zeros, dh[0]))
            if start[0] == "carried":
                carried, state = bptt.add(carried, bptt.Gradient(loss, grads, None)), after
            else:
                restarted = bptt.add(restarted, bptt.Gradient(loss, grads, None))
    assert_same(tbptt.windowed_gradient(whole(cell), *given_to, 1), carried)
    assert_same(tbptt.windowed_gradient(whole(cell), *given_to, 1, carry=False), restarted)
    assert_same(tbptt.sliding_gradient(cell, *given_to, 1, 1), carried)
    assert_same(tbptt.randomised_gradient(cell, *given_to, list(range(1, T)), 0.5), carried)


@every_cell
@few
@given(shapes, seeds, dtypes, st.integers(1, 7), st.integers(-20, 20))
def test_a_loss_times_a_power_of_two_has_its_gradient_times_that_however_it_is_cut(name, shape, seed, dtype, k, power):
    cell = CELLS[name]
    params, x, state0, loss_gradient = draw(cell, seed, shape, dtype)
    factor = 2.0**power

    def scaled(h: Any, start: int) -> Any:
        loss, dh, extra = loss_gradient(h, start)
        return loss * factor, dh * factor, extra

    for gradient in (
        lambda f: bptt.full_gradient(whole(cell), params, x, state0, f),
        lambda f: tbptt.windowed_gradient(whole(cell), params, x, state0, f, k),
        lambda f: tbptt.sliding_gradient(cell, params, x, state0, f, k, 2 * k),
        lambda f: checkpointing.backward_sqrt(whole(cell), params, x, state0, f, k),
    ):
        ours, right = gradient(scaled), gradient(loss_gradient)
        assert ours.loss == right.loss * factor
        assert all(np.array_equal(a, b * factor) for a, b in zip(ours.grads, right.grads, strict=True))
