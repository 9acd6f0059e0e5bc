"""Memory: what tapes hold, exactly by the formula, and what computations need, within stated margins."""

from __future__ import annotations

import tracemalloc
from math import isqrt
from typing import Any, NamedTuple

import any_cell
import numpy as np
import pytest
from any_cell import fast_cells
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import gru, lstm, rnn, unrolled
from bptt_lessons.gradients import bptt, checkpointing, memory, tbptt
from bptt_lessons.tasks import delayed_echo
from bptt_lessons.training import loop, losses, optim, readout

size = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)

PYTHON = 64_000  # bytes that lists, tuples, views and numbers may take
WEIGHTS = 6  # copies of the parameters: a gradient of a part, the sum, the next sum, a transposed W_hh, ...


class Case(NamedTuple):
    """A net that is fed, and the bytes of one state and of its parameters."""

    params: Any
    x: Any
    h0: Any
    state: int
    weights: int


def draw(T: int, N: int, D: int, H: int, cell: Any = rnn) -> Case:
    """Draw a case."""
    rng = np.random.default_rng(0)
    params = cell.init(rng, D, H)
    state = 8 * N * H
    return Case(params, rng.normal(size=(T, N, D)), cell.zero_state(params, N), state, sum(p.nbytes for p in params))


def half_square(h: Any, start: int) -> Any:
    """L = ½ Σ h², whose gradient needs no memory of its own: it is h."""
    return 0.5 * float(np.vdot(h, h)), h, None


PER_STEP = {rnn: 1, gru: 5, lstm: 7}  # arrays (N, H) that a step leaves: h; and r u g s; and c, i f g o and tanh c


@fast_cells
@given(size, size, size, size, seeds, st.sampled_from([np.float32, np.float64]))
def test_what_the_tapes_of_the_three_cells_hold(cell, T, N, D, H, seed, dtype):
    """The caches hold what the backward pass uses; the tape holds the state after the last step as well."""
    params, x, state0, _, _ = any_cell.draw(cell, seed, T, N, D, H, dtype)
    one = np.dtype(dtype).itemsize * N * H
    _, _, caches = unrolled.forward(cell, params, x, state0)
    last = one if cell is rnn else 0  # only the plain cell's backward pass looks at h_t itself
    assert memory.held_bytes(caches) == x.nbytes + PER_STEP[cell] * T * one + last
    _, _, tape = cell.forward(params, x, state0)
    if cell is rnn:
        right = checkpointing.tape_bytes(T, N, D, H, np.dtype(dtype).itemsize)
        assert memory.held_bytes(tape) == memory.held_bytes(caches) == right
    parts = len(any_cell.arrays_of(state0))
    assert PER_STEP[cell] * T * one <= memory.held_bytes(tape) - x.nbytes <= (PER_STEP[cell] * T + parts) * one


def test_shared_memory_counts_once_and_whole():
    a = np.zeros(100)
    assert memory.held_bytes(a) == memory.held_bytes([a, a, (a[3:], a.reshape(4, 25).T)]) == 800
    assert memory.held_bytes(a[:1]) == 800  # the view keeps all of it alive
    assert memory.held_bytes([a, a.copy()]) == 1600
    assert memory.held_bytes([]) == memory.held_bytes((None, 1.0, np.float64(2))) == 0


def test_the_peak_of_a_known_allocation_and_its_result():
    def twice() -> int:
        first = np.ones(100_000)
        del first
        second = np.ones(200_000)
        return len(second)

    peak = memory.peak_bytes(twice)
    assert peak.result == 200_000
    assert 1_600_000 <= peak.bytes <= 1_600_000 + PYTHON


def test_what_was_there_before_does_not_count_and_tracing_is_left_as_it_was():
    def nested_peaks() -> tuple[int, bool]:
        before = np.ones(500_000)
        np.ones(1_000_000)  # gone at once: an old peak is not the function's
        inner = memory.peak_bytes(np.ones, 1000).bytes
        return inner + 0 * len(before), tracemalloc.is_tracing()

    outer = memory.peak_bytes(nested_peaks)
    assert 8000 <= outer.result[0] <= 8000 + PYTHON
    assert outer.result[1]
    assert not tracemalloc.is_tracing()
    with pytest.raises(ZeroDivisionError):
        memory.peak_bytes(lambda: 1 / 0)
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize(("T", "N", "D", "H"), [(400, 32, 2, 64), (100, 64, 8, 32)])
def test_full_bptt_needs_the_states_twice(T, N, D, H):
    """The tape's T + 1 states, as many dz, and dx: within 5 per cent, and what parameters and Python take."""
    params, x, h0, state, weights = draw(T, N, D, H)
    right = (2 * T + 1) * state + x.nbytes
    peak = memory.peak_bytes(bptt.full_gradient, rnn, params, x, h0, half_square).bytes
    assert right <= peak <= 1.05 * right + WEIGHTS * weights + PYTHON


