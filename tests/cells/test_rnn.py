"""The plain RNN: its gradient against three oracles, its dtypes, its symmetries and its edges."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.gradients import gradcheck, path_sum

size = st.integers(1, 4)
shapes = st.tuples(size, size, size, size)  # T, N, D, H
seeds = st.integers(0, 2**32 - 1)
activations = st.sampled_from([TANH, SIGMOID, RELU, LINEAR])
dtypes = st.sampled_from([np.float32, np.float64, np.complex64, np.complex128])


class Inputs(NamedTuple):
    """Everything that the gradient is taken with respect to."""

    params: Any
    x: Any
    h0: Any


def analytic(problem: Any, with_h0: bool, with_dh_T: bool, activation: Any) -> Inputs:
    """Gradients of params, x and h0 by rnn.backward."""
    _, _, tape = rnn.forward(problem.params, problem.x, problem.h0 if with_h0 else None, activation)
    grads, dx, dh_0 = rnn.backward(problem.params, tape, problem.dh, problem.dh_T if with_dh_T else None, activation)
    return Inputs(grads, dx, dh_0)


def numerical(method: Any, problem: Any, with_h0: bool, with_dh_T: bool, activation: Any) -> Inputs:
    """The same gradients from values of the loss alone: L = sum of dh h, and of dh_T h_T."""

    def loss(inputs: Inputs) -> Any:
        h, h_T, _ = rnn.forward(inputs.params, inputs.x, inputs.h0, activation)
        return np.sum(problem.dh * h) + (np.sum(problem.dh_T * h_T) if with_dh_T else 0)

    h0 = problem.h0 if with_h0 else np.zeros_like(problem.h0)
    return gradcheck.by_field(method, loss, Inputs(problem.params, problem.x, h0))


@given(shapes, seeds, activations, st.booleans(), st.booleans())
@example((1, 1, 1, 1), 0, TANH, True, True)
@example((3, 1, 4, 2), 1, SIGMOID, True, False)
def test_backward_agrees_with_complex_step(make_problem, shape, seed, activation, with_h0, with_dh_T):
    problem = make_problem(seed, *shape, activation=activation)
    ours = analytic(problem, with_h0, with_dh_T, activation)
    oracle = numerical(gradcheck.complex_step, problem, with_h0, with_dh_T, activation)
    name, error = gradcheck.worst_error(ours, oracle)
    assert error <= 1e-13, name


@given(shapes, seeds, activations, st.booleans(), st.booleans())
def test_backward_agrees_with_central_differences(make_problem, shape, seed, activation, with_h0, with_dh_T):
    problem = make_problem(seed, *shape, activation=activation)
    ours = analytic(problem, with_h0, with_dh_T, activation)
    oracle = numerical(gradcheck.central_difference, problem, with_h0, with_dh_T, activation)
    name, error = gradcheck.worst_error(ours, oracle)
    assert error <= 1e-7, name


@given(st.tuples(st.integers(1, 4), st.integers(1, 2), size, st.integers(1, 3)), seeds, activations)
@example((4, 2, 1, 3), 0, TANH)
def test_backward_agrees_with_the_sum_over_all_paths(make_problem, shape, seed, activation):
    problem = make_problem(seed, *shape, activation=activation)
    _, _, tape = rnn.forward(problem.params, problem.x, problem.h0, activation)
    grads, _, _ = rnn.backward(problem.params, tape, problem.dh, activation=activation)
    oracle = path_sum.gradient(problem.params, tape, problem.dh, activation)
    name, error = gradcheck.worst_error(grads, oracle)
    assert error <= 1e-13, name


@given(shapes, seeds, activations, st.booleans(), st.booleans())
def test_the_fast_pass_equals_the_unrolled_loop(make_problem, shape, seed, activation, with_h0, with_dh_T):
    params, x, h0, dh, dh_T = make_problem(seed, *shape, activation=activation)
    if not with_h0:
        h0 = None
    cell = rnn.with_activation(activation)
    state0 = rnn.zero_state(params, shape[1]) if h0 is None else h0
    h, h_T, tape = rnn.forward(params, x, h0, activation)
    slow_h, slow_h_T, caches = unrolled.forward(cell, params, x, state0)
    assert gradcheck.relative_error(h, slow_h) <= 1e-13
    assert gradcheck.relative_error(h_T, slow_h_T) <= 1e-13
    for cache, x_t, h_prev, h_t in zip(caches, *tape, strict=True):
        assert gradcheck.worst_error(cache, rnn.Cache(x_t, h_prev, h_t))[1] <= 1e-13
    fast = rnn.backward(params, tape, dh, dh_T if with_dh_T else None, activation)
    slow = unrolled.backward(cell, params, caches, dh, dh_T if with_dh_T else None)
    assert gradcheck.worst_error(Inputs(*fast), Inputs(*slow))[1] <= 1e-13


def test_one_step_is_the_equation():
    params = rnn.Params(np.array([[2.0, 0.5]]), np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0.01, -0.02]))
    x, h_prev = np.array([[0.5]]), np.array([[0.25, -0.5]])
    z = np.array([[2 * 0.5 + 0.1 * 0.25 - 0.3 * 0.5 + 0.01, 0.5 * 0.5 + 0.2 * 0.25 - 0.4 * 0.5 - 0.02]])
    h, cache = rnn.step(params, x, h_prev)
    assert gradcheck.relative_error(h, np.tanh(z)) <= 1e-15
    assert cache == (x, h_prev, h)


@given(shapes, seeds, activations, dtypes)
def test_every_dtype_is_kept(make_problem, shape, seed, activation, dtype):
    params, x, h0, dh, dh_T = make_problem(seed, *shape, dtype=dtype)
    h, h_T, tape = rnn.forward(params, x, h0, activation)
    results = [h, h_T, *tape, *rnn.forward(params, x, None, activation)[:2]]
    grads, dx, dh_0 = rnn.backward(params, tape, dh, dh_T, activation)
    results += [*grads, dx, dh_0]
    h_1, cache = rnn.step(params, x[0], h0, activation)
    grads, dx, dh_0 = rnn.step_backward(params, cache, dh[0], activation)
    results += [h_1, *cache, *grads, dx, dh_0, rnn.zero_state(params, 2), *path_sum.gradient(params, tape, dh)]
    assert {result.dtype for result in results} == {np.dtype(dtype)}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_init_keeps_dtype_shape_and_bound(dtype):
    params = rnn.init(np.random.default_rng(0), 30, 40, dtype)
    assert [p.shape for p in params] == [(30, 40), (40, 40), (40,)]
    assert {p.dtype for p in params} == {np.dtype(dtype)}
    assert all(0.1 < np.abs(p).max() <= 1 / np.sqrt(40) * 1.001 for p in params)
    again = rnn.init(np.random.default_rng(0), 30, 40, dtype)
    assert gradcheck.worst_error(params, again)[1] == 0


def test_the_initial_weights_differ_from_one_another():
    params = rnn.init(np.random.default_rng(0), 40, 40)
    assert not np.array_equal(params.W_xh, params.W_hh)
    assert len(np.unique(params.W_hh)) == 1600


@pytest.mark.parametrize("which", ["params", "x", "h0", "dh", "dh_T"])
def test_one_complex_argument_among_real_ones_makes_the_result_complex(make_problem, which):
    problem = make_problem(3, 3, 2, 4, 5)
    turned = problem._replace(**{which: nested.map_arrays(lambda p: p * (1 + 0.5j), getattr(problem, which))})
    _, _, tape = rnn.forward(turned.params, turned.x, turned.h0)
    fast = rnn.backward(turned.params, tape, turned.dh, turned.dh_T)
    _, _, caches = unrolled.forward(rnn, turned.params, turned.x, turned.h0)
    slow = unrolled.backward(rnn, turned.params, caches, turned.dh, turned.dh_T)
    assert fast[2].dtype == np.complex128
    assert gradcheck.worst_error(Inputs(*fast), Inputs(*slow))[1] <= 1e-13


def test_no_transpose_conjugates(make_problem):
    params, x, h0, dh, dh_T = (
        nested.map_arrays(lambda a: a * (0.5 + 0.25j), part) for part in make_problem(13, 3, 2, 4, 5)
    )
    _, _, tape = rnn.forward(params, x, h0)
    gradient = Inputs(*rnn.backward(params, tape, dh, dh_T))
    direction = nested.map_arrays(lambda a: a[..., ::-1] * 1j, Inputs(params, x, h0))

    def loss(eps: float) -> Any:
        moved = nested.map_arrays(lambda a, b: a + eps * b, Inputs(params, x, h0), direction)
        h, h_T, _ = rnn.forward(*moved)
        return np.sum(dh * h) + np.sum(dh_T * h_T)

    products = nested.map_arrays(lambda a, b: np.sum(a * b), gradient, direction)
    slope = sum(product for _, product in nested.named_arrays(products))
    assert (loss(1e-5) - loss(-1e-5)) / 2e-5 == pytest.approx(slope, rel=1e-8)


def test_the_sequences_of_a_batch_do_not_see_one_another(make_problem):
    params, x, h0, dh, dh_T = make_problem(0, 5, 4, 3, 6)
    h, _, tape = rnn.forward(params, x, h0)
    grads, dx, dh_0 = rnn.backward(params, tape, dh, dh_T)
    alone = []
    for n in range(4):
        one = slice(n, n + 1)
        h_n, _, tape_n = rnn.forward(params, x[:, one], h0[one])
        grads_n, dx_n, dh_0_n = rnn.backward(params, tape_n, dh[:, one], dh_T[one])
        assert gradcheck.relative_error(h_n, h[:, one]) <= 1e-14
        assert gradcheck.relative_error(dx_n, dx[:, one]) <= 1e-14
        assert gradcheck.relative_error(dh_0_n, dh_0[one]) <= 1e-14
        alone.append(grads_n)
    total = nested.zeros_like(params)
    for grads_n in alone:
        total = nested.add(total, grads_n)
    assert gradcheck.worst_error(total, grads)[1] <= 1e-14


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_a_sequence_run_in_two_parts_with_carried_state_is_the_whole(make_problem, cut):
    params, x, h0, dh, dh_T = make_problem(1, 6, 2, 3, 4)
    h, h_T, tape = rnn.forward(params, x, h0)
    grads, dx, dh_0 = rnn.backward(params, tape, dh, dh_T)
    early_h, carried, early = rnn.forward(params, x[:cut], h0)
    late_h, late_h_T, late = rnn.forward(params, x[cut:], carried)
    late_grads, late_dx, dh_cut = rnn.backward(params, late, dh[cut:], dh_T)
    early_grads, early_dx, early_dh_0 = rnn.backward(params, early, dh[:cut], dh_cut)
    assert gradcheck.relative_error(np.concatenate([early_h, late_h]), h) <= 1e-14
    assert gradcheck.relative_error(late_h_T, h_T) <= 1e-14
    assert gradcheck.relative_error(np.concatenate([early_dx, late_dx]), dx) <= 1e-14
    assert gradcheck.relative_error(early_dh_0, dh_0) <= 1e-14
    assert gradcheck.worst_error(nested.add(early_grads, late_grads), grads)[1] <= 1e-14


def test_backward_is_linear_in_the_gradient_it_is_given(make_problem):
    params, x, h0, dh, dh_T = make_problem(2, 5, 3, 2, 4)
    _, _, tape = rnn.forward(params, x, h0)
    other, other_T = make_problem(3, 5, 3, 2, 4)[3:]
    both = Inputs(*rnn.backward(params, tape, 2 * dh - 3 * other, 2 * dh_T - 3 * other_T))
    one, two = Inputs(*rnn.backward(params, tape, dh, dh_T)), Inputs(*rnn.backward(params, tape, other, other_T))
    combined = nested.map_arrays(lambda a, b: 2 * a - 3 * b, one, two)
    assert gradcheck.worst_error(both, combined)[1] <= 1e-14


def test_renaming_the_hidden_units_renames_the_results(make_problem):
    params, x, h0, dh, dh_T = make_problem(4, 5, 2, 3, 4)
    order = np.array([2, 0, 3, 1])

    def renamed(p: rnn.Params) -> rnn.Params:
        return rnn.Params(p.W_xh[:, order], p.W_hh[np.ix_(order, order)], p.b_h[order])

    h, _, tape = rnn.forward(params, x, h0)
    grads, dx, dh_0 = rnn.backward(params, tape, dh, dh_T)
    h_r, _, tape_r = rnn.forward(renamed(params), x, h0[:, order])
    result = Inputs(*rnn.backward(renamed(params), tape_r, dh[..., order], dh_T[:, order]))
    assert gradcheck.relative_error(h_r, h[..., order]) <= 1e-14
    assert gradcheck.worst_error(result, Inputs(renamed(grads), dx, dh_0[:, order]))[1] <= 1e-13


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (2, 1, 3, 4), (2, 3, 1, 4), (2, 3, 4, 1), (1, 1, 1, 1)])
def test_sizes_of_one(make_problem, shape):
    T, N, D, H = shape
    params, x, h0, dh, dh_T = make_problem(5, *shape)
    h, h_T, tape = rnn.forward(params, x, h0)
    grads, dx, dh_0 = rnn.backward(params, tape, dh, dh_T)
    assert (h.shape, h_T.shape, dx.shape, dh_0.shape) == ((T, N, H), (N, H), (T, N, D), (N, H))
    assert [g.shape for g in grads] == [(D, H), (H, H), (H,)]
    assert [a.shape for a in tape] == [(T, N, D), (T, N, H), (T, N, H)]


def rearranged(array: np.ndarray, how: str) -> np.ndarray:
    """The same numbers, differently laid out in memory."""
    if how == "Fortran":
        return np.asfortranarray(array)
    if how == "backwards":
        return array[::-1].copy()[::-1]
    if how == "every second":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    return np.moveaxis(np.moveaxis(array, 0, -1).copy(), -1, 0)  # time last in memory


@pytest.mark.parametrize("how", ["Fortran", "backwards", "every second", "time last"])
def test_the_layout_in_memory_does_not_matter(make_problem, how):
    problem = make_problem(6, 4, 3, 2, 5)
    _, _, tape = rnn.forward(*problem[:3])
    right = Inputs(*rnn.backward(problem.params, tape, problem.dh, problem.dh_T))
    params, x, h0, dh, dh_T = nested.map_arrays(lambda a: rearranged(a, how), problem)
    h, _, tape = rnn.forward(params, x, h0)
    assert gradcheck.worst_error(Inputs(*rnn.backward(params, tape, dh, dh_T)), right)[1] <= 1e-14
    tape = rnn.Tape(x, rearranged(tape.h_prev, how), rearranged(h, how))
    assert gradcheck.worst_error(Inputs(*rnn.backward(params, tape, dh, dh_T)), right)[1] <= 1e-14


def test_nothing_is_written_into(make_problem):
    problem = make_problem(7, 4, 3, 2, 5)
    nested.map_arrays(lambda a: a.setflags(write=False), problem)
    params, x, h0, dh, dh_T = problem
    for activation in (TANH, SIGMOID, RELU, LINEAR):
        _, _, tape = rnn.forward(params, x, h0, activation)
        nested.map_arrays(lambda a: a.setflags(write=False), tape)
        rnn.backward(params, tape, dh, dh_T, activation)
        _, cache = rnn.step(params, x[0], h0, activation)
        nested.map_arrays(lambda a: a.setflags(write=False), cache)
        rnn.step_backward(params, cache, dh[0], activation)
        path_sum.gradient(params, tape, dh[:], activation)


def test_the_tape_shares_one_buffer_and_two_passes_share_none(make_problem):
    params, x, h0, _, _ = make_problem(8, 4, 3, 2, 5)
    h, h_T, tape = rnn.forward(params, x, h0)
    assert np.shares_memory(tape.h_prev, tape.h)
    assert np.array_equal(tape.h_prev[0], h0)
    assert np.array_equal(tape.h_prev[1:], tape.h[:-1])
    assert np.array_equal(h_T, h[-1])
    again, _, _ = rnn.forward(params, x, h0)
    assert not np.shares_memory(h, again)
    assert not np.shares_memory(h, h0)


def test_saturated_units_pass_no_gradient_and_no_warning(make_problem):
    params, x, h0, dh, dh_T = make_problem(9, 4, 3, 2, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        huge = params._replace(b_h=np.full(5, 1e300))
        _, _, tape = rnn.forward(huge, x, h0)
        grads, dx, dh_0 = rnn.backward(huge, tape, dh, dh_T)
    assert np.all(tape.h == 1)
    assert not np.any(dx)
    assert not np.any(dh_0)
    assert not any(g.any() for g in grads)


def test_a_bound_cell_is_the_cell_with_its_activation(make_problem):
    params, x, h0, dh, dh_T = make_problem(10, 4, 3, 2, 5)
    cell = rnn.with_activation(SIGMOID)
    h, _, tape = cell.forward(params, x, h0)
    assert np.array_equal(h, rnn.forward(params, x, h0, SIGMOID)[0])
    assert not np.array_equal(h, rnn.forward(params, x, h0)[0])
    ours = Inputs(*cell.backward(params, tape, dh, dh_T))
    assert gradcheck.worst_error(ours, Inputs(*rnn.backward(params, tape, dh, dh_T, SIGMOID)))[1] == 0
    assert np.array_equal(cell.zero_state(params, 7), np.zeros((7, 5)))
