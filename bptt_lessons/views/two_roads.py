"""Backpropagation through time, step by step: the two roads by which the gradient reaches each state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import Array
from bptt_lessons.cells import rnn
from bptt_lessons.training import losses, readout
from bptt_lessons.views import svg
from bptt_lessons.views.frame import Drawing

OWN, FUTURE = svg.VERMILLION, svg.GREEN  # told apart by dashes and thickness, too
OWN_DASH, OWN_THICK, FUTURE_THICK = "7 4", 2.0, 4.0
Y_TOP, H_TOP, X_TOP, BOX = 56, 148, 240, 28
MARGIN = 176  # for the names of the rows
TABLE = 316
ROW = 24


class Play(NamedTuple):
    """All numbers of one forward and one backward pass, of one sequence; index t - 1 belongs to step t."""

    x: Array  # (T, D)
    target: Array  # (T, K)
    h: Array  # (T + 1, H), h_0 first
    y: Array  # (T, K)
    losses: Array  # (T,), what each step adds to the loss
    own: Array  # (T, H), dL/dh_t from the step's own loss
    future: Array  # (T, H), dL/dh_t from all later steps
    dh: Array  # (T, H), their sum
    dz: Array  # (T, H)
    dW_hh: Array  # (T, H, H), what each step adds to grads.W_hh
    total: Array  # (T, H, H), grads.W_hh after the backward step at t


def play(params: rnn.Params, readout_params: readout.Readout, x: Array, target: Array) -> Play:
    """Run a network forward and backward over one sequence and keep every number.

    Parameters
    ----------
    params : rnn.Params
    readout_params : readout.Readout
    x : array (T, 1, D)
    target : array (T, 1, K)
    """
    T = len(x)
    h, caches = [rnn.zero_state(params, 1)], []
    for x_t in x:
        h_t, cache = rnn.step(params, x_t, h[-1])
        h.append(h_t)
        caches.append(cache)
    states = np.stack(h[1:])
    y = readout.forward(readout_params, states)
    _, own = readout.backward(readout_params, states, losses.mse_gradient(y, target))
    shares = [losses.mse(y[t : t + 1], target[t : t + 1]) / T for t in range(T)]

    future, dz, dW_hh, total = (
        np.zeros((T, *shape)) for shape in ((h[0].size,), (h[0].size,), *[params.W_hh.shape] * 2)
    )
    grads = nested.zeros_like(params)
    dh_next = np.zeros_like(h[0])
    for t in reversed(range(T)):
        future[t] = dh_next[0]
        grads_t, _, dh_next = rnn.step_backward(params, caches[t], own[t] + dh_next)
        grads = nested.add(grads, grads_t)
        dz[t], dW_hh[t], total[t] = grads_t.b_h, grads_t.W_hh, grads.W_hh  # one sequence: dL/db_h of a step is dz_t
    return Play(
        *(x[:, 0], target[:, 0], np.stack(h)[:, 0], y[:, 0], np.array(shares)),
        *(own[:, 0], future, own[:, 0] + future, dz, dW_hh, total),
    )


def draw(p: Play, position: int) -> Drawing:
    """Draw the play after so many steps: 1 ... T go forward, T + 1 ... 2T back from t = T to 1."""
    T, H = p.own.shape
    ran = min(position, T)  # forward steps done
    back = 2 * T - position + 1  # the backward step shown last: steps t >= back are done
    box = 20 + 6.4 * len(svg.vector(p.h[0], 3))
    column = box + 66
    at = [MARGIN + column * (t - 0.5) for t in range(T + 1)]
    at[0] = 64
    width = MARGIN + column * T + 4
    height = TABLE + 4 * ROW + 12 + H * (ROW - 4) + (H - 1) * (ROW - 7) + 16

    parts = [_box(at[0], H_TOP, 92, "h_0", "zero", True, False)]
    for t in range(1, T + 1):
        now = t == position or (position > T and t == back)
        parts.append(_forward_step(p, t, at, box, run=t <= ran, now=now))
        if position > T and t >= back:
            parts.append(_roads(t, at, box, T))
    parts.append(_table(p, at, back if position > T else T + 1))

    sentence = _sentence(p, position)
    done = f"{ran} of {T} forward steps" + (f" and {position - T} of {T} backward steps" if position > T else "")
    description = (
        f"A recurrent network unrolled over {T} steps, with its numbers, after {done}. Each state h_t is reached by "
        f"the gradient on two roads: dashed from its own loss, thick and solid from the future. {sentence}"
    )
    return Drawing(svg.picture(width, height, description, "".join(parts)), description, sentence)


def _box(x: float, top: float, width: float, name: str, value: str, run: bool, now: bool) -> str:
    """Draw a named number or vector; hollow and dashed until it is known."""
    fill = svg.SKY if run else svg.PAPER
    outline = svg.rect(
        *(x - width / 2, top, width, BOX + 14),
        fill=fill,
        stroke=svg.INK,
        thick=3.5 if now else 1.3,
        dashed=not run,
        radius=6,
    )
    ink = svg.BLACK if run else svg.INK
    written = svg.text(x, top + 33, value if run else "?", size=12, fill=ink)
    return outline + svg.label(x, top + 15, name, size=13, fill=ink) + written


def _forward_step(p: Play, t: int, at: list[float], box: float, run: bool, now: bool) -> str:
    x, before = at[t], at[t - 1]
    tall = BOX + 14
    dash, thick = ("", 1.8) if run else ("3 3", 1.0)
    start = before + (46 if t == 1 else box / 2)
    edges = [
        svg.path([(start, H_TOP + 13), (x - box / 2, H_TOP + 13)], dash=dash, thick=thick, arrow=True),
        svg.path([(x - 18, X_TOP), (x - 18, H_TOP + tall)], dash=dash, thick=thick, arrow=True),
        svg.path([(x - 18, H_TOP), (x - 18, Y_TOP + tall)], dash=dash, thick=thick, arrow=True),
        svg.label((start + x - box / 2) / 2 - 2, H_TOP + 6, "W_hh", size=12),
        svg.label(x - 23, H_TOP + tall + 30, "W_xh", size=12, anchor="end"),
        svg.label(x - 23, Y_TOP + tall + 29, "W_hy", size=12, anchor="end"),
    ]
    boxes = [
        _box(x, X_TOP, box, f"x_{t}", _values(p.x[t - 1]), run, False),
        _box(x, H_TOP, box, f"h_{t}", svg.vector(p.h[t]), run, now),
        _box(x, Y_TOP, box, f"y_{t}", _values(p.y[t - 1]), run, False),
        svg.text(x, 20, f"target {_values(p.target[t - 1])}", size=12),
        svg.text(x, 42, f"adds {p.losses[t - 1]:.4f} to the loss" if run else "adds ? to the loss", size=12),
    ]
    return "".join(edges + boxes)


def _roads(t: int, at: list[float], box: float, T: int) -> str:
    """Draw the roads into h_t, and the one from it to h_{t-1}."""
    x, tall = at[t], BOX + 14
    own = svg.path([(x + 18, Y_TOP + tall), (x + 18, H_TOP)], stroke=OWN, thick=OWN_THICK, dash=OWN_DASH, arrow=True)
    end = at[t - 1] + (46 if t == 1 else box / 2)
    y = H_TOP + 31
    future = svg.path([(x - box / 2, y), (end, y)], stroke=FUTURE, thick=FUTURE_THICK, arrow=True)
    return (
        own
        + svg.text(x + 26, Y_TOP + tall + 30, "own loss", size=12, anchor="start")
        + future
        + svg.text((x - box / 2 + end) / 2, y + 17, "future", size=12)
    )


def _table(p: Play, at: list[float], back: int) -> str:
    """Write the numbers of the backward pass under each step, for the steps t >= back."""
    T, H = p.own.shape
    rows = [
        ("from its own loss", p.own, OWN, OWN_THICK, OWN_DASH),
        ("from the future", p.future, FUTURE, FUTURE_THICK, ""),
        ("their sum, dL/dh_t", p.dh, "", 0.0, ""),
        ("dz_t = dL/dh_t (1 − h_t²)", p.dz, "", 0.0, ""),
    ]
    parts = [svg.path([(8, TABLE - 22), (at[-1] + (at[-1] - at[-2]) / 2, TABLE - 22)], stroke=svg.FAINT, thick=0.8)]
    for number, (name, values, colour, thick, dash) in enumerate(rows):
        y = TABLE + ROW * number
        if colour:
            parts.append(svg.path([(8, y - 4), (36, y - 4)], stroke=colour, thick=thick, dash=dash))
        parts.append(svg.text(44 if colour else 8, y, name, size=12, anchor="start"))
        for t in range(1, T + 1):
            known = t >= back
            written = svg.vector(values[t - 1]) if known else "·"
            parts.append(svg.text(at[t], y, written, size=12, bold=known and t == back))
    y = TABLE + ROW * 4 + 4
    for name, matrices, offset in (("step's part: h_(t−1)ᵀ dz_t", p.dW_hh, 0), ("grads.W_hh so far", p.total, H)):
        top = y + offset * (ROW - 4) + (8 if offset else 0)
        parts.append(svg.text(8, top, name, size=12, anchor="start", bold=bool(offset)))
        for t in range(1, T + 1):
            for row in range(H):
                written = svg.vector(matrices[t - 1, row]) if t >= back else ("·" if row == 0 else "")
                bold = t == back and bool(offset)
                parts.append(svg.text(at[t], top + (ROW - 7) * row, written, size=12, bold=bold))
    return "".join(parts)


def _values(values: Array) -> str:
    return svg.number(values[0], 3) if len(values) == 1 else svg.vector(values)


def _sentence(p: Play, position: int) -> str:
    T = len(p.x)
    if position == 0:
        return f"Nothing has run yet: h_0 is zero. Next takes step 1 of {T} forward."
    if position <= T:
        t = position
        loss = p.losses[:t].sum()
        end = " The forward pass is done; the next step goes back." if t == T else ""
        return (
            f"Forward, t = {t}: x_{t} and h_{t - 1} make h_{t}; y_{t} = {_values(p.y[t - 1])} against the target "
            f"{_values(p.target[t - 1])} adds {p.losses[t - 1]:.4f} to the loss, now {loss:.4f}.{end}"
        )
    t = 2 * T - position + 1
    later = "zero, since nothing comes after the last step" if t == T else svg.vector(p.future[t - 1])
    end = (
        "All T parts are in: this is the gradient of W_hh."
        if t == 1
        else f"dz_{t} times W_hh transposed goes on to h_{t - 1}: its road from the future."
    )
    return (
        f"Backward, t = {t}: into h_{t} come {svg.vector(p.own[t - 1])} from its own loss and, from the future, "
        f"{later}. Their sum is dL/dh_{t} = {svg.vector(p.dh[t - 1])}; times 1 − h_{t}² it is "
        f"dz_{t} = {svg.vector(p.dz[t - 1])}. "
        f"h_{t - 1} transposed times dz_{t} is added to grads.W_hh. {end}"
    )
