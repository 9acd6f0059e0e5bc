"""The gate explorer: its numbers are those of the package's LSTM, and what it says of memory is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from svg_reader import sentence, words

from bptt_lessons.cells import lstm, unrolled
from bptt_lessons.views import gate_explorer, svg, widgets
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


def test_a_gate_that_is_shut_clears_the_cell() -> None:
    setting = FIRST._replace(b_f=8.0, key=ERASE)
    assert gate_explorer.halved(gate_explorer.run(setting, QUIET), 5) == 23
    said = gate_explorer.draw(setting, QUIET).sentence
    assert "the key line shuts f at step 23 alone" in said
    assert "from step 23 on, less than 0.05 % at step 40" in said


def test_the_first_picture_in_words() -> None:
    figure = widgets.gate_explorer()
    found = gate_explorer.run(FIRST, QUIET)
    life = float(lstm.memory_half_life(3.0))
    assert sentence(figure) == (
        "One pulse at step 5; gates i = 0.881, f = 0.953, o = 0.881 by their biases. Half-life of a content: "
        f"{life:.1f} steps. Step 5 wrote {svg.number(found.c[4], 3)} into the cell; at most half of it is left from "
        f"step 20 on, {100 * found.c[-1] / found.c[4]:.1f} % at step 40. At step 40 c = {svg.number(found.c[-1], 3)} "
        f"and h = {svg.number(found.h[-1], 3)}."
    )
    shown = words(figure.picture.value)
    assert {"i = σ(2) = 0.881", "f = σ(3) = 0.953", "o = σ(2) = 0.881", f"half-life {life:.1f} steps"} <= set(shown)
    assert sentence(figure) in figure.static.description


def test_a_pulse_beyond_the_end_is_pulled_back() -> None:
    figure = widgets.gate_explorer()
    figure.controls["pulse at step p"].value = 39
    figure.controls["input"].value = TWO
    assert "Pulses at steps 39 and 40" in sentence(figure)
    figure.controls["steps T"].value = 10
    assert figure.controls["pulse at step p"].value == 9
    assert "Pulses at steps 9 and 10" in sentence(figure)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("b_f", [gate_explorer.LOWEST, gate_explorer.HIGHEST])
@pytest.mark.parametrize("b_i", [gate_explorer.LOWEST, gate_explorer.HIGHEST])
def test_the_extremes_can_be_drawn(shape: str, b_f: float, b_i: float) -> None:
    for T, p in ((10, 1), (10, 9), (60, 59)):
        drawing = gate_explorer.draw(Setting(T, shape, p, OFF, b_i, b_f, 0.0), QUIET)
        assert "nan" not in drawing.svg + drawing.description
        assert len(drawing.svg) < 40_000


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: widgets.gate_explorer(T=9), "T must be a whole number from 10 to 60, got 9"),
        (lambda: widgets.gate_explorer(seed=-1), "seed must be a whole number of at least 0, got -1"),
    ],
)
def test_bad_input(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()
