"""Every record was made by the experiment as it is now.

Another processor or another NumPy rounds differently, and many updates let the difference grow.
So records of plain arithmetic are compared within 1e-5 (they hold six digits) and short trainings
within the tolerance beside them.  What the lessons claim of a record, the lessons assert.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.cells.unrolled import looped
from bptt_lessons.experiments import (
    influence_balancing_truncated,
    long_sequence,
    recording,
    truncation_bias,
)
from bptt_lessons.experiments.recording import plain, recorded
from bptt_lessons.experiments.registry import EXPERIMENTS
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY, sgd, train_on_stream
from bptt_lessons.gradients import tbptt
from bptt_lessons.tasks import delayed_echo, influence_balancing
from bptt_lessons.training import loop, optim, readout


def test_every_experiment_has_a_record_and_every_record_an_experiment():
    assert {file.name for file in recording.FOLDER.iterdir()} == {f"{name}.json" for name in EXPERIMENTS}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_record_is_of_the_experiment_as_it_stands(name):
    experiment, found = EXPERIMENTS[name], recorded(name)
    assert found.name == experiment.name == name
    assert found.setting == plain(experiment.full), "record it again: python -m bptt_lessons.experiments " + name
    assert found.seeds == list(experiment.seeds)
    assert found.note == experiment.note
    assert {len(values) for values in found.values.values()} | {len(found.seconds)} == {len(experiment.seeds)}
    assert "changes" not in found.made_with["commit"]
    assert set(experiment.published) <= set(found.values)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_settings_name_every_argument(name):
    seed, *others = inspect.signature(EXPERIMENTS[name].run).parameters
    assert seed == "seed"
    assert set(EXPERIMENTS[name].full) == set(EXPERIMENTS[name].lesson) == set(others)


def check_again(name, seed, tolerance, **changed):
    """Run one seed in the full setting with `changed` and compare what comes out with the record."""
    experiment, found = EXPERIMENTS[name], recorded(name)
    values = experiment.run(seed, **(dict(experiment.full) | changed))
    assert values
    for quantity, value in values.items():
        before = found.values[quantity][found.seeds.index(seed)]
        if value is None or isinstance(value, bool):
            assert value is before, quantity
        else:
            assert np.shape(value) == np.shape(before), quantity
            assert value == pytest.approx(before, rel=tolerance, abs=1e-12), quantity


@pytest.mark.parametrize(
    ("name", "seed", "tolerance", "changed"),
    [
        ("gradient_bound", 0, 1e-5, {}),
        ("orthogonal_gain", 0, 1e-5, {}),
        ("cliff_step", 4, 1e-3, {}),  # at the wall a rounding error grows by a thousand at each step
        pytest.param("influence_balancing_truncated", 0, 1e-5, {}, marks=pytest.mark.long),
        ("truncation_bias", 0, 1e-5, {"gains": (0.9,)}),
        pytest.param("sunspots_longer", 0, 1e-3, {"updates": (700,)}, marks=pytest.mark.long),
        pytest.param(  # 1,700 updates of a small net
            "temporal_xor_windows", 1, 0.02, {"hidden": (16,), "passes": 0}, marks=pytest.mark.long
        ),
    ],
)
def test_a_seed_gives_again_what_was_recorded(name, seed, tolerance, changed):
    check_again(name, seed, tolerance, **changed)


def test_the_estimates_are_those_of_the_truncated_gradients():
    rng = np.random.default_rng(3)
    T = 30
    cell, params = looped(influence_balancing), influence_balancing.Params(np.array([0.3]))
    state0 = rng.normal(size=(1, 23))
    arguments = (cell, params, np.zeros((T, 1, 1)), state0, influence_balancing.loss_gradient)
    h, _, _ = cell.forward(params, np.zeros((T, 1, 1)), state0)
    off = h[:, 0, 0] - 1
    whole = tbptt.windowed_gradient(*arguments, k=T).grads.theta[0]
    assert off @ influence_balancing_truncated.estimates(T, 0.0) == pytest.approx(whole, rel=1e-12)
    cut = tbptt.randomised_gradient(*arguments, cuts=[12], probability=0.1).grads.theta[0]
    seen = influence_balancing_truncated.estimates(T, 0.1)
    assert off @ np.concatenate([seen[:12], seen[: T - 12]]) == pytest.approx(cut, rel=1e-12)


def test_an_update_follows_the_gradient_of_its_window():
    cell, theta, state = looped(influence_balancing), 0.5, np.ones((1, 23))
    for k, length in enumerate((4, 7), start=1):
        params, x = influence_balancing.Params(np.array([theta])), np.zeros((length, 1, 1))
        found = tbptt.windowed_gradient(cell, params, x, state, influence_balancing.loss_gradient, k=length)
        _, state, _ = cell.forward(params, x, state)
        theta -= 1e-3 / k**0.5 * found.grads.theta[0]
    seen = influence_balancing_truncated.estimates(7, 0.0)
    assert influence_balancing_truncated.follow([4, 7], seen, True, 1e-3, 0.5)[-1] == pytest.approx(theta, rel=1e-12)


def test_the_shortest_right_windows():
    seen = [influence_balancing.sensitivity(k) for k in range(1, 131)]
    alone, summed = influence_balancing_truncated.shortest_right(200)
    assert min(seen[: alone - 1]) > 0 > seen[alone - 1]
    assert sum(seen[: summed - 1]) > 0 > sum(seen[:summed])
    assert influence_balancing_truncated.estimates(1005, 0.0)[-1] == pytest.approx(-6, rel=1e-12)


def test_a_pass_over_a_stream_updates_after_every_window_and_carries_the_state():
    rng = np.random.default_rng(0)
    data = delayed_echo.stream(rng, 11, 3, 2)
    model = loop.Model(rnn.init(rng, 1, 4), readout.init(rng, 4, 2))
    ended, memory = train_on_stream(model, None, sgd(0.1), *data, 4, CROSS_ENTROPY)
    assert memory is None
    state = None
    for start in (0, 4, 8):
        window = slice(start, min(start + 4, 11))
        loss = readout.loss_by_window(model.readout, data.target[window], data.mask[window], *CROSS_ENTROPY)
        found = tbptt.windowed_gradient(rnn, model.cell, data.x[window], state, loss, k=4)
        _, state, _ = rnn.forward(model.cell, data.x[window], state)
        model = optim.sgd(model, loop.Model(found.grads, found.extra), 0.1)
    for (name, a), (_, b) in zip(nested.named_arrays(ended), nested.named_arrays(model), strict=True):
        assert np.allclose(a, b, rtol=1e-13, atol=0), name


def test_the_rate_of_a_geometric_decay():
    lengths = tuple(range(1, 60))
    assert truncation_bias.decay_rate(lengths, [0.3 * 0.5**k + 1e-15 for k in lengths]) == pytest.approx(0.5, rel=1e-3)
    with pytest.raises(ValueError, match="at least two"):
        truncation_bias.decay_rate((1, 2), [0.5, 0.0])
    assert truncation_bias.rises([3.0, 2.0, 2.5, 1.0, 1.5, 1e-16, 1e-15]) == 2


def test_masks_give_the_truncated_gradients_of_the_package():
    T, k = 12, 5
    parts = truncation_bias.parts_of_gradient(np.random.default_rng(0), 0.9, T, 2, 3)
    full = tbptt.summed(parts, np.ones((T, T)))
    found = truncation_bias.run(0, gains=(0.9,), lengths=(k, 8, T), T=T, N=2, H=3)
    cut = tbptt.summed(parts, tbptt.kept_by_sliding(T, 1, k))
    distance = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(cut, full, strict=True)))
    assert found["error, sliding, gain 0.9"][0] == pytest.approx(distance / optim.global_norm(full), rel=1e-12)
    assert found["error, windows, gain 0.9"][2] == 0
    assert found["cosine, windows, gain 0.9"][2] == pytest.approx(1, rel=1e-12)


def test_a_short_long_sequence():
    found = long_sequence.run(0, T=100, H=5, slots=6, lag=2, updates=2, lr=0.01)
    assert found["MB, formula for a tape"] == 8 * (100 + 101 * 5) / 1e6
    assert found["MB, every √T-th state"] < found["MB, full"]
    assert found["loss after 2 updates"] < found["loss at first"]
    without = long_sequence.run(0, T=100, H=5, slots=0, lag=2, updates=2, lr=0.01)
    assert not any("slots" in quantity for quantity in without)
