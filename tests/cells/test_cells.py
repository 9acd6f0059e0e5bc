"""What every cell and variant must hold: its gradient against independent computations, its dtypes and its memory.

Its symmetries are in ``test_symmetries.py``.
"""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import numpy as np
import pytest
from any_cell import (
    RNN_LINEAR,
    RNN_RELU,
    RNN_SIGMOID,
    VARIANTS,
    Inputs,
    Problem,
    all_cells,
    arrays_of,
    assert_close,
    assert_gradient,
    dot,
    draw,
    fast_cells,
    frozen,
    whole,
)
from hypothesis import example, given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import gru, init, lstm, rnn, unrolled
from bptt_lessons.gradients import gradcheck, memory

size = st.integers(1, 4)
shapes = st.tuples(size, size, size, size)  # T, N, D, H
small = st.integers(1, 3)
small_shapes = st.tuples(small, small, small, small)  # where every number is moved one by one
seeds = st.integers(0, 2**32 - 1)
FAST = {"rnn": rnn, "lstm": lstm, "gru": gru, "sigmoid": RNN_SIGMOID, "relu": RNN_RELU, "linear": RNN_LINEAR}


def passes(cell: Any, problem: Problem) -> tuple[Any, Any, Inputs]:
    """The hidden states, the last state, and the gradients of params, x and state0."""
    params, x, state0, dh, dstate_T = problem
    h, state_T, tape = whole(cell).forward(params, x, state0)
    return h, state_T, Inputs(*whole(cell).backward(params, tape, dh, dstate_T))


def loss_of(cell: Any, problem: Problem) -> Any:
    """L = sum of dh h, and of dstate_T state_T if it is given, as a function of the inputs."""

    def loss(inputs: Inputs) -> Any:
        h, state_T, _ = whole(cell).forward(*inputs)
        return np.sum(problem.dh * h) + (0 if problem.dstate_T is None else dot(problem.dstate_T, state_T))

    return loss


@all_cells
@given(small_shapes, seeds, st.booleans(), st.booleans())
@example((1, 1, 1, 1), 0, True, True)
@example((3, 1, 4, 2), 1, True, False)
@example((4, 2, 3, 4), 2, False, True)
def test_backward_agrees_with_complex_step(cell, whole, shape, seed, with_state0, with_dstate_T):
    params, x, state0, dh, dstate_T = draw(cell, seed, *shape)
    problem = Problem(params, x, state0 if with_state0 else None, dh, dstate_T if with_dstate_T else None)
    start = state0 if with_state0 else nested.zeros_like(state0)
    _, _, gradient = passes(cell, problem)
    assert_gradient(gradient, loss_of(cell, problem), Inputs(params, x, start), whole)


@pytest.mark.long
@all_cells
@given(small_shapes, seeds)
def test_backward_agrees_with_central_differences(cell, shape, seed):
    problem = draw(cell, seed, *shape)
    oracle = gradcheck.by_field(gradcheck.central_difference, loss_of(cell, problem), Inputs(*problem[:3]))
    assert_close(passes(cell, problem)[2], oracle, 1e-7)


@all_cells
@given(st.tuples(size, size, size), seeds)
@example((1, 1, 1), 0)
@example((3, 2, 4), 1)
def test_one_step_back_agrees_with_complex_step(cell, whole, shape, seed):
    params, x, state, _, dstate = draw(cell, seed, 1, *shape)
    _, cache = cell.step(params, x[0], state)
    gradient = Inputs(*cell.step_backward(params, cache, dstate))
    assert_gradient(gradient, lambda i: dot(dstate, cell.step(*i)[0]), Inputs(params, x[0], state), whole)


@pytest.mark.parametrize("cell", FAST.values(), ids=FAST)
@given(shapes, seeds, st.sampled_from([np.float64, np.complex128, np.float32]), st.booleans(), st.booleans())
@example((300, 3, 2, 8), 0, np.float64, True, True)
def test_the_fast_pass_equals_the_unrolled_loop(cell, shape, seed, dtype, with_state0, with_dstate_T):
    params, x, state0, dh, dstate_T = draw(cell, seed, *shape, dtype=dtype)
    if cell in (RNN_RELU, RNN_LINEAR):
        params = params._replace(W_hh=params.W_hh / shape[3])  # or hundreds of steps would overflow
    tolerance = 1e-12 if dtype is not np.float32 else 2e-5
    beyond = dstate_T if with_dstate_T else None
    h, state_T, tape = cell.forward(params, x, state0 if with_state0 else None)
    start = state0 if with_state0 else cell.zero_state(params, shape[1])
    slow_h, slow_state_T, caches = unrolled.forward(cell, params, x, start)
    assert_close([h, state_T], [slow_h, slow_state_T], tolerance)
    assert type(tape)._fields == type(caches[0])._fields
    for cache, rows in zip(caches, zip(*tape, strict=True), strict=True):
        for ours, right in zip(rows, cache, strict=True):
            assert np.max(np.abs(ours - right)) <= tolerance * max(1, np.max(np.abs(right)))
    fast, slow = cell.backward(params, tape, dh, beyond), unrolled.backward(cell, params, caches, dh, beyond)
    assert_close(Inputs(*fast), Inputs(*slow), tolerance)


