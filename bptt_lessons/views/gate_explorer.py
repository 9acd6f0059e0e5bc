"""One LSTM unit whose gates are set by hand: what each gate does to an input, and how long the cell remembers it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import lstm
from bptt_lessons.views import panel, svg
from bptt_lessons.views.frame import Drawing

ONE, TWO, STEP, NOISE = "one pulse", "two pulses", "a step", "a pulse in noise"
SHAPES = (ONE, TWO, STEP, NOISE)
OFF, WRITE, ERASE, READ = "off", "opens i", "shuts f", "opens o"
KEYS = (OFF, WRITE, ERASE, READ)
LOWEST, HIGHEST = -6.0, 10.0  # of a gate's bias
# Weight of the key line: enough to open a gate with the lowest bias, or to shut one with the highest.
KEY_WEIGHT = HIGHEST - LOWEST
LOUDNESS = 0.5  # standard deviation of the noise, beside a pulse of 1
MOST_STEPS = 60

LEFT, WIDE, LEGEND = 56, 560, 650
WIDTH = 900
X_TOP, X_TALL = 34, 66
GATES_TOP, GATES_TALL = 148, 88
C_TOP, C_TALL = 284, 124
H_TOP, H_TALL = 456, 76
HEIGHT = H_TOP + H_TALL + 46

INPUT = panel.Curve("input x_t", svg.INK, "", "circle")
CANDIDATE = panel.Curve("candidate g_t = tanh x_t", svg.VERMILLION, "7 4", "triangle")
GATES = (
    panel.Curve("i", svg.GREEN, "7 4", "triangle"),
    panel.Curve("f", svg.BLUE, "", "circle"),
    panel.Curve("o", svg.ORANGE, "2 3", "square"),
)
CELL = panel.Curve("cell c_t", svg.BLUE, "", "circle")
REST = panel.Curve("what is left of step p", svg.VERMILLION, "7 4", "cross")
OUTPUT = panel.Curve("output h_t = o_t tanh c_t", svg.GREEN, "", "square")


class Setting(NamedTuple):
    """What the unit is given, and the biases of its gates."""

    T: int
    shape: str
    pulse: int  # step p of the first pulse, from 1 to T - 1
    key: str  # what the second input line does
    b_i: float
    b_f: float
    b_o: float


class Run(NamedTuple):
    """The unit's numbers, step by step; index t - 1 belongs to step t."""

    x: Array  # (T, 2): the input, and the key line
    i: Array  # (T,), and so are the others
    f: Array
    g: Array
    o: Array
    c: Array
    h: Array
    rest: Array  # (T - p + 1,), what is left of the content that step p wrote: at p itself, at p + 1, ...


def later(T: int, pulse: int) -> int:
    """Return the step q of the second pulse, half way between the first and the end."""
    return pulse + (T - pulse + 1) // 2


def key_step(setting: Setting) -> int:
    """Return the step at which the key line is 1: p to write, q to erase or to read."""
    return setting.pulse if setting.key == WRITE else later(setting.T, setting.pulse)


def unit(setting: Setting) -> lstm.Params:
    """Return the parameters of one unit: x drives the candidate alone, the key line at most one gate, h nothing."""
    W_xh = np.zeros((2, 4))
    W_xh[0, 2] = 1.0
    if setting.key != OFF:
        gate = {WRITE: 0, ERASE: 1, READ: 3}[setting.key]
        W_xh[1, gate] = -KEY_WEIGHT if setting.key == ERASE else KEY_WEIGHT
    return lstm.Params(W_xh, np.zeros((1, 4)), np.array([setting.b_i, setting.b_f, 0.0, setting.b_o]))


def make_input(setting: Setting, noise: Array) -> Array:
    """Return the input and the key line, (T, 1, 2), of a setting; `noise` holds at least T numbers."""
    T, p = setting.T, setting.pulse
    x = np.zeros((T, 1, 2))
    if setting.shape == NOISE:
        x[:, 0, 0] = LOUDNESS * noise[:T]
    if setting.shape == STEP:
        x[p - 1 :, 0, 0] = 1
    x[p - 1, 0, 0] = 1
    if setting.shape == TWO:
        x[later(T, p) - 1, 0, 0] = 1
    if setting.key != OFF:
        x[key_step(setting) - 1, 0, 1] = 1
    return x


