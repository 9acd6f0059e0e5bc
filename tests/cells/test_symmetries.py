"""Symmetries: what must not change, or change in a known way, when a cell's problem is changed; for every cell.

Each test compares a problem with its changed twin, so that it holds in every precision, complex numbers included.
Where both do the same operations on the same numbers, the results must be the same bit for bit; elsewhere they
may differ by rounding, and `assert_same` says how much.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import any_cell
import numpy as np
import pytest
from any_cell import CELLS, Inputs, Problem, arrays_of, whole
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import unrolled

every_cell = pytest.mark.parametrize("name", CELLS)


class Passes(NamedTuple):
    """What one forward and one backward pass give."""

    h: Any  # (T, N, H)
    state_T: Any
    grads: Inputs


class Case(NamedTuple):
    """What a problem is drawn from."""

    T: int
    N: int
    D: int
    H: int
    seed: int
    dtype: Any
    from_state: bool  # whether there is a state to start from
    from_beyond: bool  # whether there is a gradient from beyond the last step

    def draw(self, cell: Any) -> Problem:
        """Draw a problem; a state or a gradient that is left out is None."""
        problem = any_cell.draw(cell, self.seed, *self[:4], self.dtype)
        return problem._replace(
            state0=problem.state0 if self.from_state else None, dstate_T=problem.dstate_T if self.from_beyond else None
        )


size = st.integers(1, 4)
cases = st.builds(
    Case,
    T=st.integers(1, 6),
    N=size,
    D=size,
    H=size,
    seed=st.integers(0, 2**32 - 2),
    dtype=st.sampled_from([np.float32, np.float64, np.complex64, np.complex128]),
    from_state=st.booleans(),
    from_beyond=st.booleans(),
)


def run(cell: Any, problem: Problem) -> Passes:
    """One forward and one backward pass."""
    params, x, state0, dh, dstate_T = problem
    h, state_T, tape = whole(cell).forward(params, x, state0)
    return Passes(h, state_T, Inputs(*whole(cell).backward(params, tape, dh, dstate_T)))


def of_each(function: Any, tree: Any, *others: Any) -> Any:
    """Apply a function to each array, or return None for None."""
    return None if tree is None else nested.map_arrays(function, tree, *others)


def identical(ours: Any, right: Any) -> bool:
    """Whether two structures hold the same numbers, bit for bit but for the sign of zeros."""
    return all(np.array_equal(a, b) for a, b in zip(arrays_of(ours), arrays_of(right), strict=True))


def assert_same(ours: Any, right: Any, made_of: Any = (), allowed: float = 100) -> None:
    """Two structures agree to `allowed` units of rounding of the largest number in them and in what they are `made_of`.

    A result is a sum of up to T·N·(H + 1) = 120 products (6 · 4 · 5), each from a chain of up to T steps.  Rounding
    is a random walk over these: about √120 · T = 66 units, rounded up.  A sum may cancel, so the largest number counts.
    """
    pairs = list(zip(arrays_of(ours), arrays_of(right), strict=True))
    assert all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs)
    scale = max(float(np.max(np.abs(b))) for b in arrays_of(right, *made_of))
    eps = float(np.finfo(pairs[0][0].dtype).eps)
    errors = [float(np.max(np.abs(a - b))) for a, b in pairs]
    assert max(errors) <= allowed * eps * scale, [error / (eps * scale) for error in errors]


def scalar(seed: int, dtype: Any) -> Any:
    """A number from -3 to 3, complex if the dtype is, as a plain number, which keeps every precision."""
    re, im = np.random.default_rng(seed).uniform(-3, 3, 2)
    return complex(re, im) if np.dtype(dtype).kind == "c" else float(re)


# Linearity: the gradients are a linear function of dh and dstate_T together.


@every_cell
@given(cases)
def test_backward_is_linear_in_dh_and_in_what_comes_from_beyond(name, case):
    one = case._replace(from_beyond=True).draw(CELLS[name])
    two = case._replace(from_beyond=True, seed=case.seed + 1).draw(CELLS[name])
    a, b = scalar(case.seed, case.dtype), scalar(case.seed + 1, case.dtype)
    no_dh, nothing_beyond = np.zeros_like(one.dh), of_each(np.zeros_like, one.dstate_T)

    def back(dh: Any, dstate_T: Any) -> Inputs:
        return run(CELLS[name], one._replace(dh=dh, dstate_T=dstate_T)).grads

    def mixed(p: Any, q: Any) -> Any:
        return a * p + b * q

    def check(ours: Inputs, first: Inputs, second: Inputs) -> None:
        parts = nested.map_arrays(lambda p: a * p, first), nested.map_arrays(lambda p: b * p, second)
        assert_same(ours, nested.add(*parts), parts)

    of_dh, of_beyond = back(one.dh, nothing_beyond), back(no_dh, one.dstate_T)
    check(back(mixed(one.dh, two.dh), nothing_beyond), of_dh, back(two.dh, nothing_beyond))
    both = nested.map_arrays(mixed, one.dstate_T, two.dstate_T)
    check(back(no_dh, both), of_beyond, back(no_dh, two.dstate_T))
    check(back(mixed(one.dh, two.dh), both), back(one.dh, one.dstate_T), back(two.dh, two.dstate_T))
    assert_same(back(one.dh, one.dstate_T), nested.add(of_dh, of_beyond), [of_dh, of_beyond])


@every_cell
@given(cases)
def test_a_gradient_of_zero_gives_zero_and_leaving_one_out_is_a_gradient_of_zero(name, case):
    problem = case.draw(CELLS[name])
    params, x, state0, dh, _ = problem
    h, state_T, _ = whole(CELLS[name]).forward(params, x, state0)
    zeros = of_each(np.zeros_like, state_T)
    for beyond in (zeros, None):
        grads = run(CELLS[name], Problem(params, x, state0, np.zeros_like(h), beyond)).grads
        assert not any(array.any() for array in arrays_of(grads))
    left_out, given_zeros = (run(CELLS[name], Problem(params, x, state0, dh, beyond)) for beyond in (None, zeros))
    assert identical(left_out, given_zeros)


@every_cell
@given(cases, st.integers(-30, 30))
def test_a_power_of_two_goes_through_backward_without_rounding(name, case, k):
    problem = case.draw(CELLS[name])
    power = float(2**k) if k >= 0 else 1 / 2**-k
    scaled = problem._replace(dh=problem.dh * power, dstate_T=of_each(lambda d: d * power, problem.dstate_T))
    right = nested.map_arrays(lambda g: g * power, run(CELLS[name], problem).grads)
    assert identical(run(CELLS[name], scaled).grads, right)


# Time.


@every_cell
@given(cases, st.integers(1, 4))
def test_silence_before_the_sequence_shifts_it_and_adds_nothing_to_the_weights(name, case, silence):
    """Without biases a net at zero stays there while x is 0, and its weights have nothing to multiply.

    The logistic net has no rest at zero: its twin starts from ½ everywhere, with the biases that hold it there.
    """
    params, x, _, dh, dstate_T = case.draw(CELLS[name])
    rest = of_each(np.zeros_like, CELLS[name].zero_state(params, case.N))
    biases = {field: np.zeros_like(b) for field, b in params._asdict().items() if field.startswith("b_")}
    if name == "rnn_sigmoid":
        rest = rest + rest.dtype.type(0.5)
        biases = {"b_h": -rest[0] @ params.W_hh}  # σ(0) = ½
    problem = Problem(params._replace(**biases), x, rest, dh, dstate_T)
    if name == "rnn_relu" and any_cell.distance_from_kink(problem) <= 1e-3:
        return  # rare, and only a matter of rounding

    def later(array: Any) -> Any:
        return np.concatenate([np.zeros_like(array, shape=(silence, *array.shape[1:])), array])

    right, shifted = run(CELLS[name], problem), run(CELLS[name], problem._replace(x=later(x), dh=later(dh)))
    assert_same([shifted.h[silence:], shifted.state_T], [right.h, right.state_T])
    assert_same(shifted.h[:silence], np.broadcast_to(unrolled.hidden(rest), shifted.h[:silence].shape), allowed=10)
    assert_same(shifted.grads.x[silence:], right.grads.x)
    if name == "rnn_sigmoid":
        return
    assert not shifted.h[:silence].any()
    weights = [field for field in params._fields if field not in biases]
    assert {"W_xh", "W_hh"} <= set(weights)
    assert_same(*([getattr(p.grads.params, field) for field in weights] for p in (shifted, right)))


@every_cell
@given(cases, st.integers(0, 2**32))
def test_a_run_from_the_middle_with_the_carried_state_is_the_tail(name, case, seed):
    cell = whole(CELLS[name])
    params, x, state0, dh, dstate_T = problem = case._replace(T=case.T + 1).draw(CELLS[name])
    cut = 1 + seed % case.T
    h, carried, early = cell.forward(params, x[:cut], state0)
    late = run(cell, Problem(params, x[cut:], carried, dh[cut:], dstate_T))
    early_grads = Inputs(*cell.backward(params, early, dh[:cut], late.grads.state0))
    right = run(cell, problem)
    assert_same([np.concatenate([h, late.h]), late.state_T], [right.h, right.state_T])
    grads = nested.add(early_grads.params, late.grads.params)
    assert_same(
        Inputs(grads, np.concatenate([early_grads.x, late.grads.x]), early_grads.state0), right.grads, [early_grads]
    )


@every_cell
@given(cases, st.integers(0, 2**32))
def test_no_state_sees_what_comes_after_it_and_no_gradient_of_x_what_came_before(name, case, seed):
    problem = case._replace(T=case.T + 1).draw(CELLS[name])
    other = case._replace(T=case.T + 1, seed=case.seed + 1).draw(CELLS[name])
    t = 1 + seed % case.T
    future = problem._replace(x=np.concatenate([problem.x[:t], other.x[t:]]))
    past = problem._replace(dh=np.concatenate([other.dh[:t], problem.dh[t:]]))
    right = run(CELLS[name], problem)
    assert np.array_equal(run(CELLS[name], future).h[:t], right.h[:t])
    ours = run(CELLS[name], past)
    assert np.array_equal(ours.h, right.h)
    assert np.array_equal(ours.grads.x[t:], right.grads.x[t:])
    if name not in ("rnn_relu",):  # whose units may all be off
        assert not np.array_equal(run(CELLS[name], future).h[t:], right.h[t:])
        assert not np.array_equal(ours.grads.x[:t], right.grads.x[:t])


# Sequences and hidden units.


@every_cell
@given(cases, st.integers(0, 2**32))
def test_a_batch_may_be_split_anywhere_and_its_gradients_add_up(name, case, seed):
    problem = case._replace(N=case.N + 1).draw(CELLS[name])
    cut = 1 + seed % case.N
    halves = []
    for part in (slice(None, cut), slice(cut, None)):

        def of_part(state: Any, part: slice = part) -> Any:
            return of_each(lambda s: s[part], state)

        params, x, state0, dh, dstate_T = problem
        halves.append(run(CELLS[name], Problem(params, x[:, part], of_part(state0), dh[:, part], of_part(dstate_T))))
    one, two = halves
    right = run(CELLS[name], problem)

    def together(a: Any, b: Any) -> Any:  # states, or their gradients, of both parts
        return [np.concatenate(pair) for pair in zip(arrays_of(a), arrays_of(b), strict=True)]

    assert_same(np.concatenate([one.h, two.h], axis=1), right.h)
    assert_same(together(one.state_T, two.state_T), arrays_of(right.state_T))
    added = nested.add(one.grads.params, two.grads.params)
    dx = np.concatenate([one.grads.x, two.grads.x], axis=1)
    assert_same([added, dx, *together(one.grads.state0, two.grads.state0)], list(right.grads), [one.grads, two.grads])


@every_cell
@given(cases, st.integers(0, 2**32))
def test_no_sequence_sees_another(name, case, seed):
    """Another sequence in its place changes nothing for the rest, not one bit."""
    problem = case._replace(N=case.N + 1).draw(CELLS[name])
    other = case._replace(N=case.N + 1, seed=case.seed + 1).draw(CELLS[name])
    n = seed % (case.N + 1)
    rest = np.arange(case.N + 1) != n

    def exchanged(a: Any, b: Any) -> Any:
        return np.where(rest[:, None], a, b)

    params, x, state0, dh, dstate_T = problem
    ours = run(
        CELLS[name],
        Problem(
            params,
            exchanged(x, other.x),
            of_each(exchanged, state0, other.state0),
            exchanged(dh, other.dh),
            of_each(exchanged, dstate_T, other.dstate_T),
        ),
    )
    right = run(CELLS[name], problem)
    assert np.array_equal(ours.h[:, rest], right.h[:, rest])
    assert np.array_equal(ours.grads.x[:, rest], right.grads.x[:, rest])
    for a, b in zip(
        arrays_of(ours.state_T, ours.grads.state0), arrays_of(right.state_T, right.grads.state0), strict=True
    ):
        assert np.array_equal(a[rest], b[rest])


@every_cell
@given(cases, st.integers(0, 2**32))
def test_renaming_the_hidden_units_renames_the_results(name, case, seed):
    problem = case.draw(CELLS[name])
    order = np.random.default_rng(seed).permutation(case.H)

    def columns(array: Any) -> Any:  # in every block of H of them
        return array.reshape(*array.shape[:-1], -1, case.H)[..., order].reshape(array.shape)

    def renamed(p: Any) -> Any:
        p = nested.map_arrays(columns, p)
        return p._replace(W_hh=p.W_hh[order])

    params, x, *others = problem
    other = Problem(renamed(params), x, *(of_each(columns, part) for part in others))
    h, state_T, grads = run(CELLS[name], problem)
    ours = run(CELLS[name], other)
    assert_same([ours.h, ours.state_T], [columns(h), of_each(columns, state_T)])
    assert_same(ours.grads, Inputs(renamed(grads.params), grads.x, of_each(columns, grads.state0)))


CANDIDATES = {"rnn": (0, 1), "rnn_linear": (0, 1), "lstm": (2, 4), "lstm_peephole": (2, 4), "lstm_coupled": (1, 3)}
CANDIDATES |= {"gru": (2, 3), "gru_reset_first": (2, 3)}  # the block that makes new content, of how many


@pytest.mark.parametrize("name", CANDIDATES)
@given(cases, st.integers(0, 2**32))
def test_the_sign_of_a_hidden_unit_is_a_matter_of_taste(name, case, seed):
    """Turn the content of some units, and all that makes or reads it: their gates must not notice.  (tanh is odd.)"""
    problem = case.draw(CELLS[name])
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], case.H).astype(np.float32)
    block, blocks = CANDIDATES[name]
    of_columns = np.ones((blocks, case.H), np.float32)
    of_columns[block] = sign
    of_columns = of_columns.ravel()

    def turned(p: Any) -> Any:
        more = {
            field: array * sign for field, array in p._asdict().items() if field in ("b_hg", "w_ci", "w_cf", "w_co")
        }
        W_hh = p.W_hh * sign[:, None] * of_columns
        return p._replace(W_xh=p.W_xh * of_columns, W_hh=W_hh, b_h=p.b_h * of_columns, **more)

    def of_units(array: Any) -> Any:
        return array * sign

    params, x, *others = problem
    ours = run(CELLS[name], Problem(turned(params), x, *(of_each(of_units, part) for part in others)))
    h, state_T, grads = run(CELLS[name], problem)
    assert_same([ours.h, ours.state_T], [h * sign, of_each(of_units, state_T)])
    assert_same(ours.grads, Inputs(turned(grads.params), grads.x, of_each(of_units, grads.state0)))


# One step.


@every_cell
@given(cases)
def test_a_sequence_of_one_step_is_a_step_and_so_is_its_backward_pass(name, case):
    cell = CELLS[name]
    params, x, state0, dh, dstate_T = problem = case._replace(T=1).draw(cell)
    state = cell.zero_state(params, case.N) if state0 is None else state0
    beyond = of_each(np.zeros_like, state) if dstate_T is None else dstate_T
    state_1, cache = cell.step(params, x[0], state)
    dparams, dx, dstate = cell.step_backward(params, cache, unrolled.add_to_hidden(beyond, dh[0]))
    ours = run(cell, problem)
    assert ours.h.shape == dh.shape
    assert_same([ours.h[0], ours.state_T], [unrolled.hidden(state_1), state_1], allowed=20)
    assert_same(ours.grads._replace(x=ours.grads.x[0]), Inputs(dparams, dx, dstate), allowed=20)
    if not hasattr(cell, "forward"):  # the loop over its steps: the same operations
        assert identical(ours.state_T, state_1)
        assert identical(ours.grads._replace(x=ours.grads.x[0]), Inputs(dparams, dx, dstate))