@fast_cells
def test_backward_takes_the_loops_caches_stacked(cell):
    """A tape of separate arrays, as someone who writes `forward` by hand would make it."""
    problem = params, x, state0, dh, dstate_T = draw(cell, 1, 5, 3, 2, 4)
    _, _, caches = unrolled.forward(cell, params, x, state0)
    tape = cell.Tape(*(np.stack(rows) for rows in zip(*caches, strict=True)))
    assert_close(Inputs(*cell.backward(params, tape, dh, dstate_T)), passes(cell, problem)[2], 1e-13)


@all_cells
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_every_dtype_is_kept(cell, dtype):
    params, x, state0, dh, dstate_T = draw(cell, 0, 3, 2, 4, 5, dtype=dtype)
    h, state_T, tape = whole(cell).forward(params, x, state0)
    results = [h, state_T, *arrays_of(*tape), *whole(cell).forward(params, x)[:2]]
    gradient = Inputs(*whole(cell).backward(params, tape, dh, dstate_T))
    results += [*gradient, *whole(cell).backward(params, tape, dh)]
    state, cache = cell.step(params, x[0], state0)
    results += [state, cache, *cell.step_backward(params, cache, dstate_T), cell.zero_state(params, 2)]
    assert {array.dtype for array in arrays_of(*results)} == {np.dtype(dtype)}
    assert type(gradient.params) is type(params)
    assert type(state_T) is type(gradient.state0) is type(state) is type(state0)


@all_cells
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_init_keeps_dtype_and_bound_and_draws_the_input_weights_first(cell, dtype):
    params = cell.init(np.random.default_rng(0), 30, 40, dtype=dtype)
    assert {p.dtype for p in params} == {np.dtype(dtype)}
    rng, columns = np.random.default_rng(0), params.W_xh.shape[1]
    assert np.array_equal(params.W_xh, init.uniform(rng, 30, columns, 40**-0.5, dtype))
    assert np.array_equal(params.W_hh, init.uniform(rng, 40, columns, 40**-0.5, dtype))
    assert params.b_h.shape == (columns,)


@all_cells
def test_the_state_to_start_from_is_zero_and_its_parts_are_separate(cell):
    params = cell.init(np.random.default_rng(0), 2, 3, dtype=np.float32)
    parts = arrays_of(cell.zero_state(params, 5))
    assert [(part.shape, part.dtype, part.any()) for part in parts] == [((5, 3), np.float32, False)] * len(parts)
    assert len(parts) == 1 or not np.shares_memory(*parts)


@all_cells
@pytest.mark.parametrize("which", Problem._fields)
def test_one_complex_argument_among_real_ones_makes_the_result_complex(cell, which):
    problem = draw(cell, 3, 3, 2, 4, 5)
    turned = problem._replace(**{which: nested.map_arrays(lambda p: p * (1 + 0.5j), getattr(problem, which))})
    _, _, fast = passes(cell, turned)
    _, _, caches = unrolled.forward(cell, turned.params, turned.x, turned.state0)
    slow = Inputs(*unrolled.backward(cell, turned.params, caches, turned.dh, turned.dstate_T))
    assert {array.dtype for array in arrays_of(fast.state0)} == {np.dtype(np.complex128)}
    assert_close(fast, slow, 1e-13)


@all_cells
def test_no_transpose_conjugates(cell):
    problem = nested.map_arrays(lambda a: a * (0.5 + 0.25j), draw(cell, 13, 3, 2, 4, 5))
    start, loss = Inputs(*problem[:3]), loss_of(cell, problem)
    direction = nested.map_arrays(lambda a: a[..., ::-1] * 1j, start)
    up, down = (nested.map_arrays(lambda a, b, eps=eps: a + eps * b, start, direction) for eps in (1e-5, -1e-5))
    slope = dot(passes(cell, problem)[2], direction)
    assert (loss(up) - loss(down)) / 2e-5 == pytest.approx(slope, rel=1e-8)


