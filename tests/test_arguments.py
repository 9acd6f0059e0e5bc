"""What the checks of arguments let in, and the exact words of a refusal.  (Every function: test_bad_input.py.)"""

from __future__ import annotations

import re
import warnings
from types import SimpleNamespace
from typing import Annotated, NamedTuple

import any_cell
import numpy as np
import pytest
from any_cell import all_cells, draw, fast_cells, whole

from bptt_lessons import arguments, nested
from bptt_lessons.cells import lstm, rnn, unrolled
from bptt_lessons.gradients import bptt, checkpointing, tbptt
from bptt_lessons.training import autoregression, loop, losses, optim


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


def test_sizes_and_positive_numbers_come_back_as_plain_ones():
    assert type(arguments.check_size("T", np.int8(3))) is int
    assert type(arguments.check_positive("lr", np.float32(0.5))) is float
    assert arguments.check_positive("lr", 2) == 2.0


def test_a_mask_left_out_keeps_everything():
    assert np.array_equal(arguments.check_mask(None, 2, 3), np.ones((2, 3), bool))
    mask = np.eye(3, dtype=bool)
    assert arguments.check_mask(mask, 3, 3) is mask


def test_nan_is_found_far_down_a_long_array():
    x = np.zeros((70_000, 2))
    x[69_999, 1] = np.nan
    with pytest.raises(ValueError, match=r"first at \[69999, 1\]"):
        arguments.check_no_nan("x", x)


class Pair(NamedTuple):
    """A container that declares its axes: 2H is known only after H."""

    wide: Annotated[arguments.Array, "D 2H"]
    square: Annotated[arguments.Array, "H 2H"]


DECLARED = arguments.Arguments(
    {"K": 6},
    pair=Pair,
    x=arguments.data("T D"),
    h0=arguments.start("H"),
    y=arguments.optional("T K"),
    k=arguments.check_size,
)
PAIR = Pair(np.ones((2, 10)), np.ones((5, 10)))
FITS = (PAIR, np.ones((4, 2)), np.ones(5), np.ones((4, 6)), 3)


def test_a_declaration_lets_in_what_fits_again_and_again():
    for _ in range(2):
        assert DECLARED(*FITS) == 3
        assert DECLARED(PAIR, FITS[1], None, None, 3) == 3
        assert DECLARED(PAIR, FITS[1]) is None  # what is left out at the end is not checked
    diverged = PAIR._replace(wide=np.full((2, 10), np.inf))
    assert DECLARED(diverged, FITS[1], np.full(5, np.nan)) is None


@pytest.mark.parametrize(
    ("place", "bad", "words"),
    [
        (0, tuple(PAIR), "pair must be test_arguments.Pair(wide, square), got tuple"),
        (
            0,
            PAIR._replace(square=np.ones((5, 4))),
            "pair.square has shape (5, 4), expected (H, 2H) with H = 5, 2H",
        ),
        (0, PAIR._replace(wide=np.ones((2, 5))), "pair.wide has shape (2, 5), expected (D, 2H) with 2H = 10"),
        (0, PAIR._replace(wide=[1.0]), "pair.wide must be a NumPy array of shape (D, 2H) with 2H = 10, got list"),
        (1, np.ones(4), "x has shape (4,), expected (T, D) with D = 2"),
        (1, np.ones((0, 2)), "x has shape (0, 2), expected (T, D) with D = 2, every size at least 1"),
        (
            1,
            np.ones((4, 2), "int64"),
            "x of shape (4, 2) has dtype int64, expected a floating one; shape (T, D) with",
        ),
        (1, np.full((4, 2), np.nan), "x of shape (4, 2) holds NaN, first at [0, 0]; expected numbers"),
        (1, None, "x must be a NumPy array of shape (T, D) with D = 2, got NoneType"),
        (2, np.full(5, np.nan), "h0 of shape (5,) holds NaN, first at [0]; expected numbers"),
        (2, np.ones(5, np.float32), "mixed precision: pair.square has dtype float64, h0 has dtype float32; convert"),
        (3, np.ones((3, 6)), "y has shape (3, 6), expected (T, K) with T = 4, K = 6"),
        (3, SimpleNamespace(shape=[], dtype=[]), "y must be a NumPy array of shape (T, K) with T = 4, K = 6, got "),
        (4, 0, "k must be a whole number of at least 1, got 0"),
    ],
)
def test_a_declaration_refuses_what_does_not_fit_in_these_words(place, bad, words):
    for _ in range(2):
        DECLARED(*FITS)  # what has been let in before makes no difference
        with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
            DECLARED(*FITS[:place], bad, *FITS[place + 1 :])


