"""Checkpointing: the gradient of full BPTT, the fewest forward steps, and never more states kept than slots."""

from __future__ import annotations

import heapq
import itertools
from functools import cache
from math import comb
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from any_cell import all_cells, arrays_of, draw, fast_cells, whole
from hypothesis import example, given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.gradients import bptt, checkpointing, gradcheck
from bptt_lessons.gradients.checkpointing import Action
from bptt_lessons.training import losses, readout

KEEPS = ["state", "step"]
seeds = st.integers(0, 2**32 - 1)
size = st.integers(1, 4)


def quadratic(weights: Any) -> Any:
    """L = Σ ½ weights · h², whose gradient depends on the states: one computed from a wrong state shows."""

    def loss_gradient(h: Any, start: int) -> Any:
        w = weights[start : start + len(h)]
        return 0.5 * np.sum(w * h * h), w * h, None

    return loss_gradient


def assert_same(ours: bptt.Gradient, full: bptt.Gradient) -> None:
    """Loss and gradients agree, the gradients as one vector: a small array may be a sum of steps that cancels."""
    a, b = (np.concatenate([array.ravel() for array in arrays_of(g.grads)]) for g in (ours, full))
    assert gradcheck.relative_error(a, b) <= 1e-14
    assert ours.loss == pytest.approx(full.loss, rel=1e-13, abs=1e-13)


@all_cells
@given(st.integers(1, 20), size, size, size, seeds, st.integers(1, 22), st.sampled_from(KEEPS), st.booleans())
@example(1, 1, 1, 1, 0, 1, "state", True)
@example(16, 3, 1, 2, 0, 3, "step", False)
def test_a_schedule_gives_the_full_gradient_bit_for_bit_that_of_the_loop(
    cell, T, N, D, H, seed, slots, keeps, with_state0
):
    """And so does square-root checkpointing, to rounding."""
    params, x, state0, weights, _ = draw(cell, seed, T, N, D, H)
    params = params._replace(W_hh=params.W_hh / H)  # ReLU and linear nets would overflow in 20 steps
    start, loss_gradient = state0 if with_state0 else None, quadratic(weights)
    full = bptt.full_gradient(whole(cell), params, x, start, loss_gradient)
    assert_same(checkpointing.backward_sqrt(whole(cell), params, x, start, loss_gradient), full)
    assert_same(checkpointing.backward_sqrt(whole(cell), params, x, start, loss_gradient, slots), full)
    from_zero = cell.zero_state(params, N) if start is None else start
    actions = checkpointing.schedule(T, slots, keeps)
    ours = checkpointing.backward(cell, params, x, from_zero, loss_gradient, actions)
    assert_same(ours, full)
    h, _, caches = unrolled.forward(cell, params, x, from_zero)
    grads, _, _ = unrolled.backward(cell, params, caches, weights * h)
    assert all(np.array_equal(a, b) for a, b in zip(ours.grads, grads, strict=True))


@fast_cells
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_readouts_gradient_comes_along_and_the_dtype_is_kept(cell, dtype):
    params, x, _, _, _ = draw(cell, 1, 11, 3, 2, 5, dtype)
    out = readout.init(np.random.default_rng(0), 5, 2, dtype)
    target = np.random.default_rng(1).normal(size=(11, 3, 2)).astype(dtype)
    loss_gradient = readout.loss_by_window(out, target, None, losses.mse, losses.mse_gradient)
    full = bptt.full_gradient(cell, params, x, None, loss_gradient)
    zeros = cell.zero_state(params, 3)
    schedule = checkpointing.schedule(11, 3)
    tolerance = 1e-14 if dtype is np.float64 else 1e-5
    for ours in (
        checkpointing.backward_sqrt(cell, params, x, None, loss_gradient),
        checkpointing.backward(cell, params, x, zeros, loss_gradient, schedule),
    ):
        assert {a.dtype for a in (*ours.grads, *ours.extra)} == {np.dtype(dtype)}
        assert gradcheck.worst_error(ours.grads, full.grads)[1] <= tolerance
        assert gradcheck.worst_error(ours.extra, full.extra)[1] <= tolerance
        assert float(ours.loss) == pytest.approx(float(full.loss), rel=tolerance)


def test_the_loss_is_asked_once_for_every_step_the_last_first():
    params, x, h0, weights, _ = draw(rnn, 2, 10, 1, 2, 3)
    asked: list[tuple[int, int]] = []

    def watched(h: Any, start: int) -> Any:
        asked.append((start, len(h)))
        return quadratic(weights)(h, start)

    checkpointing.backward(rnn, params, x, h0, watched, checkpointing.schedule(10, 3))
    assert asked == [(t, 1) for t in range(9, -1, -1)]
    asked.clear()
    checkpointing.backward_sqrt(rnn, params, x, h0, watched)
    assert asked == [(8, 2), (4, 4), (0, 4)]