def rearranged(array: Any, how: str) -> Any:
    """The same numbers, differently laid out in memory."""
    if how == "Fortran":
        return np.asfortranarray(array)
    if how == "backwards":
        return array[::-1].copy()[::-1]
    if how == "every second":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    return np.moveaxis(np.moveaxis(array, 0, -1).copy(), -1, 0)  # time last in memory


@fast_cells
@pytest.mark.parametrize("how", ["Fortran", "backwards", "every second", "time last"])
def test_the_layout_in_memory_does_not_matter(cell, how):
    problem = draw(cell, 6, 4, 3, 2, 5)
    _, _, right = passes(cell, problem)
    other = nested.map_arrays(lambda a: rearranged(a, how), problem)
    assert_close(passes(cell, other)[2], right, 1e-13)
    _, _, tape = cell.forward(*other[:3])
    tape = nested.map_arrays(lambda a: rearranged(a, how), tape)
    assert_close(Inputs(*cell.backward(other.params, tape, other.dh, other.dstate_T)), right, 1e-13)


@all_cells
def test_nothing_is_written_into(cell):
    params, x, state0, dh, dstate_T = frozen(draw(cell, 7, 4, 3, 2, 5))
    for start, beyond in ((state0, dstate_T), (None, None)):
        _, _, tape = whole(cell).forward(params, x, start)
        before = [array.copy() for array in arrays_of(tape)]
        whole(cell).backward(params, frozen(tape), dh, beyond)
        assert all(np.array_equal(a, b) for a, b in zip(arrays_of(tape), before, strict=True))
    _, cache = cell.step(params, x[0], state0)
    cell.step_backward(params, frozen(cache), dstate_T)


@fast_cells
def test_two_passes_share_no_memory_and_none_with_their_inputs(cell):
    params, x, state0, dh, dstate_T = draw(cell, 8, 4, 3, 2, 5)
    h, state_T, tape = cell.forward(params, x, state0)
    again, state_again, _ = cell.forward(params, x, state0)
    results = cell.backward(params, tape, dh, dstate_T)
    assert np.array_equal(tape.h_prev[0], unrolled.hidden(state0))
    assert np.array_equal(tape.h_prev[1:], h[:-1])
    assert np.array_equal(h[-1], unrolled.hidden(state_T))
    inputs = arrays_of(params, x, state0, dh, dstate_T)
    made = [h, *arrays_of(state_T)]
    assert not any(np.shares_memory(a, b) for a in made for b in [*inputs, again, *arrays_of(state_again)])
    assert not any(np.shares_memory(a, b) for a in arrays_of(*results) for b in [*inputs, *arrays_of(tape)])


def owner(array: Any) -> Any:
    """The array whose memory a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@fast_cells
def test_a_carried_state_does_not_keep_the_tape_alive(cell):
    params, x, state0, dh, dstate_T = draw(cell, 9, 50, 3, 2, 5)
    h, state_T, tape = cell.forward(params, x, state0)
    grads, dx, dstate_0 = cell.backward(params, tape, dh, dstate_T)
    part = 8 * 3 * 5
    assert memory.held_bytes(state_T) == memory.held_bytes(dstate_0) == part * len(arrays_of(state_T))
    owners = [weakref.ref(owner(array)) for array in [*tape[1:], h]]
    del h, tape
    assert [reference() for reference in owners] == [None] * len(owners)
    assert all(np.isfinite(array).all() for array in arrays_of(state_T, grads, dx, dstate_0))


@pytest.mark.parametrize("cell", [rnn, lstm, gru, RNN_SIGMOID, *VARIANTS])
@pytest.mark.parametrize("sign", [1, -1])
def test_saturated_units_pass_no_gradient_to_what_feeds_them_and_no_warning(cell, sign):
    params, x, state0, dh, dstate_T = draw(cell, 9, 4, 3, 2, 5)
    huge = params._replace(b_h=np.full_like(params.b_h, sign * 1e300))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        h, _, (grads, dx, dstate_0) = passes(cell, Problem(huge, x, state0, dh, dstate_T))
        state, cache = cell.step(huge, x[0], state0)
        step_back = cell.step_backward(huge, cache, dstate_T)
    assert not any(array.any() for array in arrays_of(grads, dx, *step_back[:2]))
    assert all(np.isfinite(array).all() for array in arrays_of(h, state, dstate_0, step_back[2]))


@fast_cells
def test_the_module_has_the_names_that_generic_code_uses(cell):
    names = ("Params", "Cache", "Tape", "init", "zero_state", "step", "step_backward", "forward", "backward")
    assert all(hasattr(cell, name) for name in names)
    assert cell.Params._fields[:3] == ("W_xh", "W_hh", "b_h")
    assert {rnn: 1, lstm: 4, gru: 3}[cell] == len(cell.init(np.random.default_rng(0), 2, 5).b_h) // 5