@pytest.mark.parametrize(("T", "N", "D", "H"), [(400, 32, 2, 64), (1600, 16, 1, 32)])
def test_checkpoints_at_every_square_root_need_a_few_square_roots_of_states(T, N, D, H):
    """√T kept, and up to four segments: the tape being made, the one before it, dz, and the states on the way."""
    params, x, h0, state, weights = draw(T, N, D, H)
    peak = memory.peak_bytes(checkpointing.backward_sqrt, rnn, params, x, h0, half_square).bytes
    root = isqrt(T)
    assert 2 * root * state <= peak <= 5 * (root + 1) * state + x.nbytes // root * 2 + WEIGHTS * weights + PYTHON
    assert peak < T * state / 2


@pytest.mark.parametrize("keeps", ["state", "step"])
@pytest.mark.parametrize("slots", [5, 40])
def test_a_schedule_needs_its_slots_and_a_handful_more(slots, keeps):
    """A slot for a state holds one, a slot for a step holds up to two, h_prev and h; six more are at work at a time."""
    params, x, h0, state, weights = draw(120, 32, 2, 64)
    actions = list(checkpointing.schedule(120, slots, keeps))  # made before: the tables behind it are Python's
    peak = memory.peak_bytes(checkpointing.backward, rnn, params, x, h0, half_square, actions).bytes
    per_slot = 1 if keeps == "state" else 2
    most = (per_slot * slots + 6) * state + WEIGHTS * weights + 1000 * slots + PYTHON
    assert (slots - 1) * state <= peak <= most


@pytest.mark.parametrize("carry", [True, False])
def test_windows_need_no_more_memory_for_more_steps(carry, whole):
    peaks = {}
    for T in (1_000, 10_000, 100_000) if whole else (1_000, 5_000):
        params, x, h0, state, weights = draw(T, 2, 2, 16)
        peaks[T] = memory.peak_bytes(tbptt.windowed_gradient, rnn, params, x, h0, half_square, 100, carry).bytes
        assert peaks[T] <= 4 * 100 * state + WEIGHTS * weights + PYTHON  # two windows, dz, and Python's lists
    assert max(peaks.values()) - min(peaks.values()) <= 16_000  # within Python's own; a window takes 25,600


def test_sliding_needs_no_more_memory_for_more_steps():
    peaks = {}
    for T in (500, 150, 500):  # the longest twice: the first fills the lists of tuples that Python keeps
        params, x, h0, _, _ = draw(T, 2, 2, 32)
        peaks[T] = memory.peak_bytes(tbptt.sliding_gradient, rnn, params, x, h0, half_square, 25, 50).bytes
    assert max(peaks.values()) - min(peaks.values()) <= 16_000  # within Python's own


@pytest.mark.long
def test_a_net_trains_on_a_hundred_thousand_steps_in_bounded_memory() -> None:
    rng = np.random.default_rng(0)
    x, target, mask = delayed_echo.stream(rng, 100_000, 1, 2)
    model = loop.Model(rnn.init(rng, 1, 64), readout.init(rng, 64, 2))
    pair = (losses.softmax_cross_entropy, losses.softmax_cross_entropy_gradient)

    def train() -> list[float]:
        trained, remembered, seen = model, optim.adam_start(model), []
        for _ in range(2):
            loss_gradient = readout.loss_by_window(trained.readout, target, mask, *pair)
            found = checkpointing.backward_sqrt(rnn, trained.cell, x, None, loss_gradient)
            seen.append(float(found.loss))
            trained, remembered = optim.adam(trained, loop.Model(found.grads, found.extra), remembered, 0.01)
        return seen

    seen, peak = memory.peak_bytes(train)
    assert seen[1] < seen[0]
    assert peak < 2e6 < 51e6 < checkpointing.tape_bytes(100_000, 1, 1, 64)