def test_a_declaration_does_not_remember_without_end(monkeypatch):
    declared = arguments.Arguments(x="N")
    monkeypatch.setattr(arguments, "REMEMBERED", 3)
    for size in range(1, 9):
        declared(np.ones(size))
        assert len(declared.fitting) <= 3
    with pytest.raises(ValueError, match="x has shape"):
        declared(np.ones((1, 1)))


def matrix(array):
    """The same numbers in the class that NumPy wishes away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(array)


def test_a_matrix_and_a_masked_array_are_refused_with_advice():
    params, h = rnn.init(np.random.default_rng(0), 2, 3), np.ones((3, 3))
    _, cache = rnn.step(params, np.ones((3, 2)), h)
    with pytest.raises(ValueError, match=r"dh of shape \(3, 3\) is an np.matrix.*np.asarray\(dh\)"):
        rnn.step_backward(params, cache, matrix(h))
    for call in (lambda x: rnn.forward(params, x), lambda x: rnn.step(params, x[0], h)):
        with pytest.raises(ValueError, match=r"x of shape .* is a masked array.*x\.filled\(0\.0\)"):
            call(np.ma.masked_array(np.ones((2, 3, 2)), mask=np.eye(3)[None, :, :2] > 0 + np.zeros((2, 1, 1))))
    arguments.check_array("x", np.ones(2).view(type("Own", (np.ndarray,), {})), "N")  # other subclasses may pass


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**400), 10**5000, float("inf"), np.longdouble("1e4000")],
    ids=["large", "-large", "too long to print", "inf", "longdouble"],
)
def test_numbers_beyond_the_floats_are_refused_in_few_words(value):
    with pytest.raises(ValueError, match=r"^lr must be a finite number above 0") as refusal:
        arguments.check_positive("lr", value)
    assert len(str(refusal.value)) < 150


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


def test_a_loop_says_what_its_functions_should_have_returned():
    session, update = loop.Session(np.ones(2)), lambda model, grads, memory: (model, memory)
    for returned in (None, 3.0, (1.0,), "ab "):
        with pytest.raises(ValueError, match=r"^gradient must return loss, grads"):
            loop.fit(session, [1], lambda model, batch, returned=returned: returned, update)
        with pytest.raises(ValueError, match=r"^update must return model, memory"):
            loop.fit(session, [1], lambda model, batch: (1.0, model), lambda *args, returned=returned: returned)
    for loss in (None, "text", np.ones(2), 1j):
        with pytest.raises(ValueError, match=r"^gradient must return loss, grads: the loss must be one real number"):
            loop.fit(session, [1], lambda model, batch, loss=loss: (loss, model), update)
    with pytest.raises(ValueError, match=r"^session\.losses must be a tuple"):
        loop.fit(loop.Session(np.ones(2), losses=5), [1], lambda model, batch: (1.0, model), update)


def test_a_state_is_called_by_the_callers_name_for_it():
    params, x, state, _, _ = draw(lstm, 0, 4, 3, 2, 5)
    for wrong in (tuple(state), state.h, None):
        with pytest.raises(ValueError, match=r"^state0 must be lstm\.State\(h, c\), got"):
            unrolled.forward(lstm, params, x, wrong)
    with pytest.raises(ValueError, match=r"^state0\.c has shape \(2, 5\), expected \(N, H\) with N = 3, H = 5$"):
        unrolled.forward(lstm, params, x, state._replace(c=state.c[:2]))