def counting(cell: Any) -> tuple[Any, list[int]]:
    """The cell, and how often each of its functions took a step."""
    calls = [0]

    def step(*arguments: Any) -> Any:
        calls[0] += 1
        return cell.step(*arguments)

    return SimpleNamespace(zero_state=cell.zero_state, step=step, step_backward=cell.step_backward), calls


def run_through(actions: Any) -> tuple[int, int]:
    """Forward steps that the actions take, and the most slots they fill, the state before the first step among them."""
    steps, kept, most = 0, {0}, 1
    for kind, start, stop in actions:
        if kind == "drop":
            kept.remove(stop)
            continue
        assert start in kept
        steps += stop - start
        if kind != "back":
            assert stop not in kept
            kept.add(stop)
            most = max(most, len(kept))
    return steps, most


@pytest.mark.parametrize("keeps", KEEPS)
@pytest.mark.parametrize("T", [1, 2, 3, 5, 8, 13, pytest.param(25, marks=pytest.mark.long)])
def test_steps_taken_are_the_least_and_slots_never_exceeded(T, keeps):
    params, x, h0, weights, _ = draw(rnn, 0, T, 1, 1, 2)
    for slots in range(1, T + 3):
        cell, calls = counting(rnn)
        actions = list(checkpointing.schedule(T, slots, keeps))
        checkpointing.backward(cell, params, x, h0, quadratic(weights), actions)
        least = checkpointing.forward_cost(T, slots, keeps)
        steps, most = run_through(actions)
        assert calls[0] == steps == least == checkpointing.closed_form(T, slots, keeps)
        assert most - (keeps == "step") <= slots  # slots for steps: the state before the first step costs none
        assert [stop for kind, _, stop in actions if kind == "back"] == list(range(T, 0, -1))
        assert {kind for kind, _, _ in actions} <= {"back", "drop", f"keep {keeps}"}


def fewest_steps(T: int, slots: int, keeps: str) -> int:
    """The fewest forward steps by Dijkstra over everything that can be done: no recurrence is taken for granted.

    A place in the search is what the slots hold, the state at hand, and the steps still to be
    backpropagated.  At hand is one state (with the cache of its step, if it was just run);
    one move runs one step (cost 1), another goes back to a kept state, keeps what is at hand,
    drops something, or backpropagates the last step left, whose cache must be there.
    Slots for states hold states alone, the one before the first step among them; slots for
    steps hold states with caches, the state before the first step is always there, and a step is
    backpropagated from a slot alone: without this last rule five steps with one slot would cost 8.
    """
    with_caches = keeps == "step"
    start = (frozenset() if with_caches else frozenset({0}), 0, False, T)
    queue: list[Any] = [(0, 0, start)]
    number, done = itertools.count(1), set()
    while queue:
        cost, _, place = heapq.heappop(queue)
        if place in done:
            continue
        done.add(place)
        kept, at, fresh, left = place
        if left == 0:
            return int(cost)
        moves = [(cost, (kept - {one}, at, fresh, left)) for one in kept]
        moves += [(cost, (kept, one, with_caches, left)) for one in kept]
        if with_caches:
            moves.append((cost, (kept, 0, False, left)))
        if at < left:
            moves.append((cost + 1, (kept, at + 1, True, left)))
        if len(kept) < slots and (fresh or not with_caches):
            moves.append((cost, (kept | {at}, at, fresh, left)))
        if left in kept if with_caches else fresh and at == left:
            moves.append((cost, (kept, at, False, left - 1)))
        for total, following in moves:
            heapq.heappush(queue, (total, next(number), following))
    raise AssertionError("it cannot be done")


@pytest.mark.parametrize("keeps", KEEPS)
@pytest.mark.parametrize("T", [1, 2, 3, 4, 5, pytest.param(6, marks=pytest.mark.long)])
def test_no_way_of_doing_it_takes_fewer_steps(T, keeps):
    for slots in range(1, T + 2):
        assert fewest_steps(T, slots, keeps) == checkpointing.forward_cost(T, slots, keeps)


