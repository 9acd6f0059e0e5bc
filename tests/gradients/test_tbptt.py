"""Truncation: each algorithm keeps the part of the full gradient that its mask says; one of them is unbiased."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from any_cell import assert_gradient, draw, fast_cells, frozen, name_of
from any_cell import whole as with_passes
from hypothesis import example, given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import lstm, lstm_coupled, rnn, unrolled
from bptt_lessons.gradients import bptt, gradcheck, tbptt
from bptt_lessons.training import losses, readout

size = st.integers(1, 3)
lengths = st.integers(1, 11)
seeds = st.integers(0, 2**32 - 1)
cells = pytest.mark.parametrize("cell", [rnn, lstm, lstm_coupled], ids=name_of)  # the last has steps only


def quadratic(weights: Any) -> Any:
    """L = Σ ½ weights · h², which tells windows and states apart."""

    def loss_gradient(h: Any, start: int) -> Any:
        w = weights[start : start + len(h)]
        return 0.5 * np.sum(w * h * h), w * h, None

    return loss_gradient


def parts_of(cell: Any, params: Any, x: Any, state0: Any, weights: Any) -> Any:
    """The contribution matrix of the quadratic loss."""
    h, _, caches = unrolled.forward(cell, params, x, state0)
    return tbptt.contributions(cell, params, caches, weights * h)


def assert_same(ours: Any, right: Any, tolerance: float = 1e-12) -> None:
    """Two gradients of parameters agree."""
    name, error = gradcheck.worst_error(ours, right)
    assert error <= tolerance, name


@given(st.integers(1, 300), st.integers(1, 310))
@example(1, 1)
@example(6, 3)
@example(7, 3)
def test_windows_cover_every_step_once_in_order(T, k):
    cut = tbptt.windows(T, k)
    assert [t for start, stop in cut for t in range(start, stop)] == list(range(T))
    assert all(stop - start == k for start, stop in cut[:-1])
    assert 1 <= cut[-1][1] - cut[-1][0] <= k


@given(
    st.integers(1, 40),
    st.integers(1, 6),
    st.lists(st.integers(1, 3), max_size=2),
    st.sampled_from(["float32", "float64", "int8", "bool", "U1"]),
)
def test_each_column_continues_its_piece_of_the_stream(T, N, shape, dtype):
    left_over = (T * 7 + N) % N  # any number below N
    stream = np.arange((T * N + left_over) * int(np.prod(shape))).reshape(-1, *shape).astype(dtype)
    batches = tbptt.stream_batches(stream, N)
    assert (batches.shape, batches.dtype) == ((T, N, *shape), stream.dtype)
    for n in range(N):
        for t in range(T):
            assert np.array_equal(batches[t, n], stream[n * T + t])


def test_a_stream_is_laid_out_without_a_copy():
    stream = np.arange(12.0)
    assert np.shares_memory(tbptt.stream_batches(stream, 3), stream)
    assert np.array_equal(tbptt.stream_batches(np.arange(11), 3), [[0, 3, 6], [1, 4, 7], [2, 5, 8]])


@cells
@given(lengths, size, size, size, seeds)
def test_contributions_add_up_to_the_full_gradient_and_reach_no_later_step(cell, T, N, D, H, seed):
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)
    parts = parts_of(cell, params, x, state0, weights)
    assert type(parts) is type(params)
    for part, p in zip(parts, params, strict=True):
        assert part.shape == (T, T, *p.shape)
        assert not part[np.triu_indices(T, 1)].any()
    full = bptt.full_gradient(with_passes(cell), params, x, state0, quadratic(weights))
    assert_same(nested.map_arrays(lambda part: part.sum(axis=(0, 1)), parts), full.grads, 1e-12)


@cells
def test_each_contribution_is_the_derivative_through_one_use_alone(cell, whole):
    """Complex step through nets whose parameters are moved at one step only."""
    T = 4
    params, x, state0, weights, _ = draw(cell, 4, T, 2, 2, 3)
    parts = parts_of(cell, params, x, state0, weights)
    for t in range(T):
        for s in range(T):

            def loss(moved: Any, s: int = s, t: int = t) -> Any:
                state = state0
                for step in range(t + 1):
                    state, _ = cell.step(moved if step == s else params, x[step], state)
                h = unrolled.hidden(state)
                return 0.5 * np.sum(weights[t] * h * h)

            part = nested.map_arrays(lambda part, s=s, t=t: part[t, s], parts)
            assert_gradient(part, loss, params, whole, 1e-12)


@cells
@given(lengths, size, size, size, seeds, st.integers(1, 12))
def test_windows_with_carry_are_their_mask(cell, T, N, D, H, seed, k):
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)
    ours = tbptt.windowed_gradient(with_passes(cell), params, x, state0, quadratic(weights), k)
    kept = tbptt.kept_by_windows(T, k)
    assert_same(ours.grads, tbptt.summed(parts_of(cell, params, x, state0, weights), kept))
    full = bptt.full_gradient(with_passes(cell), params, x, state0, quadratic(weights))
    assert ours.loss == pytest.approx(full.loss, rel=1e-12)  # the loss is that of the whole, only the gradient is cut


@cells
@given(lengths, size, size, size, seeds, st.integers(1, 12), st.integers(0, 12))
def test_sliding_is_its_mask(cell, T, N, D, H, seed, k1, further):
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)
    ours = tbptt.sliding_gradient(cell, params, x, state0, quadratic(weights), k1, k1 + further)
    kept = tbptt.kept_by_sliding(T, k1, k1 + further)
    assert_same(ours.grads, tbptt.summed(parts_of(cell, params, x, state0, weights), kept))
    if further == 0 and T % k1 == 0:
        windowed = tbptt.windowed_gradient(with_passes(cell), params, x, state0, quadratic(weights), k1)
        assert_same(ours.grads, windowed.grads)


@cells
@given(st.integers(2, 9), size, size, size, seeds, st.data())
def test_randomised_is_its_mask_with_weights(cell, T, N, D, H, seed, data):
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)
    cuts = sorted(data.draw(st.sets(st.integers(1, T - 1))))
    probability = data.draw(st.floats(0, 0.9))
    ours = tbptt.randomised_gradient(cell, params, x, state0, quadratic(weights), cuts, probability)
    kept = tbptt.kept_by_cuts(T, cuts, probability)
    assert_same(ours.grads, tbptt.summed(parts_of(cell, params, x, state0, weights), kept))


@cells
@given(lengths, size, size, size, seeds, st.integers(1, 12))
def test_windows_with_reset_are_sequences_of_their_own(cell, T, N, D, H, seed, k):
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)
    ours = tbptt.windowed_gradient(with_passes(cell), params, x, state0, quadratic(weights), k, carry=False)
    total = bptt.Gradient(0.0, nested.zeros_like(params), None)
    for start, stop in tbptt.windows(T, k):
        own = bptt.full_gradient(
            with_passes(cell), params, x[start:stop], state0 if start == 0 else None, quadratic(weights[start:stop])
        )
        total = bptt.add(total, own)
    assert_same(ours.grads, total.grads)
    assert ours.loss == pytest.approx(total.loss, rel=1e-12)


@cells
@pytest.mark.parametrize("carry", [True, False])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_a_window_gradient_is_the_derivative_with_the_incoming_state_frozen(cell, carry, k, whole):
    T = 7
    params, x, state0, weights, _ = draw(cell, 11, T, 2, 3, 4)
    states = {}
    for start, _ in tbptt.windows(T, k):
        if start == 0:
            states[start] = state0
        elif carry:
            _, states[start], _ = unrolled.forward(cell, params, x[:start], state0)
        else:
            states[start] = cell.zero_state(params, 2)

    def loss(moved: Any) -> Any:
        total = 0.0
        for start, stop in pairwise([*sorted(states), T]):
            h, _, _ = unrolled.forward(cell, moved, x[start:stop], states[start])
            total = total + 0.5 * np.sum(weights[start:stop] * h * h)
        return total

    ours = tbptt.windowed_gradient(with_passes(cell), params, x, state0, quadratic(weights), k, carry)
    assert_gradient(ours.grads, loss, params, whole)
    assert ours.loss == pytest.approx(loss(params), rel=1e-13)


@cells
@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (1, 3), (3, 5), (4, 4)])
def test_sliding_is_the_derivative_with_the_state_k2_steps_back_frozen(cell, k1, k2, whole):
    T = 7
    params, x, state0, weights, _ = draw(cell, 12, T, 2, 3, 4)
    states = [state0]
    for x_t in x:
        states.append(cell.step(params, x_t, states[-1])[0])

    def loss(moved: Any) -> Any:
        total, done = 0.0, 0
        while done < T:
            end = min(done + k1, T)  # losses of steps done + 1 ... end reach back to the uses end - k2 + 1 ... end
            start = max(end - k2, 0)
            h, _, _ = unrolled.forward(cell, moved, x[start:end].astype(complex), states[start])
            total = total + 0.5 * np.sum(weights[done:end] * h[done - start :] ** 2)
            done = end
        return total

    ours = tbptt.sliding_gradient(cell, params, x, state0, quadratic(weights), k1, k2)
    assert_gradient(ours.grads, loss, params, whole)


@cells
@pytest.mark.parametrize("probability", [0.0, 0.3])
def test_the_randomised_gradient_is_unbiased_by_exact_enumeration(cell, probability):
    T = 5
    params, x, state0, weights, _ = draw(cell, 21, T, 2, 2, 3)
    full = bptt.full_gradient(with_passes(cell), params, x, state0, quadratic(weights))
    mean, weight, mean_mask = nested.zeros_like(params), 0.0, np.zeros((T, T))
    for count in range(T):
        for cuts in combinations(range(1, T), count):
            chance = probability**count * (1 - probability) ** (T - 1 - count)
            ours = tbptt.randomised_gradient(cell, params, x, state0, quadratic(weights), cuts, probability)
            assert ours.loss == pytest.approx(full.loss, rel=1e-13)
            mean = nested.map_arrays(lambda m, g, chance=chance: m + chance * g, mean, ours.grads)
            mean_mask += chance * tbptt.kept_by_cuts(T, cuts, probability)
            weight += chance
    assert weight == pytest.approx(1, rel=1e-14)
    assert_same(mean, full.grads, 1e-12)
    assert np.allclose(mean_mask, np.tril(np.ones((T, T))), rtol=1e-12, atol=0)


def test_masks_by_hand():
    """Rows are losses, columns are uses."""
    x, o = True, False
    assert tbptt.kept_by_windows(5, 2).tolist() == [
        [x, o, o, o, o],
        [x, x, o, o, o],
        [o, o, x, o, o],
        [o, o, x, x, o],
        [o, o, o, o, x],
    ]
    assert tbptt.kept_by_sliding(5, 2, 3).tolist() == [
        [x, o, o, o, o],  # e = 2, steps counted from 1: uses 0, 1, 2
        [x, x, o, o, o],
        [o, x, x, o, o],  # e = 4: uses 2, 3, 4
        [o, x, x, x, o],
        [o, o, x, x, x],  # e = 5, the last: uses 3, 4, 5
    ]
    assert tbptt.kept_by_sliding(4, 1, 2).tolist() == [[x, o, o, o], [x, x, o, o], [o, x, x, o], [o, o, x, x]]
    assert tbptt.kept_by_cuts(4, [1], 0.5).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 2, 1, 0], [0, 4, 2, 1]]


@fast_cells
@pytest.mark.parametrize("probability", [0.25, np.float64(0.25), np.float32(0.25), 0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_dtype_is_kept_whatever_number_the_probability_is(cell, dtype, probability):
    params, x, state0, weights, _ = draw(cell, 0, 5, 2, 3, 4, dtype)
    loss = quadratic(weights)
    h, _, caches = unrolled.forward(cell, params, x, state0)
    parts = tbptt.contributions(cell, params, caches, weights * h)
    gradients = [
        tbptt.windowed_gradient(with_passes(cell), params, x, state0, loss, 2).grads,
        tbptt.sliding_gradient(cell, params, x, state0, loss, 1, 2).grads,
        tbptt.randomised_gradient(cell, params, x, state0, loss, [2], probability).grads,
        bptt.full_gradient(with_passes(cell), params, x, state0, loss).grads,
        parts,
        tbptt.summed(parts, tbptt.kept_by_windows(5, 2)),
        tbptt.summed(parts, tbptt.kept_by_cuts(5, [2], probability)),
    ]
    assert {array.dtype for grads in gradients for array in grads} == {np.dtype(dtype)}


@fast_cells
def test_nothing_given_is_written_into(cell):
    params, x, state0, weights, _ = frozen(draw(cell, 1, 5, 2, 3, 4))
    loss = quadratic(weights)
    tbptt.windowed_gradient(with_passes(cell), params, x, state0, loss, 2)
    tbptt.sliding_gradient(cell, params, x, state0, loss, 1, 2)
    tbptt.randomised_gradient(cell, params, x, state0, loss, [1, 3], 0.5)


def test_the_readouts_loss_and_gradients_add_up_over_windows():
    T, N, K = 11, 3, 4
    params, x, h0, _, _ = draw(rnn, 2, T, N, 2, 5)
    rng = np.random.default_rng(0)
    out = readout.Readout(rng.normal(size=(5, K)), rng.normal(size=K))
    target, mask = rng.integers(0, K, (T, N)), rng.random((T, N)) < 0.4
    mask[3:6] = False  # a whole window without anything to learn
    loss = readout.loss_by_window(
        out, target, mask, losses.softmax_cross_entropy, losses.softmax_cross_entropy_gradient
    )
    full = bptt.full_gradient(rnn, params, x, h0, loss)
    for ours in (
        tbptt.windowed_gradient(rnn, params, x, h0, loss, 3),
        tbptt.sliding_gradient(rnn, params, x, h0, loss, 3, 4),
        tbptt.randomised_gradient(rnn, params, x, h0, loss, [3, 6], 0.5),
    ):
        assert ours.loss == pytest.approx(full.loss, rel=1e-13)
        assert_same(ours.extra, full.extra, 1e-13)  # the readout looks at no other step: nothing of it is cut
        assert type(ours.extra) is readout.Readout


def test_x_may_be_a_memory_map(tmp_path):
    params, x, h0, weights, _ = draw(rnn, 4, 9, 2, 3, 4)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    ours = tbptt.windowed_gradient(rnn, params, mapped, h0, quadratic(weights), 4)
    right = tbptt.windowed_gradient(rnn, params, x, h0, quadratic(weights), 4)
    assert all(np.array_equal(a, b) for a, b in zip(ours.grads, right.grads, strict=True))
