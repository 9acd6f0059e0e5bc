"""Backpropagation through an LSTM, step by step: the roads by which the gradient reaches h and c of each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import Array
from bptt_lessons.cells import lstm
from bptt_lessons.training import losses, readout
from bptt_lessons.views import svg
from bptt_lessons.views.frame import Drawing


class Road(NamedTuple):
    """How a road of the gradient looks: told apart by dash, thickness and kind as well as by colour."""

    colour: str
    thick: float
    dash: str
    double: bool = False


OWN = Road(svg.VERMILLION, 2.0, "7 4")  # from the step's own loss into h
THROUGH_H = Road(svg.GREEN, 4.0, "")  # from the step after into h
DOWN = Road(svg.INK, 2.0, "2 3")  # from h into c of the same step
THROUGH_C = Road(svg.BLUE, 6.0, "", double=True)  # from the step after into c
GATE_NAMES = "ifgo"

BOX = 42
Y_TOP, H_TOP, C_TOP, GATES_TOP = 56, 146, 246, 338
GATES_TALL = 74
X_TOP = GATES_TOP + GATES_TALL + 44
TABLE = X_TOP + BOX + 36
ROW = 21
MARGIN = 180  # for the names of the rows
START, START_WIDE = 40, 64  # centre and width of the boxes of h_0 and c_0
GAP = 112  # between the boxes of two steps, where the roads run


class Play(NamedTuple):
    """All numbers of one forward and one backward pass, of one sequence; index t - 1 belongs to step t."""

    x: Array  # (T, D)
    target: Array  # (T, K)
    h: Array  # (T + 1, H), h_0 first
    c: Array  # (T + 1, H), c_0 first
    gates: Array  # (T, 4, H), i, f, g, o
    y: Array  # (T, K)
    losses: Array  # (T,), what each step adds to the loss
    own: Array  # (T, H), dL/dh_t from the step's own loss
    through_h: Array  # (T, H), dL/dh_t from the step after, through its gates
    dh: Array  # (T, H), their sum
    down: Array  # (T, H), dL/dc_t through h_t
    through_c: Array  # (T, H), dL/dc_t from the step after, along the cell
    dc: Array  # (T, H), their sum
    dz: Array  # (T, 4, H)
    norms: Array  # (T,), of grads.W_hh after the backward step at t


def play(params: lstm.Params, readout_params: readout.Readout, x: Array, target: Array) -> Play:
    """Run an LSTM forward and backward over one sequence and keep every number.

    Parameters
    ----------
    params : lstm.Params
    readout_params : readout.Readout
    x : array (T, 1, D)
    target : array (T, 1, K)
    """
    T, H = len(x), len(params.W_hh)
    states, caches = [lstm.zero_state(params, 1)], []
    for x_t in x:
        state, cache = lstm.step(params, x_t, states[-1])
        states.append(state)
        caches.append(cache)
    h, c = (np.stack(values) for values in zip(*states, strict=True))
    y = readout.forward(readout_params, h[1:])
    _, own = readout.backward(readout_params, h[1:], losses.mse_gradient(y, target))
    shares = [losses.mse(y[t : t + 1], target[t : t + 1]) / T for t in range(T)]

    through_h, down, through_c = np.zeros((3, T, H))
    dz, norms = np.zeros((T, 4, H)), np.zeros(T)
    grads, dstate = nested.zeros_like(params), nested.zeros_like(states[-1])
    for t in reversed(range(T)):
        through_h[t], through_c[t] = dstate.h[0], dstate.c[0]
        dh = own[t] + dstate.h
        down[t] = (dh * caches[t].o * (1 - caches[t].tanh_c ** 2))[0]
        grads_t, _, dstate = lstm.step_backward(params, caches[t], lstm.State(dh, dstate.c))
        grads = nested.add(grads, grads_t)
        dz[t] = grads_t.b_h.reshape(4, H)  # one sequence: dL/db_h of a step is dz_t
        norms[t] = np.linalg.norm(grads.W_hh)
    gates = np.array([[getattr(cache, name)[0] for name in GATE_NAMES] for cache in caches])
    return Play(
        *(x[:, 0], target[:, 0], h[:, 0], c[:, 0], gates, y[:, 0], np.array(shares)),
        *(own[:, 0], through_h, own[:, 0] + through_h, down, through_c, down + through_c, dz, norms),
    )


def draw(p: Play, position: int) -> Drawing:
    """Draw the play after so many steps: 1 ... T go forward, T + 1 ... 2T back from t = T to 1."""
    T, H = p.own.shape
    ran = min(position, T)  # forward steps done
    back = 2 * T - position + 1  # the backward step shown last: steps t >= back are done
    box = max(28 + 6.4 * len(svg.vector(p.h[0], 3)), 96)
    column = box + GAP
    at = [MARGIN + 20 + box / 2 + column * (t - 1) for t in range(T + 1)]
    at[0] = START
    width = at[-1] + max(box / 2, 78) + 8  # the texts above and beside the last step may be wider than its boxes

    parts = [
        _box(START, H_TOP, START_WIDE, "h_0", ["zero"], True, False),
        _box(START, C_TOP, START_WIDE, "c_0", ["zero"], True, False),
    ]
    for t in range(1, T + 1):
        now = t == position or (position > T and t == back)
        parts.append(_forward_step(p, t, at, box, run=t <= ran, now=now))
        if position > T and t >= back:
            parts.append(_roads(t, at, box))
    rows = _rows(p)
    parts.append(_table(rows, p, at, width, back if position > T else T + 1))

    sentence = _sentence(p, position)
    done = f"{ran} of {T} forward steps" + (f" and {position - T} of {T} backward steps" if position > T else "")
    description = (
        f"An LSTM of {H} hidden {'unit' if H == 1 else 'units'} unrolled over {T} steps, with its gates and both its "
        f"states, h and c, after {done}. The gradient reaches h_t on two roads: thin and dashed from its own loss, "
        f"thick and solid from the gates of the step after. It reaches c_t on two more: dotted from h_t of the same "
        f"step, and as a double line along the cell from c of the step after. {sentence}"
    )
    height = TABLE + ROW * len(rows) + ROW + 8
    return Drawing(svg.picture(width, height, description, "".join(parts)), description, sentence)


def _box(x: float, top: float, width: float, name: str, values: Sequence[str], run: bool, now: bool) -> str:
    """Draw a named number, vector or list of them; hollow and dashed until it is known."""
    tall = BOX + 16 * (len(values) - 1) if name else GATES_TALL
    ink = svg.BLACK if run else svg.INK
    outline = svg.rect(
        *(x - width / 2, top, width, tall),
        fill=svg.SKY if run else svg.PAPER,
        stroke=svg.INK,
        thick=3.5 if now else 1.3,
        dashed=not run,
        radius=6,
    )
    first = top + (33 if name else 18)
    lines = [svg.text(x, first + 16 * k, value, size=12, fill=ink) for k, value in enumerate(values)]
    return outline + (svg.label(x, top + 15, name, size=13, fill=ink) if name else "") + "".join(lines)


def _forward_step(p: Play, t: int, at: list[float], box: float, run: bool, now: bool) -> str:
    """Draw one step forward: what goes into its gates, its cell, its state and its output."""
    x, before = at[t], at[t - 1]
    dash, thick = ("", 1.8) if run else ("3 3", 1.0)
    start = before + (START_WIDE / 2 if t == 1 else box / 2)
    lane, up = x - box / 2 - 34, x - 18
    edges = [
        svg.path([(start, C_TOP + 13), (x - box / 2, C_TOP + 13)], dash=dash, thick=thick, arrow=True),
        svg.path(
            [(start, H_TOP + 13), (lane, H_TOP + 13), (lane, GATES_TOP + 20), (x - box / 2, GATES_TOP + 20)],
            dash=dash,
            thick=thick,
            arrow=True,
        ),
        *(
            svg.path([(up, low), (up, high)], dash=dash, thick=thick, arrow=True)
            for low, high in (
                (X_TOP, GATES_TOP + GATES_TALL),
                (GATES_TOP, C_TOP + BOX),
                (C_TOP, H_TOP + BOX),
                (H_TOP, Y_TOP + BOX),
            )
        ),
        svg.label(lane + 4, C_TOP + 2, f"× f_{t}", size=12, anchor="start"),
        svg.label(lane + 4, GATES_TOP + 10, "W_hh", size=12, anchor="start"),
        svg.label(up - 5, GATES_TOP + GATES_TALL + 27, "W_xh", size=12, anchor="end"),
        svg.text(up - 5, C_TOP + BOX + 31, "+ i g", size=12, anchor="end"),
        svg.text(up - 5, H_TOP + BOX + 35, "o tanh", size=12, anchor="end"),
        svg.label(up - 5, Y_TOP + BOX + 29, "W_hy", size=12, anchor="end"),
    ]
    gates = [f"{name} {svg.vector(values)}" for name, values in zip(GATE_NAMES, p.gates[t - 1], strict=True)]
    boxes = [
        _box(x, X_TOP, box, f"x_{t}", [_values(p.x[t - 1]) if run else "?"], run, False),
        _box(x, GATES_TOP, box, "", gates if run else [f"{name} ?" for name in GATE_NAMES], run, False),
        _box(x, C_TOP, box, f"c_{t}", [svg.vector(p.c[t]) if run else "?"], run, now),
        _box(x, H_TOP, box, f"h_{t}", [svg.vector(p.h[t]) if run else "?"], run, now),
        _box(x, Y_TOP, box, f"y_{t}", [_values(p.y[t - 1]) if run else "?"], run, False),
        svg.text(x, 20, f"target {_values(p.target[t - 1])}", size=12),
        svg.text(x, 42, f"adds {p.losses[t - 1]:.4f} to the loss" if run else "adds ? to the loss", size=12),
    ]
    return "".join(edges + boxes)


def _roads(t: int, at: list[float], box: float) -> str:
    """Draw the roads into h_t and c_t from above, and those from them to the step before."""
    x, down = at[t], at[t] + 18
    end = at[t - 1] + (START_WIDE / 2 if t == 1 else box / 2)
    lane = x - box / 2 - 56
    return "".join(
        [
            _road(OWN, [(down, Y_TOP + BOX), (down, H_TOP)]),
            svg.text(down + 8, Y_TOP + BOX + 29, "own loss", size=12, anchor="start"),
            _road(DOWN, [(down, H_TOP + BOX), (down, C_TOP)]),
            svg.text(down + 8, H_TOP + BOX + 35, "into c", size=12, anchor="start"),
            _road(THROUGH_C, [(x - box / 2, C_TOP + 31), (end, C_TOP + 31)]),
            svg.text(lane - 8, C_TOP + 54, "along c", size=12, anchor="end"),
            _road(
                THROUGH_H,
                [(x - box / 2, GATES_TOP + 52), (lane, GATES_TOP + 52), (lane, H_TOP + 31), (end, H_TOP + 31)],
            ),
            svg.text(lane + 8, GATES_TOP + 70, "into h", size=12, anchor="start"),
        ]
    )


def _road(road: Road, points: Sequence[tuple[float, float]]) -> str:
    """Draw a road; a double one is hollow but for its head."""
    drawn = svg.path(points, stroke=road.colour, thick=road.thick, dash=road.dash, arrow=True)
    if not road.double:
        return drawn
    (x0, y0), (x1, y1) = points[-2:]
    length = abs(x1 - x0) + abs(y1 - y0)  # roads run straight across or straight down
    head = 6 + 1.5 * road.thick
    stop = (x1 - (x1 - x0) / length * head, y1 - (y1 - y0) / length * head)
    return drawn + svg.path([*points[:-1], stop], stroke=svg.PAPER, thick=road.thick - 3.6)


def _rows(p: Play) -> list[tuple[str, Array, Road | None]]:
    """Return the rows of the table: name, values for each step, and the road that they came by."""
    return [
        ("from its own loss", p.own, OWN),
        ("dz_(t+1) W_hhᵀ", p.through_h, THROUGH_H),
        ("their sum, dL/dh_t", p.dh, None),
        ("dL/dh_t o (1 − tanh² c)", p.down, DOWN),
        ("dL/dc_(t+1) f_(t+1)", p.through_c, THROUGH_C),
        ("their sum, dL/dc_t", p.dc, None),
        ("dz_i: dL/dc_t g i (1 − i)", p.dz[:, 0], None),
        ("dz_f: dL/dc_t c_(t−1) f (1 − f)", p.dz[:, 1], None),
        ("dz_g: dL/dc_t i (1 − g²)", p.dz[:, 2], None),
        ("dz_o: dL/dh_t tanh c o (1 − o)", p.dz[:, 3], None),
    ]


def _table(rows: list[tuple[str, Array, Road | None]], p: Play, at: list[float], width: float, back: int) -> str:
    """Write the numbers of the backward pass under each step, for the steps t >= back."""
    parts = [svg.path([(8, TABLE - 20), (width - 8, TABLE - 20)], stroke=svg.FAINT, thick=0.8)]
    steps = range(1, len(at))
    for number, (name, values, road) in enumerate(rows):
        y = TABLE + ROW * number
        if road:
            parts.append(_road(road, [(34, y - 4), (8, y - 4)]))
        parts.append(svg.text(42 if road else 8, y, name, size=12, anchor="start"))
        for t in steps:
            written = _gradient(values[t - 1]) if t >= back else "·"
            parts.append(svg.text(at[t], y, written, size=12, bold=t == back))
    y = TABLE + ROW * len(rows)
    parts.append(svg.text(8, y, "norm of grads.W_hh", size=12, anchor="start", bold=True))
    for t in steps:
        written = svg.short(float(p.norms[t - 1]), 3) if t >= back else "·"
        parts.append(svg.text(at[t], y, written, size=12, bold=t == back))
    return "".join(parts)


def _values(values: Array) -> str:
    return svg.number(values[0], 3) if len(values) == 1 else svg.vector(values)


def _gradient(values: Array) -> str:
    """Write a gradient: with one digit more than a state has, since most of its entries are small."""
    return svg.vector(values, 4)


def _sentence(p: Play, position: int) -> str:
    """Say what the last step did, with its numbers."""
    T = len(p.x)
    if position == 0:
        return f"Nothing has run yet: h_0 and c_0 are zero. Next takes step 1 of {T} forward."
    if position <= T:
        t = position
        i, f, g, o = (svg.vector(gate) for gate in p.gates[t - 1])
        end = " The forward pass is done; the next step goes back." if t == T else ""
        return (
            f"Forward, t = {t}: x_{t} and h_{t - 1} make the gates i = {i}, f = {f}, o = {o} and the candidate "
            f"g = {g}. c_{t} = f c_{t - 1} + i g = {svg.vector(p.c[t])}, h_{t} = o tanh c_{t} = {svg.vector(p.h[t])}; "
            f"y_{t} = {_values(p.y[t - 1])} against the target {_values(p.target[t - 1])} adds "
            f"{p.losses[t - 1]:.4f} to the loss, now {p.losses[:t].sum():.4f}.{end}"
        )
    t = 2 * T - position + 1
    own, later_h, down, later_c = (_gradient(v[t - 1]) for v in (p.own, p.through_h, p.down, p.through_c))
    if t == T:
        into = f"no step comes after it; into h_{t} comes {own} from its own loss, into c_{t} {down} through h_{t}: "
        sums = f"dL/dh_{t} and dL/dc_{t} are just these."
    else:
        into = f"into h_{t} come {own} from its own loss and {later_h} from the gates of step {t + 1}: "
        sums = (
            f"dL/dh_{t} = {_gradient(p.dh[t - 1])}. Into c_{t} come {down} through h_{t} and {later_c} along the "
            f"cell: dL/dc_{t} = {_gradient(p.dc[t - 1])}."
        )
    if t > 1:
        end = (
            f"On to step {t - 1} by two roads: dz_{t} W_hhᵀ = {_gradient(p.through_h[t - 2])} into h_{t - 1}, "
            f"dL/dc_{t} f_{t} = {_gradient(p.through_c[t - 2])} into c_{t - 1}."
        )
    else:
        end = f"All T parts of the gradient of W_hh are in; its norm is {svg.short(float(p.norms[0]), 3)}."
    return f"Backward, t = {t}: {into}{sums} {end}"
