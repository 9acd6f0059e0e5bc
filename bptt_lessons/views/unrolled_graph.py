"""The unrolled graph: one loop, and the same loop laid out in time, as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import rnn
from bptt_lessons.views import svg
from bptt_lessons.views.frame import Drawing

RADIUS = 16
Y_ROW, H_ROW, X_ROW = 46, 118, 190
LOOP = 62  # where the folded loop stands
START = 186  # where h_0 stands
CELL = 22  # height of a cell of the heat map


def flip(x: Array) -> Array:
    """Return x (T, N, D) with x_1 turned round: a bit for bits, the sign for other numbers."""
    turned = x.copy()
    bits = bool(np.isin(x, (0, 1)).all())
    turned[0] = 1 - x[0] if bits else -x[0]
    return turned


def states(params: rnn.Params, x: Array) -> Array:
    """Return h_0 ... h_T of the one sequence in x (T, 1, D): array (T + 1, H), h_0 zero."""
    h, _, _ = rnn.forward(params, x)
    return np.concatenate([np.zeros_like(h[:1, 0]), h[:, 0]])


def draw(params: rnn.Params, x: Array, T: int, t: int, labels: Sequence[str], flipped: bool) -> Drawing:
    """Draw T copies of the step, the first t of them run.

    Parameters
    ----------
    params : rnn.Params
    x : array (T_max, 1, D)
    T, t : int
        t from 0 to T.
    labels : sequence of str
        What to write under each input; those of the flipped x_1 included.
    flipped : bool
        Whether x_1 is turned round.
    """
    h = states(params, flip(x) if flipped else x)
    H = h.shape[1]
    column = max(64.0, min(84.0, 600 / len(x)))
    at = [START + column * s for s in range(T + 1)]
    edge = at[0] - column / 2 - 2  # the heat map's names end here
    width = START + column * (len(x) + 0.5) + 6
    top = X_ROW + 66
    height = top + CELL * H + (52 if flipped else 30)

    parts = [_folded(), _step_zero(at[0], t)]
    for s in range(1, T + 1):
        parts.append(_copy(at[s - 1], at[s], s, run=s <= t, now=s == t, written=labels[s - 1]))
    parts.append(svg.text(LOOP, X_ROW + 37, "the loop", size=12, fill=svg.FAINT))
    parts.append(
        svg.text(at[0] - column / 2 + 3, top - 8, "the states, unit by unit:", size=12, anchor="start", fill=svg.FAINT)
    )
    for unit in range(H):
        y = top + CELL * unit
        parts.append(svg.text(edge, y + 15, f"unit {unit + 1}", size=11, anchor="end"))
        for s in range(T + 1):
            parts.append(_cell(at[s], y, column, h[s, unit], s <= t))

    key = "filled, with a solid line: has run; hollow and dashed: not yet; thick ring: now"
    parts.append(svg.text(at[0] - column / 2 + 3, height - 10, key, size=12, anchor="start", fill=svg.FAINT))

    count = sum(array.size for array in params)
    sentence = [
        f"T = {T}: {T} {'copies' if T > 1 else 'copy'} of the step, "
        f"parameters of the cell: {count} (the same for every T)."
    ]
    if t == 0:
        sentence.append("No step has run; the state is h_0, all zero.")
    else:
        sentence.append(f"Step {t} made h_{t} from x_{t} and h_{t - 1}.")
    if flipped:
        change = np.abs(h - states(params, x)).max(axis=1)
        y = top + CELL * H + 18
        parts.append(svg.text(edge, y, "largest change", size=11, anchor="end"))
        for s in range(t + 1):
            parts.append(svg.text(at[s], y, f"{change[s]:.2g}", size=11))
        sentence.append(f"With x_1 flipped, h_{t} differs by up to {change[t]:.2g} from what it was.")

    shown = "; ".join(f"h_{s} = {svg.vector(h[s], 2)}" for s in range(1, t + 1)) or "no state yet"
    description = (
        f"On the left a recurrent network as a loop: x to h by W_xh, h to itself by W_hh, h to y by W_hy. "
        f"On the right the same network unrolled into {T} copies that share these weights; {t} of {T} have run"
        f"{', with x_1 flipped' if flipped else ''}. The states: {shown}."
    )
    return Drawing(svg.picture(width, height, description, "".join(parts)), description, " ".join(sentence))


def _node(x: float, y: float, name: str, run: bool, now: bool = False) -> str:
    fill = svg.SKY if run else svg.PAPER
    ink = svg.BLACK if run else svg.INK
    ring = svg.circle(x, y, RADIUS, fill=fill, stroke=svg.INK, thick=4 if now else 1.5, dashed=not run)
    return ring + svg.label(x, y + 4, name, size=13, fill=ink)


def _folded() -> str:
    """Draw the loop: one step that feeds its state back to itself."""
    up = [
        svg.path([(LOOP, X_ROW - RADIUS), (LOOP, H_ROW + RADIUS)], arrow=True),
        svg.path([(LOOP, H_ROW - RADIUS), (LOOP, Y_ROW + RADIUS)], arrow=True),
    ]
    right = LOOP + RADIUS
    back = svg.curve(
        f"M {right - 3},{H_ROW - 9} C {right + 60},{H_ROW - 50} {right + 60},{H_ROW + 50} {right + 6},{H_ROW + 13}"
    )
    tip = svg.path([(right + 7, H_ROW + 14), (right - 4, H_ROW + 9)], arrow=True)
    names = [
        svg.label(LOOP - 6, (X_ROW + H_ROW) / 2 + 5, "W_xh", size=12, anchor="end"),
        svg.label(LOOP - 6, (Y_ROW + H_ROW) / 2 + 5, "W_hy", size=12, anchor="end"),
        svg.label(right + 48, H_ROW + 4, "W_hh", size=12, anchor="start"),
    ]
    nodes = [_node(LOOP, y, name, run=True) for y, name in ((X_ROW, "x"), (H_ROW, "h"), (Y_ROW, "y"))]
    return "".join([*up, back, tip, *names, *nodes])


def _step_zero(x: float, t: int) -> str:
    return _node(x, H_ROW, "h_0", run=True, now=t == 0)


def _copy(before: float, here: float, s: int, run: bool, now: bool, written: str) -> str:
    """Draw copy s of the step: its input, state and output, and the same three weights as all others."""
    dash = "" if run else "4 3"
    thick = 2.0 if run else 1.2
    arrows = [
        ([(before + RADIUS, H_ROW), (here - RADIUS, H_ROW)]),
        ([(here, X_ROW - RADIUS), (here, H_ROW + RADIUS)]),
        ([(here, H_ROW - RADIUS), (here, Y_ROW + RADIUS)]),
    ]
    drawn = [svg.path(ends, dash=dash, thick=thick, arrow=True) for ends in arrows]
    names = [
        svg.label((before + here) / 2 - 2, H_ROW - 8, "W_hh", size=11),
        svg.label(here + 5, (X_ROW + H_ROW) / 2 + 5, "W_xh", size=11, anchor="start"),
        svg.label(here + 5, (Y_ROW + H_ROW) / 2 + 5, "W_hy", size=11, anchor="start"),
    ]
    nodes = [
        _node(here, X_ROW, f"x_{s}", run),
        _node(here, H_ROW, f"h_{s}", run, now),
        _node(here, Y_ROW, f"y_{s}", run),
    ]
    return "".join([*drawn, *names, *nodes, svg.text(here, X_ROW + 34, written, size=12)])


def _cell(x: float, y: float, column: float, value: float, run: bool) -> str:
    left, width = x - column / 2 + 3, column - 6
    if not run:
        return svg.rect(left, y + 1, width, CELL - 2, stroke=svg.FAINT, dashed=True)
    fill, ink = svg.diverging(value)
    box = svg.rect(left, y + 1, width, CELL - 2, fill=fill, stroke=svg.FAINT)
    return box + svg.text(x, y + 15, svg.number(value), size=12, fill=ink)
