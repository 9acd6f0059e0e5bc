"""The experiments of long-range tasks and of the language model do what they say."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.experiments import fresh_batches, language_model, reber_cells
from bptt_lessons.experiments.fresh_batches import CONTENDERS, error_rate, mean_loss, single, until_passed
from bptt_lessons.experiments.recording import recorded
from bptt_lessons.experiments.stream_training import MSE
from bptt_lessons.tasks import adding, reber, temporal_order
from bptt_lessons.training import losses, optim, readout
from bptt_lessons.training.loop import Model, loss_and_gradient

BUDGET = {"seed": 3, "H": 4, "K": 1, "lr": 0.01, "updates": 10, "every": 4, "below": 0.5}


def train_to(marks, seen=None, **changed):
    """Train a tanh cell on short adding sequences, its exams marked as given."""
    given = iter(marks)

    def draw(rng):
        batch = adding.sequences(rng, 5, 2)
        if seen is not None:
            seen.append(batch.x)
        return batch

    return until_passed(CONTENDERS["tanh"], draw, lambda cell, model: next(given), MSE, **BUDGET | changed)


def test_training_ends_when_the_exam_is_passed():
    end = train_to([0.9, 0.4, 0.1])
    assert (end.passed, end.marks) == (8, [0.9, 0.4])


def test_training_ends_with_the_budget_and_an_exam():
    end = train_to([0.9, 0.5, 0.6])  # 0.5 is not below 0.5
    assert (end.passed, end.marks) == (None, [0.9, 0.5, 0.6])
    assert train_to([0.9, 0.5, 0.4]).passed == 10


def test_all_contenders_see_the_same_batches_and_each_update_a_new_one():
    seen = [[], []]
    for H, batches in zip((4, 7), seen, strict=True):
        train_to([1.0] * 3, batches, H=H)
    assert all(np.array_equal(a, b) for a, b in zip(*seen, strict=True))
    fresh = seen[0][1:]  # the first tells how many inputs there are
    assert len(fresh) == 10
    assert not any(np.array_equal(a, b) for n, a in enumerate(fresh) for b in fresh[:n])


def test_updates_are_adam_on_clipped_gradients():
    end = train_to([1.0], updates=2, every=2, max_norm=0.1)
    rng, batches = np.random.default_rng([3, 0]), np.random.default_rng([3, 1])
    model = single(Model(CONTENDERS["tanh"].start(rng, 2, 4), readout.init(rng, 4, 1)))
    memory = optim.adam_start(model)
    for _ in range(2):
        x, target, mask = single(adding.sequences(batches, 5, 2))
        _, grads = loss_and_gradient(rnn, model, x, target, mask, *MSE)
        model, memory = optim.adam(model, optim.clip_by_global_norm(grads, 0.1), memory, 0.01)
    for (name, a), (_, b) in zip(nested.named_arrays(end.model), nested.named_arrays(model), strict=True):
        assert a.dtype == np.float32, name
        assert np.allclose(a, b, rtol=1e-5, atol=1e-7), name


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_can_be_trained(name):
    draw = partial(adding.sequences, T=4, N=2)
    marked = mean_loss(MSE, adding.sequences(np.random.default_rng(0), 4, 3))
    end = until_passed(CONTENDERS[name], draw, marked, MSE, **BUDGET | {"updates": 2})
    assert len(end.marks) == 1
    assert all(array.dtype == np.float32 for _, array in nested.named_arrays(end.model))


def test_starts_of_the_plain_cell():
    rng = np.random.default_rng(0)
    for name, square in {"tanh": 1.0, "linear, orthogonal × 0.9": 0.81, "IRNN": 1.0}.items():
        start = CONTENDERS[name].start(rng, 2, 5)
        assert np.allclose(start.W_hh @ start.W_hh.T, square * np.eye(5)), name
        assert not start.b_h.any()
    assert np.array_equal(CONTENDERS["IRNN"].start(rng, 2, 5).W_hh, np.eye(5))


def saying(y):
    """Return a cell and a model that say `y`, whatever they hear."""
    K = y.shape[2]
    cell = SimpleNamespace(forward=lambda params, x, state0=None: (y, None, None))
    unused = rnn.init(np.random.default_rng(0), 1, 1)
    return cell, Model(unused, readout.Readout(np.eye(K, dtype=y.dtype), np.zeros(K, y.dtype)))


def test_marks():
    batch = adding.sequences(np.random.default_rng(0), 6, 5)
    said = single(batch).target + np.float32(0.25)
    said[:-1] = 9  # only the last step counts
    assert mean_loss(MSE, batch)(*saying(said)) == pytest.approx(0.0625, rel=1e-5)
    order = temporal_order.sequences(np.random.default_rng(0), 10, 4)
    y = np.eye(4, dtype=np.float32)[order.target]
    assert error_rate(order)(*saying(y)) == 0
    y[-1, 0] = y[-1, 0, ::-1]
    assert error_rate(order)(*saying(y)) == 0.25


def test_a_string_is_foreseen_if_only_legal_symbols_have_the_largest_outputs():
    strings = reber.sequences(np.random.default_rng(1), 20)
    y = strings.legal.astype(np.float32)
    assert not reber_cells.wrong_steps(*saying(y), strings).any()
    assert reber_cells.not_foreseen(strings)(*saying(y)) == 0
    step = reber_cells.remembering(strings)
    y[step] = y[step][:, [0, 2, 1, 3, 4, 5, 6]]  # T for P and P for T
    assert np.array_equal(reber_cells.wrong_steps(*saying(y), strings), step)
    assert reber_cells.not_foreseen(strings)(*saying(y)) == 1
    assert reber_cells.wrong_steps(*saying(np.zeros_like(y)), strings).sum() == strings.mask.sum()  # a tie is wrong


def test_the_step_that_needs_memory():
    steps = reber_cells.remembering(reber.batch(["BTBTXSETE", "BPBPVVEPE", "BTBPVPSETE"]))
    assert [np.flatnonzero(column).tolist() for column in steps.T] == [[6], [6], [7]]


def test_who_does_not_remember_foresees_about_half_of_the_last():
    strings = reber.sequences(np.random.default_rng(2), 400)
    y = strings.legal.astype(np.float32)
    step = reber_cells.remembering(strings)
    y[step] = [0, 1, 0.5, 0, 0, 0, 0]  # always T before P
    assert 0.4 < reber_cells.not_foreseen(strings)(*saying(y)) < 0.6


def symbols(T=10, N=3, K=5):
    return np.random.default_rng(0).integers(0, K, (T, N))


def test_windows_follow_one_another_and_begin_again_with_a_state_of_zeros():
    training, update = symbols(), language_model.decaying(0.01, 9)
    advance = language_model.next_window(training, 4, update)
    session = language_model.start(0, 5, 3)
    for first, carried in ((0, False), (4, True), (0, False), (4, True)):
        state = session.state if carried else None
        h, state, _ = language_model.lstm.forward(
            session.model.cell, np.eye(5, dtype=np.float32)[training[first : first + 4]], state
        )
        loss = losses.softmax_cross_entropy(readout.forward(session.model.readout, h), training[first + 1 : first + 5])
        session = advance(session)
        assert session.losses[-1] == pytest.approx(float(loss), rel=1e-6)
        assert np.allclose(session.state.c, state.c, rtol=1e-5, atol=1e-7)


def test_the_learning_rate_rises_and_falls_to_nothing():
    model = readout.Readout(np.zeros((1, 1)), np.zeros(1))
    grads = readout.Readout(np.ones((1, 1)), np.ones(1))
    update, memory, rates = language_model.decaying(0.1, 200, max_norm=10), optim.adam_start(model), []
    for _ in range(201):
        before = model.b_y[0]
        model, memory = update(model, grads, memory)
        rates.append(before - model.b_y[0])  # Adam's step on a constant gradient is the rate
    assert rates[0] == pytest.approx(0.1 / 50, rel=1e-6)
    assert np.argmax(rates) == 49
    assert rates[100] == pytest.approx(0.05, rel=1e-6)
    assert 0 < rates[200] < rates[199] + 1e-12 < 0.001


def test_a_small_language_model():
    found = language_model.run(0, H=4, N=32, k=8, lr=0.01, updates=6, points=3)
    assert found["curve, updates"] == [2.0, 4.0, 6.0]
    assert found["characters read in training"] == 6 * 32 * 8
    assert found["curve, seconds"][-1] == found["seconds of training"]
    assert len(found["curve, bits"]) == 3
    assert found["bits, LSTM"] == pytest.approx(found["curve, bits"][-1], rel=0.01)  # one stream, and eight
    assert not found["LSTM below the trigram"]


def test_single_leaves_integers_and_masks_alone():
    order = single(temporal_order.sequences(np.random.default_rng(0), 10, 2))
    assert (order.x.dtype, order.target.dtype.kind, order.mask.dtype) == (np.float32, "i", bool)
    assert fresh_batches.single(None) is None


def values(name, quantity):
    return np.array(recorded(name).values[quantity], dtype=float)  # NaN for never


def test_a_forget_gate_that_starts_nearly_closed_hardly_ever_learns_to_add():
    name, of = "forget_bias_adding", 5
    assert [values(name, f"solved, bias {bias}").sum() for bias in (-2, 0, 1, 3)] == [1, of, of, of]
    later = {bias: values(name, f"solved at update, bias {bias}") for bias in (0, 1, 3)}
    assert np.median(later[1]) < np.median(later[0])
    assert max(found.max() for found in later.values()) < 1500  # all updates there are
    assert np.nanmin(values(name, "solved at update, bias -2")) > max(found.max() for found in later.values())


def test_coupling_the_gates_helps_at_adding_and_peepholes_change_little():
    later = {cell: values("lstm_variants", f"solved at update, {cell}") for cell in VARIANTS}
    assert not any(np.isnan(found).any() for found in later.values())
    plain, slow = later["LSTM"], later["LSTM, forget bias 0"]
    assert slow.min() > plain.max()  # every seed
    for quick in ("LSTM, coupled gates", "GRU", "GRU, reset first"):
        assert later[quick].max() < plain.min()
    assert abs(np.median(later["LSTM, peepholes"]) - np.median(plain)) < 100
    assert abs(np.median(later["GRU"]) - np.median(later["GRU, reset first"])) <= 50


VARIANTS = ("LSTM", "LSTM, forget bias 0", "LSTM, coupled gates", "LSTM, peepholes", "GRU", "GRU, reset first")


def test_at_one_budget_all_cells_but_tanh_learn_to_add():
    name = "adding_cells"
    later = {cell: values(name, f"solved at update, {cell}") for cell in ("GRU", "IRNN", "LSTM", "ReLU, orthogonal")}
    for first, second in pairwise(later.values()):
        assert first.max() < second.min()  # in this order, every seed
    assert not values(name, "solved, tanh").any()
    last = values(name, "error at the end, tanh")
    assert np.all((last > 0.85 * adding.BASELINE) & (last < 1.1 * adding.BASELINE))


def test_only_the_orthogonal_linear_recurrence_copies_at_this_budget():
    name = "copying_linear"
    assert values(name, "solved, linear, orthogonal").all()
    for cell in ("linear, orthogonal × 0.9", "tanh", "LSTM"):
        assert not values(name, f"solved, {cell}").any()
        times = values(name, f"times the baseline, {cell}")
        assert np.all((times > 0.9) & (times < 1.1)), cell
    identity = values(name, "times the baseline, linear, identity")
    assert np.all((identity > 0.85) & (identity < 0.95))  # it counts what came, but does not know when


def test_temporal_order_asks_for_a_forget_gate_that_starts_open():
    name = "temporal_order_cells"
    for T in (50, 100):
        assert not values(name, f"solved, LSTM, T = {T}").any()
        assert values(name, f"solved, LSTM, forget bias 3, T = {T}").sum() == 2  # of 3
    assert values(name, "solved, GRU, T = 50").all()
    assert not values(name, "solved, GRU, T = 100").any()
    assert values(name, "solved, tanh, T = 50").sum() == 1
    assert not values(name, "solved, tanh, T = 100").any()


def test_six_units_of_an_lstm_foresee_the_reber_grammar_and_the_tanh_net_mostly_does_too():
    strings = values("reber_cells", "strings until solved, LSTM")
    assert strings.min() > 4000
    assert strings.max() <= 40_000
    assert 8440 < np.median(strings) < 39_740  # the published range
    assert values("reber_cells", "solved, tanh").sum() >= 8
    lost = values("reber_cells", "solved, tanh") == 0
    assert values("reber_cells", "last T or P not foreseen, tanh")[lost].min() > 0.4  # the rest it knows
    assert np.array_equal(
        values("reber_cells", "last T or P not foreseen, tanh"), values("reber_cells", "not foreseen at the end, tanh")
    )


def test_a_long_training_brings_the_language_model_below_xz_and_most_of_it_brings_nothing():
    name = "language_model_long"
    bits = values(name, "bits, LSTM")[0]
    assert values(name, "bits, xz after the training text")[0] < bits < values(name, "bits, xz alone")[0] - 0.1
    assert values(name, "bits, xz alone")[0] < values(name, "bits, trigram")[0]
    curve, updates = values(name, "curve, bits")[0], values(name, "curve, updates")[0]
    assert curve[updates <= 1600][-1] - curve.min() < 0.02  # nothing comes after the first third
    known = values(name, "curve, bits in training")[0]
    assert known[updates <= 1600][-1] - known[-1] > 0.25  # but what it learns by heart
    assert values(name, "seconds of training")[0] < 600


def test_half_a_minute_brings_the_language_model_far_below_the_trigram():
    name = "language_model"
    bits = values(name, "bits, LSTM")
    assert bits.max() < values(name, "bits, trigram")[0] - 0.4
    assert bits.max() < values(name, "bits, xz alone")[0]
    assert bits.min() > values(name, "bits, xz after the training text")[0] + 0.5
    assert values(name, "seconds of training").max() < 40
    for curve in recorded(name).values["curve, bits"]:
        assert np.all(np.diff(curve) < 0)  # still learning at the end
    assert values("language_model_long", "bits, LSTM")[0] < bits.min() - 0.05