def run(setting: Setting, noise: Array) -> Run:
    """Run the unit over its input, and follow by itself what step p writes into the cell.

    The gates do not depend on the state, so that what step p wrote is scaled by f alone afterwards.
    """
    x = make_input(setting, noise)
    h, state_T, tape = lstm.forward(unit(setting), x)
    i, f, g, o = (gate[:, 0, 0] for gate in (tape.i, tape.f, tape.g, tape.o))
    c = np.append(tape.c_prev[1:, 0, 0], state_T.c)
    p = setting.pulse
    rest = i[p - 1] * g[p - 1] * np.append(1, np.cumprod(f[p:]))
    return Run(x[:, 0], i, f, g, o, c, h[:, 0, 0], rest)


def halved(found: Run, pulse: int) -> int | None:
    """Return the first step with at most half of what step p wrote; None if there is none."""
    below = np.flatnonzero(found.rest <= found.rest[0] / 2)
    return pulse + int(below[0]) if len(below) else None


def draw(setting: Setting, noise: Array) -> Drawing:
    """Draw the input, the gates, the cell and the output over time."""
    found = run(setting, noise)
    parts = [_input(setting, found), _gates(setting, found), _cell(setting, found), _output(setting, found)]
    sentence = _sentence(setting, found)
    description = (
        f"Four panels, one below the other, over {setting.T} steps: the input x_t with the candidate g_t; the gates i, "
        f"f and o; the cell c_t, with what is left of what step {setting.pulse} wrote and a ring where half of it is "
        f"gone; the output h_t. {sentence}"
    )
    return Drawing(svg.picture(WIDTH, HEIGHT, description, "".join(parts)), description, sentence)


def _place(setting: Setting, top: float, tall: float, y: tuple[float, float]) -> panel.Panel:
    return panel.Panel(LEFT, top, WIDE, tall, (0.4, setting.T + 0.6), y)


def _axes(place: panel.Panel, setting: Setting, title: str, y_ticks: dict[float, str], last: bool = False) -> str:
    """Return the frame of one panel; only the last one names the axis that all of them share."""
    step = next(s for s in (1, 2, 5, 10) if setting.T / s <= 16)
    x_ticks = {float(t): str(t) if last else "" for t in range(1, setting.T + 1) if t == 1 or t % step == 0}
    if step == 2:
        x_ticks.pop(2.0, None)  # too near to 1
    return panel.frame(place, title, x_ticks, y_ticks, "step t" if last else "")


def _curve(place: panel.Panel, curve: panel.Curve, values: Array, first: int = 1, shift: int = 0) -> str:
    """Return a curve over the steps from `first` on, marked at every third step, so that others' marks find room."""
    points = [(float(t), float(value)) for t, value in enumerate(values, first)]
    return panel.plot(place, curve, points, every=3, first=(1 + shift - first) % 3)


def _input(setting: Setting, found: Run) -> str:
    x = found.x[:, 0]
    place = _place(setting, X_TOP, X_TALL, (min(-0.15, float(x.min()) * 1.1), max(1.15, float(x.max()) * 1.1)))
    ticks = {float(v): svg.short(v) for v in (-1, 0, 1) if v >= place.y[0]}
    parts = [_axes(place, setting, "input", ticks), _curve(place, INPUT, x), _curve(place, CANDIDATE, found.g, 1, 1)]
    keys = [panel.legend(INPUT, LEGEND, X_TOP + 10), panel.legend(CANDIDATE, LEGEND, X_TOP + 32)]
    written = f"pulse at step p = {setting.pulse}"
    if setting.shape == TWO:
        written = f"pulses at steps {setting.pulse} and {later(setting.T, setting.pulse)}"
    if setting.shape == STEP:
        written = f"1 from step p = {setting.pulse} on"
    return "".join(parts + keys) + _note(written, X_TOP + 58)


def _gates(setting: Setting, found: Run) -> str:
    place = _place(setting, GATES_TOP, GATES_TALL, (-0.06, 1.06))
    parts = [_axes(place, setting, "gates", {0.0: "0", 0.5: "½", 1.0: "1"})]
    biases = (setting.b_i, setting.b_f, setting.b_o)
    for number, (curve, gate, b) in enumerate(zip(GATES, (found.i, found.f, found.o), biases, strict=True)):
        parts.append(_curve(place, curve, gate, 1, number))
        name = f"{curve.name} = σ({svg.short(b, 3)}) = {_gate(b)}"
        parts.append(panel.legend(curve._replace(name=name), LEGEND, GATES_TOP + 10 + 22 * number))
    if setting.key != OFF:
        parts.append(_note(f"the key line {setting.key} at step {key_step(setting)}", GATES_TOP + 80))
    return "".join(parts)


