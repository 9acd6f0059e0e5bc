"""The experiments of long-range tasks and of the language model do what they say."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.experiments import language_model, reber_cells
from bptt_lessons.experiments.fresh_batches import (
    CONTENDERS,
    Task,
    error_rate,
    mean_loss,
    outcome_values,
    single,
    train_until_passed,
)
from bptt_lessons.experiments.stream_training import MSE
from bptt_lessons.tasks import adding, reber, temporal_order
from bptt_lessons.training import losses, optim, readout
from bptt_lessons.training.loop import Model, loss_and_gradient

BUDGET = {"seed": 3, "H": 4, "lr": 0.01, "updates": 10, "every": 4}


def train_to(marks, seen=None, **changed):
    """Train a tanh cell on short adding sequences, its exams marked as given."""
    given = iter(marks)

    def draw(rng):
        batch = adding.sequences(rng, 5, 2)
        if seen is not None:
            seen.append(batch.x)
        return batch

    task = Task(draw, lambda cell, model: next(given), MSE, K=1, below=0.5)
    return train_until_passed(CONTENDERS["tanh"], task, **BUDGET | changed)


def test_training_ends_when_the_exam_is_passed():
    end = train_to([0.9, 0.4, 0.1])
    assert (end.passed, end.marks) == (8, [0.9, 0.4])


def test_training_ends_with_the_budget_and_an_exam():
    end = train_to([0.9, 0.5, 0.6])  # 0.5 is not below 0.5
    assert (end.passed, end.marks) == (None, [0.9, 0.5, 0.6])
    passed = train_to([0.9, 0.5, 0.4])
    assert passed.passed == 10
    assert outcome_values("tanh", passed) == {
        "solved, tanh": True,
        "solved at update, tanh": 10,
        "error at the end, tanh": 0.4,
        "errors, tanh": [0.9, 0.5, 0.4],
    }


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


def saying(y):
    """Return a cell and a model that say `y`, whatever they hear."""
    K = y.shape[2]
    cell = SimpleNamespace(forward=lambda params, x, state0=None: (y, None, None))
    unused = rnn.init(np.random.default_rng(0), 1, 1)
    return cell, Model(unused, readout.Readout(np.eye(K, dtype=y.dtype), np.zeros(K, y.dtype)))


def test_marks():
    batch = single(adding.sequences(np.random.default_rng(0), 6, 5))
    said = batch.target + np.float32(0.25)
    said[:-1] = 9  # only the last step counts
    assert mean_loss(MSE, batch)(*saying(said)) == pytest.approx(0.0625, rel=1e-5)
    order = single(temporal_order.sequences(np.random.default_rng(0), 10, 4))
    y = np.eye(4, dtype=np.float32)[order.target]
    assert error_rate(order)(*saying(y)) == 0
    y[-1, 0] = y[-1, 0, ::-1]
    assert error_rate(order)(*saying(y)) == 0.25


def test_a_string_is_foreseen_if_only_legal_symbols_have_the_largest_outputs():
    strings = reber.sequences(np.random.default_rng(1), 20)
    y = strings.legal.astype(np.float32)
    assert not reber_cells.wrong_steps(*saying(y), strings).any()
    assert reber_cells.not_foreseen(strings)(*saying(y)) == 0
    step = reber_cells.steps_that_need_memory(strings)
    y[step] = y[step][:, [0, 2, 1, 3, 4, 5, 6]]  # T for P and P for T
    assert np.array_equal(reber_cells.wrong_steps(*saying(y), strings), step)
    assert reber_cells.not_foreseen(strings)(*saying(y)) == 1
    assert reber_cells.wrong_steps(*saying(np.zeros_like(y)), strings).sum() == strings.mask.sum()  # a tie is wrong


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
