"""What is held and what a computation needs: exactly the formula for tapes, within stated margins for peaks."""

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
from bptt_lessons.course.catalogue import leaky
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


@given(size, size, size, size, seeds, st.sampled_from([np.float32, np.float64]))
def test_a_tape_and_a_list_of_caches_hold_exactly_what_the_formula_says(make_problem, T, N, D, H, seed, dtype):
    """x, which is the caller's, and T + 1 states: h_prev is a view in the tape, and the same array in the caches."""
    params, x, h0, _, _ = make_problem(seed, T, N, D, H, dtype)
    right = checkpointing.tape_bytes(T, N, D, H, np.dtype(dtype).itemsize)
    _, _, tape = rnn.forward(params, x, h0)
    _, _, caches = unrolled.forward(rnn, params, x, h0)
    assert memory.held_bytes(tape) == memory.held_bytes(caches) == right
    assert right == x.nbytes + (T + 1) * h0.nbytes


def test_the_caches_of_another_cell():
    """The leaky cell's hold h and c of every step, and h and c of the state before the first, but no last c."""
    rng = np.random.default_rng(0)
    params = leaky.Params(rng.normal(size=(2, 5)), rng.normal(size=(5, 5)), rng.normal(size=5), rng.normal(size=5))
    x = rng.normal(size=(7, 3, 2))
    _, _, caches = unrolled.forward(leaky, params, x, leaky.zero_state(params, 3))
    assert memory.held_bytes(caches) == x.nbytes + (8 + 7) * 8 * 3 * 5


PER_STEP = {rnn: 1, gru: 5, lstm: 7}  # arrays (N, H) that a step leaves: h; and r u g s; and c, i f g o and tanh c


@fast_cells
@given(size, size, size, size, seeds, st.sampled_from([np.float32, np.float64]))
def test_what_the_tapes_of_the_three_cells_hold(cell, T, N, D, H, seed, dtype):
    """The caches just what is used on the way back; the tape the state after the last step as well."""
    params, x, state0, _, _ = any_cell.draw(cell, seed, T, N, D, H, dtype)
    one = np.dtype(dtype).itemsize * N * H
    _, _, caches = unrolled.forward(cell, params, x, state0)
    last = one if cell is rnn else 0  # only the plain cell's way back looks at h_t itself
    assert memory.held_bytes(caches) == x.nbytes + PER_STEP[cell] * T * one + last
    _, _, tape = cell.forward(params, x, state0)
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


@pytest.mark.parametrize(("T", "N", "D", "H"), [(400, 32, 2, 64), (1000, 16, 4, 64), (100, 64, 8, 32)])
def test_full_bptt_needs_the_states_twice(T, N, D, H):
    """The tape's T + 1 states, as many dz, and dx: within 5 per cent, and what parameters and Python take."""
    params, x, h0, state, weights = draw(T, N, D, H)
    right = (2 * T + 1) * state + x.nbytes
    peak = memory.peak_bytes(bptt.full_gradient, rnn, params, x, h0, half_square).bytes
    assert right <= peak <= 1.05 * right + WEIGHTS * weights + PYTHON


@pytest.mark.parametrize(("T", "N", "D", "H"), [(400, 32, 2, 64), (1600, 16, 4, 64), (6400, 16, 1, 32)])
def test_checkpoints_at_every_square_root_need_a_few_square_roots_of_states(T, N, D, H):
    """√T kept, and up to four segments: a tape that comes, one that goes, dz, and the last of the way there."""
    params, x, h0, state, weights = draw(T, N, D, H)
    peak = memory.peak_bytes(checkpointing.backward_sqrt, rnn, params, x, h0, half_square).bytes
    root = isqrt(T)
    assert 2 * root * state <= peak <= 5 * (root + 1) * state + x.nbytes // root * 2 + WEIGHTS * weights + PYTHON
    assert peak < T * state / 2


@pytest.mark.parametrize("keeps", ["state", "step"])
@pytest.mark.parametrize("slots", [5, 20, 80])
def test_a_schedule_needs_its_slots_and_a_handful_more(slots, keeps):
    """A slot for a state holds one, a slot for a step holds up to two, h_prev and h; six more are at work at a time."""
    params, x, h0, state, weights = draw(300, 32, 2, 64)
    actions = list(checkpointing.schedule(300, slots, keeps))  # made before: the tables behind it are Python's
    peak = memory.peak_bytes(checkpointing.backward, rnn, params, x, h0, half_square, actions).bytes
    per_slot = 1 if keeps == "state" else 2
    most = (per_slot * slots + 6) * state + WEIGHTS * weights + 1000 * slots + PYTHON
    assert (slots - 1) * state <= peak <= most


