"""Every record was made by the experiment as it stands, and says what the lessons say.

A training repeats its numbers to the last digit only with the same matrix products in
the same order: another processor or another NumPy rounds differently, and many updates
let the difference grow.  So records of mere arithmetic are compared within 1e-5 (they hold
six digits), short trainings within the tolerance stated beside them, and long ones
by what the lessons claim of them.
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
    temporal_xor_windows,
    truncation_bias,
)
from bptt_lessons.experiments.recording import plain, recorded
from bptt_lessons.experiments.registry import EXPERIMENTS
from bptt_lessons.experiments.stream_training import CROSS_ENTROPY, adam, over_stream, sgd
from bptt_lessons.gradients import tbptt
from bptt_lessons.tasks import delayed_echo, influence_balancing
from bptt_lessons.training import loop, optim, readout


def test_every_experiment_has_a_record_and_every_record_an_experiment():
    assert {file.name for file in recording.FOLDER.iterdir()} == {f"{name}.json" for name in EXPERIMENTS}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_record_is_of_the_experiment_as_it_stands(name):
    experiment, found = EXPERIMENTS[name], recorded(name)
    assert found.name == name == experiment.run.__module__.rpartition(".")[2]
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
        ("influence_balancing_truncated", 0, 1e-5, {}),
        ("truncation_bias", 0, 1e-5, {"gains": (0.9,)}),
        ("sunspots_longer", 0, 1e-3, {"updates": (700,)}),
        ("temporal_xor_windows", 1, 0.02, {"hidden": (16,), "passes": 0}),  # 1,700 updates of a small net
    ],
)
def test_a_seed_gives_again_what_was_recorded(name, seed, tolerance, changed):
    check_again(name, seed, tolerance, **changed)


def values(name, quantity):
    return np.array(recorded(name).values[quantity])


def test_the_bound_held_in_all_trials():
    trials = values("gradient_bound", "trials")
    assert trials.sum() == 42_000
    assert np.array_equal(trials, values("gradient_bound", "trials in which the bound holds"))


def test_a_gain_above_one_is_not_sufficient():
    assert values("orthogonal_gain", "gain 1.05, input 1").max() < 0.5
    assert 300 < np.median(values("orthogonal_gain", "gain 1.5, input 1")) < 3000
    # It depends on the inputs: units that small ones leave far from saturation do pass a growing gradient on.
    assert values("orthogonal_gain", "gain 1.05, input 0.1").min() > 2


def test_a_plain_step_jumps_from_the_wall_and_a_clipped_one_does_not():
    assert values("cliff_step", "length of the first step, plain").min() > 0.3
    assert values("cliff_step", "way of the 10 steps, plain").max() < 0.02
    assert values("cliff_step", "length of the first step, clipped").max() < 0.01001


def test_sixteen_units_learn_temporal_xor_from_windows_and_two_do_not():
    name = "temporal_xor_windows"
    assert values(name, "error on known bits, H = 16").max() < 0.05
    assert values(name, "error on other bits, H = 16").min() > 0.24
    assert values(name, "error on known bits, H = 2").min() > 0.05


def test_longer_training_does_not_pass_a_weighted_sum_of_two_years_reliably():
    name = "sunspots_longer"
    assert np.median(values(name, "net, 3500 updates")) > values(name, "linear, months used 24")[0]
    assert np.median(values(name, "net, 10000 updates")) > values(name, "linear, months used 24")[0]


def test_temporal_order_needs_clipping():
    name, of = "temporal_order_clipping", len(EXPERIMENTS["temporal_order_clipping"].seeds)
    assert values(name, "solved, clipped").sum() >= of - 1
    assert values(name, "solved, plain").sum() == 0
    assert values(name, "error at the end, plain").min() > 0.65


def test_windows_one_step_too_short_unlearn_the_echo_that_the_net_could_give_before():
    assert values("delayed_echo_windows", "right, windows of 8").max() < 0.65
    assert values("delayed_echo_windows", "right, windows of 10").max() < 0.65
    assert values("delayed_echo_windows", "right, windows of 11").min() > 0.98
    assert values("delayed_echo_windows", "right, windows of 20").min() > 0.98
    # The drawn net holds the bit all along: with its weights left alone the readout finds it.
    assert values("delayed_echo_windows", "right, windows of 10, readout only").min() > 0.99


@pytest.mark.parametrize("gain", [0.8, 0.9, 1.0])
def test_the_bias_decays_no_slower_than_the_gain(gain):
    assert values("truncation_bias", f"rate, sliding, gain {gain:g}").max() < gain
    windows, sliding = (values("truncation_bias", f"rises, {way}, gain {gain:g}") for way in ("windows", "sliding"))
    assert windows.min() > 5
    assert sliding.max() < windows.min()
    for errors in values("truncation_bias", f"error, sliding, gain {gain:g}"):
        assert np.sum(np.diff(errors) > 1e-3) <= 1  # nearly monotone


def test_influence_balancing_needs_windows_of_more_than_a_hundred():
    name = "influence_balancing_truncated"
    for way in ("windows of 10", "windows of 50", "windows of 100"):
        assert not values(name, f"arrived, {way}").any()
        assert values(name, f"θ, {way}").min() > 1
    for way in ("windows of 200", "randomised, mean length 16", "untruncated, every 16"):
        assert values(name, f"arrived, {way}").all()
    assert set(values(name, "shortest right window, last loss")) == {41}
    assert set(values(name, "shortest right window, all losses")) == {110}


def test_the_long_sequence_fits_in_little_memory():
    name = "long_sequence"
    whole = values(name, "MB, formula for a tape")[0]
    assert values(name, "MB, full")[0] > 2 * whole
    assert values(name, "MB, every √T-th state")[0] < 0.03 * whole
    assert values(name, "MB, 50 slots")[0] < 0.03 * whole
    assert values(name, "loss after 10 updates")[0] < 0.1 * values(name, "loss at first")[0]


def test_a_window_sees_what_the_table_says():
    rng = np.random.default_rng(3)
    T = 30
    cell, params = looped(influence_balancing), influence_balancing.Params(np.array([0.3]))
    state0 = rng.normal(size=(1, 23))
    arguments = (cell, params, np.zeros((T, 1, 1)), state0, influence_balancing.loss_gradient)
    h, _, _ = cell.forward(params, np.zeros((T, 1, 1)), state0)
    off = h[:, 0, 0] - 1
    whole = tbptt.windowed_gradient(*arguments, k=T).grads.theta[0]
    assert off @ influence_balancing_truncated.seen_from(T, 0.0) == pytest.approx(whole, rel=1e-12)
    cut = tbptt.randomised_gradient(*arguments, cuts=[12], probability=0.1).grads.theta[0]
    seen = influence_balancing_truncated.seen_from(T, 0.1)
    assert off @ np.concatenate([seen[:12], seen[: T - 12]]) == pytest.approx(cut, rel=1e-12)


def test_an_update_follows_the_gradient_of_its_window():
    cell, theta, state = looped(influence_balancing), 0.5, np.ones((1, 23))
    for k, length in enumerate((4, 7), start=1):
        params, x = influence_balancing.Params(np.array([theta])), np.zeros((length, 1, 1))
        found = tbptt.windowed_gradient(cell, params, x, state, influence_balancing.loss_gradient, k=length)
        _, state, _ = cell.forward(params, x, state)
        theta -= 1e-3 / k**0.5 * found.grads.theta[0]
    seen = influence_balancing_truncated.seen_from(7, 0.0)
    assert influence_balancing_truncated.follow([4, 7], seen, True, 1e-3, 0.5)[-1] == pytest.approx(theta, rel=1e-12)


def test_the_shortest_right_windows():
    seen = [influence_balancing.sensitivity(k) for k in range(1, 131)]
    alone, summed = influence_balancing_truncated.shortest_right(200)
    assert min(seen[: alone - 1]) > 0 > seen[alone - 1]
    assert sum(seen[: summed - 1]) > 0 > sum(seen[:summed])
    assert influence_balancing_truncated.seen_from(1005, 0.0)[-1] == pytest.approx(-6, rel=1e-12)


def test_a_pass_over_a_stream_updates_after_every_window_and_carries_the_state():
    rng = np.random.default_rng(0)
    data = delayed_echo.stream(rng, 11, 3, 2)
    model = loop.Model(rnn.init(rng, 1, 4), readout.init(rng, 4, 2))
    ended, memory = over_stream(model, None, sgd(0.1), *data, 4, CROSS_ENTROPY)
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


def test_adam_remembers_over_the_windows():
    rng = np.random.default_rng(0)
    data = delayed_echo.stream(rng, 11, 3, 2)
    model = loop.Model(rnn.init(rng, 1, 4), readout.init(rng, 4, 2))
    _, memory = over_stream(model, optim.adam_start(model), adam(1e-3), *data, 2, CROSS_ENTROPY)
    assert memory.updates == 5  # of six windows; nothing is asked for in the first


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
    found = long_sequence.run(0, T=400, H=5, slots=6, lag=2, updates=2, lr=0.01)
    assert found["MB, formula for a tape"] == 8 * (400 + 401 * 5) / 1e6
    assert found["MB, every √T-th state"] < found["MB, full"]
    assert found["loss after 2 updates"] < found["loss at first"]
    without = long_sequence.run(0, T=400, H=5, slots=0, lag=2, updates=2, lr=0.01)
    assert not any("slots" in quantity for quantity in without)


def test_pieces_of_one_stream_hold_that_stream():
    setting = EXPERIMENTS["temporal_xor_windows"].full | {"hidden": (16,), "passes": 0, "one_stream": 1}
    assert list(temporal_xor_windows.run(0, **setting)) == [
        "error on known bits, H = 16, one stream in pieces",
        "error on other bits, H = 16, one stream in pieces",
        "learnt (known bits < 0.05), H = 16, one stream in pieces",
    ]
