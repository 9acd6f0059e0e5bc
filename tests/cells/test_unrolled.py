"""The unrolled loop runs any cell, with a state of one part or of two, and makes whole-sequence cells of steps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.gradients import gradcheck


class State(NamedTuple):
    """A state of two parts: what is shown and what is kept."""

    h: Any  # (N, H)
    c: Any  # (N, H)


class Params(NamedTuple):
    """Parameters of a leaky accumulator."""

    W_xh: Any  # (D, H)
    leak: Any  # (H,)


def leaky_step(params: Params, x: Any, state: State) -> tuple[State, Any]:
    """c_t = leak c_{t-1} + x_t W_xh + sin h_{t-1};  h_t = tanh c_t."""
    c = params.leak * state.c + x @ params.W_xh + np.sin(state.h)
    h = np.tanh(c)
    return State(h, c), (x, state, h)


def leaky_step_backward(params: Params, cache: Any, dstate: State) -> tuple[Params, Any, State]:
    """Both parts of the state hand a gradient back."""
    x, state_prev, h = cache
    dc = dstate.c + dstate.h * (1 - h * h)
    grads = Params(x.T @ dc, (dc * state_prev.c).sum(axis=0))
    return grads, dc @ params.W_xh.T, State(dc * np.cos(state_prev.h), dc * params.leak)


def leaky_zero_state(params: Params, N: int) -> State:
    """Nothing shown, nothing kept."""
    return State(np.zeros((N, len(params.leak))), np.zeros((N, len(params.leak))))


LEAKY = SimpleNamespace(step=leaky_step, step_backward=leaky_step_backward, zero_state=leaky_zero_state)


class Inputs(NamedTuple):
    """Everything that the gradient is taken with respect to."""

    params: Params
    x: Any
    state0: State


@pytest.mark.parametrize("from_beyond", [False, True])
def test_a_cell_with_two_parts_of_state_agrees_with_complex_step(from_beyond):
    rng = np.random.default_rng(0)
    T, N, D, H = 5, 3, 2, 4
    inputs = Inputs(
        Params(rng.normal(size=(D, H)), rng.uniform(0, 1, H)),
        rng.normal(size=(T, N, D)),
        State(rng.normal(size=(N, H)), rng.normal(size=(N, H))),
    )
    dh, dstate_T = rng.normal(size=(T, N, H)), State(rng.normal(size=(N, H)), rng.normal(size=(N, H)))

    def loss(inputs: Inputs) -> Any:
        h, state_T, _ = unrolled.forward(LEAKY, *inputs)
        return np.sum(dh * h) + from_beyond * (np.sum(dstate_T.h * state_T.h) + np.sum(dstate_T.c * state_T.c))

    h, state_T, caches = unrolled.forward(LEAKY, *inputs)
    assert h.shape == (T, N, H)
    assert len(caches) == T
    assert np.array_equal(h[-1], state_T.h)
    ours = unrolled.backward(LEAKY, inputs.params, caches, dh, dstate_T if from_beyond else None)
    name, error = gradcheck.worst_error(Inputs(*ours), gradcheck.by_field(gradcheck.complex_step, loss, inputs))
    assert error <= 1e-13, name


def test_the_module_rnn_is_a_cell(make_problem):
    params, x, h0, dh, _ = make_problem(0, 3, 2, 4, 5)
    h, h_T, caches = unrolled.forward(rnn, params, x, h0)
    state = h0
    for x_t, h_t in zip(x, h, strict=True):
        state, _ = rnn.step(params, x_t, state)
        assert np.array_equal(state, h_t)
    assert np.array_equal(h_T, state)
    grads, dx, dh_0 = unrolled.backward(rnn, params, caches, dh)
    assert type(grads) is rnn.Params
    assert (dx.shape, dh_0.shape) == (x.shape, h0.shape)


def test_a_tuple_of_caches_is_as_good_as_a_list(make_problem):
    params, x, h0, dh, _ = make_problem(1, 3, 2, 4, 5)
    _, _, caches = unrolled.forward(rnn, params, x, h0)
    one, two = unrolled.backward(rnn, params, caches, dh), unrolled.backward(rnn, params, tuple(caches), dh)
    assert np.array_equal(one[1], two[1])


def test_gradients_given_are_not_written_into(make_problem):
    params, x, h0, dh, dh_T = make_problem(2, 3, 2, 4, 5)
    for array in (x, h0, dh, dh_T):
        array.setflags(write=False)
    _, _, caches = unrolled.forward(rnn, params, x, h0)
    unrolled.backward(rnn, params, caches, dh, dh_T)


def test_the_hidden_part_of_a_state():
    h, c, dh = np.ones((2, 3)), np.zeros((2, 3)), np.full((2, 3), 0.5)
    assert unrolled.hidden(h) is h
    assert unrolled.hidden(State(h, c)) is h
    assert np.array_equal(unrolled.add_to_hidden(h, dh), h + dh)
    added = unrolled.add_to_hidden(State(h, c), dh)
    assert np.array_equal(added.h, h + dh)
    assert added.c is c
    assert np.array_equal(h, np.ones((2, 3)))


def test_looped_is_the_loops_with_zeros_for_a_missing_state():
    rng = np.random.default_rng(3)
    T, N, D, H = 5, 3, 2, 4
    params = Params(rng.normal(size=(D, H)), rng.uniform(0, 1, H))
    x, dh = rng.normal(size=(T, N, D)), rng.normal(size=(T, N, H))
    state0, dstate_T = (State(rng.normal(size=(N, H)), rng.normal(size=(N, H))) for _ in range(2))
    cell = unrolled.looped(LEAKY)
    for start in (state0, None):
        h, state_T, caches = cell.forward(params, x, start)
        right = unrolled.forward(LEAKY, params, x, leaky_zero_state(params, N) if start is None else start)
        assert np.array_equal(h, right[0])
        assert np.array_equal(state_T.c, right[1].c)
        assert len(caches) == T
        for beyond in (dstate_T, None):
            ours, oracle = (
                f(params, caches, dh, beyond) for f in (cell.backward, lambda *a: unrolled.backward(LEAKY, *a))
            )
            assert all(np.array_equal(a, b) for a, b in zip(ours[0], oracle[0], strict=True))
            assert np.array_equal(ours[1], oracle[1])
            assert np.array_equal(ours[2].c, oracle[2].c)
    assert np.array_equal(cell.forward(params, x)[0], cell.forward(params, x, leaky_zero_state(params, N))[0])
    assert cell.step is LEAKY.step
    assert cell.step_backward is LEAKY.step_backward
    assert cell.zero_state is LEAKY.zero_state


def test_looped_gives_the_plain_cell_its_own_numbers(make_problem):
    params, x, h0, dh, dh_T = make_problem(4, 6, 2, 3, 4)
    cell = unrolled.looped(rnn)
    h, h_T, caches = cell.forward(params, x, h0)
    fast_h, fast_h_T, tape = rnn.forward(params, x, h0)
    assert gradcheck.relative_error(h, fast_h) <= 1e-14
    assert gradcheck.relative_error(h_T, fast_h_T) <= 1e-14
    ours, fast = cell.backward(params, caches, dh, dh_T), rnn.backward(params, tape, dh, dh_T)
    assert gradcheck.worst_error(ours[0], fast[0])[1] <= 1e-14
    assert gradcheck.relative_error(ours[1], fast[1]) <= 1e-14
    assert gradcheck.relative_error(ours[2], fast[2]) <= 1e-14


def test_a_looped_cell_can_be_looped_again():
    cell = unrolled.looped(unrolled.looped(LEAKY))
    params = Params(np.ones((1, 2)), np.ones(2))
    assert cell.forward(params, np.ones((2, 1, 1)))[0].shape == (2, 1, 2)