def _cell(setting: Setting, found: Run) -> str:
    low, high = min(0.0, float(found.c.min())), max(0.0, float(found.c.max()))
    reach = max(high - low, 1e-9)
    place = _place(setting, C_TOP, C_TALL, (low - 0.08 * reach, high + 0.1 * reach))
    p, half = setting.pulse, halved(found, setting.pulse)
    parts = [
        _axes(place, setting, "cell", _ticks(low, high)),
        _curve(place, CELL, found.c),
        _curve(place, REST, found.rest, p, 1),
        panel.legend(CELL, LEGEND, C_TOP + 10),
        panel.legend(REST._replace(name=f"what is left of step {p}"), LEGEND, C_TOP + 32),
        svg.text(LEGEND, C_TOP + 62, f"half-life {_steps(setting.b_f)}", size=14, anchor="start", bold=True),
        _note("ln 2 / ln(1 + e^−b_f), by the bias of f", C_TOP + 82),
    ]
    if half is None:
        parts.append(_note(f"{_share(found)} left at step {setting.T}", C_TOP + 108))
    else:
        ring = place.at(half, float(found.rest[half - p]))
        line = place.at(p, float(found.rest[0]) / 2)
        parts += [
            svg.path([line, (ring[0], line[1])], thick=1.2, dash="2 2"),
            svg.circle(*ring, 7.5, thick=2.2),
            svg.circle(LEGEND + 17, C_TOP + 104, 7.5, thick=2.2),
            svg.text(LEGEND + 42, C_TOP + 108, f"step {half}: at most half is left", size=12, anchor="start"),
        ]
    return "".join(parts)


def _output(setting: Setting, found: Run) -> str:
    low = -1.1 if found.h.min() < -0.1 else -0.1
    place = _place(setting, H_TOP, H_TALL, (low, 1.1))
    ticks = {float(v): svg.short(v) for v in (-1, 0, 1) if v >= low}
    axes = _axes(place, setting, "output", ticks, last=True)
    last = f"at step {setting.T}: h = {svg.number(float(found.h[-1]))}, c = {svg.number(float(found.c[-1]))}"
    key = panel.legend(OUTPUT, LEGEND, H_TOP + 10)
    return axes + _curve(place, OUTPUT, found.h) + key + _note(last, H_TOP + 38)


def _note(written: str, y: float) -> str:
    return svg.text(LEGEND, y, written, size=12, anchor="start")


def _ticks(low: float, high: float) -> dict[float, str]:
    """Return at most six round ticks from `low` to `high`, zero among them."""
    span = high - low
    if span <= 0:
        return {0.0: "0"}
    scale = 10.0 ** np.floor(np.log10(span / 5))
    step = next(scale * s for s in (1, 2, 5, 10) if span / (scale * s) <= 5)
    return {float(k * step): svg.short(float(k * step)) for k in range(-6, 7) if low <= k * step <= high}


def _gate(b: float) -> str:
    """Write a gate that is held by its bias, with enough digits to tell it from 0 and from 1."""
    value = 1 / (1 + np.exp(-b))
    return f"{value:.5f}" if abs(b) > 5 else f"{value:.3f}"


def _steps(b_f: float) -> str:
    """Write the half-life of a forget gate with this bias."""
    life = float(lstm.memory_half_life(b_f))
    return f"{life:,.0f} steps" if life >= 100 else f"{life:.1f} steps" if life >= 1 else f"{life:.2f} steps"


def _share(found: Run) -> str:
    share = 100 * float(found.rest[-1] / found.rest[0])
    return f"{share:.1f} %" if share >= 0.05 else "less than 0.05 %"


def _sentence(setting: Setting, found: Run) -> str:
    """Say what the gates are, what was written, how long it lasts, and what stands at the end."""
    T, p, half = setting.T, setting.pulse, halved(found, setting.pulse)
    what = {
        ONE: f"One pulse at step {p}",
        TWO: f"Pulses at steps {p} and {later(T, p)}",
        STEP: f"An input of 1 from step {p} on",
        NOISE: f"A pulse at step {p} in noise",
    }[setting.shape]
    key = "" if setting.key == OFF else f"; the key line {setting.key} at step {key_step(setting)} alone"
    gates = f"gates i = {_gate(setting.b_i)}, f = {_gate(setting.b_f)}, o = {_gate(setting.b_o)} by their biases{key}"
    lasts = (
        f"at step {T} {_share(found)} of it is left"
        if half is None
        else f"at most half of it is left from step {half} on, {_share(found)} at step {T}"
    )
    return (
        f"{what}; {gates}. Half-life of a content: {_steps(setting.b_f)}. Step {p} wrote "
        f"{svg.number(float(found.rest[0]), 3)} into the cell; {lasts}. At step {T} c = "
        f"{svg.number(float(found.c[-1]), 3)} and h = {svg.number(float(found.h[-1]), 3)}."
    )
