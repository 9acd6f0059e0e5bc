"""The gate explorer: its numbers are those of the package's LSTM, and what it says of memory is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from svg_reader import sentence, words

from bptt_lessons.cells import lstm, unrolled
from bptt_lessons.views import gate_explorer, widgets
from bptt_lessons.views.gate_explorer import ERASE, KEYS, NOISE, OFF, ONE, READ, SHAPES, STEP, TWO, WRITE, Setting

QUIET = np.random.default_rng(0).normal(size=60)
FIRST = Setting(40, ONE, 5, OFF, 2.0, 3.0, 2.0)
B_I, B_F, B_O = "b_i (input gate)", "b_f (forget gate)", "b_o (output gate)"


def close(one: Any, other: Any) -> None:
    """Per array, as everywhere: the fast forward takes σ from a tanh and rounds a gate near 0 like one near 1."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-13 * np.abs(other).max())


def content(setting: Setting, x: Any) -> Any:
    """The cell after every step, by the textbook loop."""
    params = gate_explorer.unit(setting)
    state, c = lstm.zero_state(params, 1), []
    for x_t in x:
        state, _ = lstm.step(params, x_t, state)
        c.append(state.c.item())
    return np.array(c)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("key", KEYS)
def test_numbers_are_those_of_the_lstm(shape: str, key: str) -> None:
    setting = Setting(17, shape, 4, key, -1.0, 2.5, 0.5)
    found = gate_explorer.run(setting, QUIET)
    x = gate_explorer.make_input(setting, QUIET)
    params = gate_explorer.unit(setting)
    h, _, caches = unrolled.forward(lstm, params, x, lstm.zero_state(params, 1))
    close(found.h, h[:, 0, 0])
    close(found.c, content(setting, x))
    for gate in "ifgo":
        close(getattr(found, gate), [getattr(cache, gate).item() for cache in caches])
    close(found.g, np.tanh(found.x[:, 0]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("key", KEYS)
def test_what_is_left_of_a_step_is_what_the_cell_would_lack_without_it(shape: str, key: str) -> None:
    setting = Setting(17, shape, 4, key, -1.0, 2.5, 0.5)
    x = gate_explorer.make_input(setting, QUIET)
    without = x.copy()
    without[3, 0, 0] = 0  # the key line stays as it is
    lack = content(setting, x) - content(setting, without)
    np.testing.assert_array_equal(lack[:3], 0)
    np.testing.assert_allclose(gate_explorer.run(setting, QUIET).rest, lack[3:], rtol=1e-9, atol=1e-14)


def test_inputs_are_what_they_are_called() -> None:
    x = {shape: gate_explorer.make_input(FIRST._replace(shape=shape), QUIET)[:, 0, 0] for shape in SHAPES}
    np.testing.assert_array_equal(np.flatnonzero(x[ONE]), [4])
    np.testing.assert_array_equal(np.flatnonzero(x[TWO]), [4, 22])
    np.testing.assert_array_equal(np.flatnonzero(x[STEP]), np.arange(4, 40))
    assert x[NOISE][4] == 1
    assert (x[NOISE] != 0).all()
    for shape in (ONE, TWO, STEP):
        assert set(x[shape]) == {0, 1}


@pytest.mark.parametrize(("key", "gate", "step"), [(WRITE, "i", 5), (ERASE, "f", 23), (READ, "o", 23)])
@pytest.mark.parametrize("bias", [gate_explorer.LOWEST, gate_explorer.HIGHEST])
def test_the_key_line_rules_one_gate_at_one_step(key: str, gate: str, step: int, bias: float) -> None:
    setting = FIRST._replace(key=key, b_i=bias, b_f=bias, b_o=bias)
    found, plain = (gate_explorer.run(one, QUIET) for one in (setting, setting._replace(key=OFF)))
    for name in "ifo":
        changed = np.flatnonzero(getattr(found, name) != getattr(plain, name)) + 1
        np.testing.assert_array_equal(changed, [step] if name == gate else [])
    there = getattr(found, gate)[step - 1]
    assert there < 0.003 if key == ERASE else there > 0.997


@pytest.mark.parametrize("b_f", [-2.0, 0.0, 1.0, 3.0])
def test_half_is_left_after_one_half_life(b_f: float) -> None:
    setting = FIRST._replace(b_f=b_f)
    found = gate_explorer.run(setting, QUIET)
    half = gate_explorer.halved(found, 5)
    assert half == 5 + int(np.ceil(lstm.memory_half_life(b_f) - 1e-9))
    drawing = gate_explorer.draw(setting, QUIET)
    assert f"step {half}: at most half is left" in words(drawing.svg)
    assert f"at most half of it is left from step {half} on" in drawing.sentence


def test_a_pulse_beyond_the_end_is_pulled_back() -> None:
    figure = widgets.gate_explorer()
    figure.controls["pulse at step p"].value = 39
    figure.controls["input"].value = TWO
    assert "Pulses at steps 39 and 40" in sentence(figure)
    figure.controls["steps T"].value = 10
    assert figure.controls["pulse at step p"].value == 9
    assert "Pulses at steps 9 and 10" in sentence(figure)