@pytest.mark.parametrize("carry", [True, False])
def test_windows_need_no_more_memory_for_a_hundred_times_the_steps(carry):
    peaks = {}
    for T in (1_000, 10_000, 100_000) if carry else (1_000, 10_000):
        params, x, h0, state, weights = draw(T, 2, 2, 16)
        peaks[T] = memory.peak_bytes(tbptt.windowed_gradient, rnn, params, x, h0, half_square, 100, carry).bytes
        assert peaks[T] <= 4 * 100 * state + WEIGHTS * weights + PYTHON  # two windows, dz, and Python's lists
    assert max(peaks.values()) - min(peaks.values()) <= 16_000  # within Python's own; a window takes 25,600


@pytest.mark.parametrize("cell", [lstm, gru], ids=["lstm", "gru"])
@pytest.mark.parametrize("carry", [True, False])
def test_nor_do_they_for_a_cell_with_gates(cell, carry):
    peaks = {}
    for T in (1_000, 10_000):
        params, x, state0, state, weights = draw(T, 2, 2, 16, cell)
        peaks[T] = memory.peak_bytes(tbptt.windowed_gradient, cell, params, x, state0, half_square, 100, carry).bytes
        assert peaks[T] <= 4 * PER_STEP[cell] * 100 * state + WEIGHTS * weights + PYTHON
    assert max(peaks.values()) - min(peaks.values()) <= 16_000  # within Python's own; a window takes ten times that


@pytest.mark.parametrize("cell", [lstm, gru], ids=["lstm", "gru"])
def test_checkpoints_save_a_cell_with_gates_nine_tenths_of_its_tape(cell):
    params, x, state0, _, _ = draw(1600, 8, 2, 32, cell)
    full = memory.peak_bytes(bptt.full_gradient, cell, params, x, state0, half_square)
    few = memory.peak_bytes(checkpointing.backward_sqrt, cell, params, x, state0, half_square)
    assert few.bytes < full.bytes / 10
    assert all(np.allclose(a, b, rtol=1e-10) for a, b in zip(few.result.grads, full.result.grads, strict=True))


def test_sliding_needs_no_more_memory_for_more_steps():
    peaks = {}
    for T in (5_000, 150, 1_000, 5_000):  # the longest twice: the first fills the lists of tuples that Python keeps
        params, x, h0, _, _ = draw(T, 2, 2, 32)
        peaks[T] = memory.peak_bytes(tbptt.sliding_gradient, rnn, params, x, h0, half_square, 25, 50).bytes
    assert max(peaks.values()) - min(peaks.values()) <= 16_000  # within Python's own; its states take over 50,000


def test_sliding_never_holds_more_than_k1_and_k2_steps():
    """Every step leaves an array that says when it goes."""
    params, x, h0, _, _ = draw(20, 1, 1, 2)
    alive, most = set(), 0

    class Kept(np.ndarray):
        def __del__(self) -> None:
            alive.discard(id(self))

    def step(params: Any, x_t: Any, h_prev: Any) -> Any:
        nonlocal most
        h, cache = rnn.step(params, x_t, np.asarray(h_prev))
        kept = h.view(Kept)
        alive.add(id(kept))
        most = max(most, len(alive))
        return h, (cache, kept)

    class Watched(NamedTuple):
        step: Any
        step_backward: Any
        zero_state: Any

    cell = Watched(step, lambda p, cache, dh: rnn.step_backward(p, cache[0], dh), rnn.zero_state)
    tbptt.sliding_gradient(cell, params, x, h0, half_square, 3, 5)
    assert 5 <= most <= 5 + 3
    assert len(alive) == 0


def test_a_checkpointed_gradient_of_a_hundred_thousand_steps_in_a_fiftieth_of_the_memory():
    T, N, D, H = 100_000, 1, 2, 64
    params, x, h0, state, weights = draw(T, N, D, H)
    peak = memory.peak_bytes(checkpointing.backward_sqrt, rnn, params, x, h0, half_square)
    assert peak.bytes <= 6 * 317 * state + WEIGHTS * weights + PYTHON  # 317² > T
    assert peak.bytes < checkpointing.tape_bytes(T, N, D, H) / 50
    assert all(np.isfinite(g).all() and g.any() for g in peak.result.grads)


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