@cache
def table(T: int, slots: int, keeps: str) -> Any:
    """C(t, m) for t up to T and m up to `slots`, straight from the recurrence: row m, column t."""
    C = np.zeros((slots + 1, T + 1), int)
    C[1] = [t * (t + 1) // 2 for t in range(T + 1)]
    for m in range(2, slots + 1):
        for t in range(1, T + 1):
            y = np.arange(1, t if keeps == "state" else t + 1)
            again = C[m, y] if keeps == "state" else C[m, y - 1]
            C[m, t] = np.min(y + C[m - 1, t - y] + again) if len(y) else 1
    return C


@pytest.mark.parametrize("keeps", KEEPS)
def test_forward_cost_is_the_recurrence(keeps):
    C = table(100, 12, keeps)
    for T in [*range(1, 20), 33, 100]:
        for slots in (*range(1, 8), 12):
            assert checkpointing.forward_cost(T, slots, keeps) == C[slots, T]
    assert checkpointing.forward_cost(12, 500, keeps) == checkpointing.forward_cost(12, 12, keeps) == C[12, 12]


@pytest.mark.parametrize("keeps", KEEPS)
def test_the_closed_form_is_the_table(keeps):
    C = table(100, 12, keeps)
    assert [[checkpointing.closed_form(T, m, keeps) for T in range(1, 101)] for m in range(1, 13)] == C[1:, 1:].tolist()


def test_published_tables():
    """CURRICULUM.md, lesson 04, after Gruslys et al. 2016."""
    assert [checkpointing.forward_cost(10, m, "state") for m in range(1, 6)] == [55, 30, 25, 24, 23]
    assert [checkpointing.forward_cost(10, m, "step") for m in range(1, 6)] == [55, 24, 18, 16, 15]


def test_the_published_trade_off():
    """95 % of the memory saved at T = 1,000, and an iteration, backward steps counted as two, takes a third longer."""
    assert checkpointing.closed_form(1000, 50, "step") == 1950
    assert checkpointing.closed_form(1000, 50, "state") == 2948
    assert run_through(checkpointing.schedule(1000, 50, "step")) == (1950, 51)
    assert run_through(checkpointing.schedule(1000, 50, "state")) == (2948, 50)
    assert round((checkpointing.closed_form(1000, 50, "step") / 1000 + 2) / 3, 3) == 1.317


@pytest.mark.parametrize("keeps", KEEPS)
@pytest.mark.parametrize(("T", "slots"), [(2, 1), (5, 2), (17, 3), (40, 6), (60, 9)])
def test_no_step_is_run_more_often_than_the_binomial_coefficient_says(T, slots, keeps):
    t = T if keeps == "state" else T + 1
    r = next(r for r in range(t + 1) if comb(slots + r, r) >= t)
    runs = np.zeros(T, int)
    for kind, start, stop in checkpointing.schedule(T, slots, keeps):
        if kind != "drop":
            runs[start:stop] += 1
    assert runs.max() == (r + 1 if keeps == "state" else r)


@pytest.mark.parametrize("keeps", KEEPS)
def test_a_schedule_of_many_steps_costs_what_the_closed_form_says(keeps, whole):
    T, slots = (100_000, 16) if whole else (3_000, 6)
    steps, most = run_through(checkpointing.schedule(T, slots, keeps))
    assert steps == checkpointing.closed_form(T, slots, keeps)
    assert most - (keeps == "step") <= slots


def test_the_textbook_figure_of_tape_bytes():
    assert checkpointing.tape_bytes(2, 3, 5, 7) == 8 * (2 * 3 * 5 + 3 * 3 * 7)


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [Action("back", 0, 3), Action("back", 0, 2)],
        [Action("back", 0, 2), Action("back", 0, 1)],
        [Action("back", 0, 3), Action("back", 0, 2), Action("back", 0, 1), Action("back", 0, 1)],
        [Action("back", 1, 3)],
        [Action("keep state", 0, 3), Action("back", 3, 3)],
        [Action("keep state", 0, 4)],
        [Action("keep", 0, 2)],
        [Action("drop", 2, 2)],
        list(checkpointing.schedule(4, 2)),
        list(checkpointing.schedule(2, 2)),
        [("back", 0)],
        ["back"],
        7,
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_not_half_done(actions):
    params, x, h0, weights, _ = draw(rnn, 0, 3, 1, 2, 3)
    with pytest.raises(ValueError, match="actions"):
        checkpointing.backward(rnn, params, x, h0, quadratic(weights), actions)


def test_nothing_given_is_written_into():
    params, x, h0, weights, _ = draw(rnn, 3, 7, 2, 3, 4)
    for array in (*params, x, h0, weights):
        array.setflags(write=False)
    before = nested.map_arrays(np.copy, params)
    checkpointing.backward_sqrt(rnn, params, x, h0, quadratic(weights))
    checkpointing.backward(rnn, params, x, h0, quadratic(weights), checkpointing.schedule(7, 2))
    assert all(np.array_equal(a, b) for a, b in zip(params, before, strict=True))
