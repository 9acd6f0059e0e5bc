"""Task viewer: one sequence of a task step by step, what is wanted and what is said, and the state that carries it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.views import panel, svg
from bptt_lessons.views.frame import Drawing

MOST_STEPS = 200  # thinner cells than these cannot be seen
MOST_NUMBERS = 4  # rows of an input or a target that are numbers
MOST_UNITS = 32
COLUMN, ROW, COLUMNS = 40, 25, 19  # of the table, in pixels, and how many
LEFT, TOP, WIDE = 106, 14, COLUMN * COLUMNS
TALL = 96  # of the panel with predictions
WIDTH = LEFT + WIDE + 24
SHADES = panel.shades(9)
DASHES, MARKERS = ("", "7 4", "2 3", "9 3 2 3"), ("circle", "triangle", "square", "cross")
SEEN = panel.Curve("", svg.BLUE, "", "circle")
WANTED = panel.Curve("target", svg.ORANGE, "", "square")


class Task(NamedTuple):
    """A batch of a task, and what a model makes of it."""

    x: Array  # (T, N, D)
    target: Array  # (T, N) integer or (T, N, K) real
    mask: Array  # (T, N) bool, the steps that count
    y: Array  # (T, N, K): probabilities of symbols, or values
    h: Array  # (T, N, H)
    inputs: Sequence[str] | None  # names of the D symbols of a one-hot input, None for numbers
    outputs: Sequence[str] | None  # names of the K symbols, None for values


def make(x: Array, target: Array, mask: Array, y: Array, h: Array, names: Sequence[str] | None) -> Task:
    """Put a task together; `names` must fit the one-hot input, or else the target's symbols.

    Raises
    ------
    ValueError
        If `names` does not fit, or there are more rows of numbers than can be drawn.
    """
    D, K, symbols = x.shape[2], y.shape[2], target.ndim == 2
    one_hot = D > 1 and bool(np.isin(x, (0, 1)).all() and (x.sum(axis=2) <= 1).all())
    if names is not None:
        if not one_hot and not symbols:
            raise ValueError("names are for symbols, and here x and target are numbers: leave them out")
        size, letter = (D, "D") if one_hot else (K, "K")
        if len(names) != size or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"names must be {letter} = {size} texts, one for each symbol, got {names!r}")
    for name, count, many in (("x", D, not one_hot), ("target", K, not symbols)):
        if many and count > MOST_NUMBERS:
            raise ValueError(f"{name} has {count} numbers at each step, expected at most {MOST_NUMBERS} to draw")
    if symbols:
        y = np.exp(y - y.max(axis=2, keepdims=True))
        y = y / y.sum(axis=2, keepdims=True)
    inputs = outputs = None
    if one_hot:
        inputs = [str(k) for k in range(D)] if names is None else list(names)
    if symbols:
        outputs = list(names) if names is not None and len(names) == K else [str(k) for k in range(K)]
    return Task(x, target, mask, y, h, inputs, outputs)


def draw(task: Task, n: int, t: int) -> Drawing:
    """Draw sequence n up to step t, both counted from 1."""
    T = len(task.x)
    first = max(0, min(t - 1 - COLUMNS // 2, T - COLUMNS))
    shown = range(first, min(first + COLUMNS, T))
    table, rows = _table(task, n - 1, t - 1, shown)
    thin = min(COLUMN, WIDE // T)
    top = TOP + ROW * rows + 62
    overview = panel.Panel(LEFT, top, thin * T, TALL, (0.5, T + 0.5), _range(task, n - 1))
    predictions = _values(task, n - 1, t, overview) if task.outputs is None else _chances(task, n - 1, t, overview)
    where = _window(overview, shown) if len(shown) < T else ""
    below = top + TALL + 106
    state, height = _state(task.h[:, n - 1], t, below, thin, float(np.abs(task.h).max()))
    sentence = _sentence(task, n - 1, t - 1)
    description = f"{outline(task)} {sentence}"
    return Drawing(svg.picture(WIDTH, height, description, table + predictions + where + state), description, sentence)


def outline(task: Task) -> str:
    """Say what the picture has, without a number that training decides."""
    T, N = task.x.shape[:2]
    middle = (
        "the prediction as a curve with the targets as squares"
        if task.outputs is None
        else "the probability that the model gives to the target, a circle where its most likely symbol is right and "
        "a cross where it is wrong"
    )
    return (
        f"One of {N} sequences of {T} steps, step by step. At the top a table of the steps round the present one: "
        f"input, target and prediction. In the middle, over all steps, {middle}. At the bottom the state h, one row "
        "for each unit, dark where it is negative and light where it is positive, up to the present step."
    )


def on_paper(task: Task, n: int, t: int) -> Drawing:
    """Draw the static picture: what is said of it holds whatever the model has learnt."""
    drawing = draw(task, n, t)
    return Drawing(drawing.svg.replace(escape(drawing.description), escape(outline(task))), outline(task), "")


def _table(task: Task, n: int, t: int, shown: range) -> tuple[str, int]:
    """Draw the table of some steps, predictions up to step t only; return it and the number of its rows."""
    rows: list[tuple[str, list[str]]] = [
        ("step t", [svg.text(0, 0, str(s + 1), size=12, bold=s == t) for s in shown]),
        *_inputs(task, n, shown),
        *_targets(task, n, shown),
        *_predictions(task, n, t, shown),
    ]
    x = LEFT + COLUMN * (t - shown.start)
    parts = [svg.rect(x, TOP, COLUMN, ROW * len(rows), stroke=svg.INK, thick=2.4)]
    for r, (name, cells) in enumerate(rows):
        y = TOP + ROW * r
        parts.append(svg.text(LEFT - 8, y + 17, name, size=12, anchor="end", bold=True))
        line = [(LEFT, y + ROW), (LEFT + COLUMN * len(shown), y + ROW)]
        parts.append(svg.path(line, stroke=svg.FAINT, thick=0.4))
        for c, cell in enumerate(cells):
            if cell:
                place = f"translate({LEFT + COLUMN * c + COLUMN // 2} {y + 17})"
                parts.append(svg.element("g", cell, transform=place))
    return "".join(parts), len(rows)


def _inputs(task: Task, n: int, shown: range) -> list[tuple[str, list[str]]]:
    if task.inputs is not None:
        return [("input", [_name(_symbol(task, n, s)) for s in shown])]
    rows = []
    for d in range(task.x.shape[2]):
        values = task.x[:, n, d]
        cells = [_mark(float(values[s])) if _is_mark(task, d) else _number(float(values[s])) for s in shown]
        rows.append((f"input {d + 1}" if task.x.shape[2] > 1 else "input", cells))
    return rows


def _is_mark(task: Task, d: int) -> bool:
    """Whether an input is 0 or 1 wherever one looks: then it is drawn as a mark."""
    return bool(np.isin(task.x[:, :, d], (0, 1)).all())


def _targets(task: Task, n: int, shown: range) -> list[tuple[str, list[str]]]:
    counts = task.mask[:, n]
    if task.outputs is not None:
        return [("target", [_name(task.outputs[task.target[s, n]]) if counts[s] else "" for s in shown])]
    several = task.target.shape[2] > 1
    return [
        (
            f"target {k + 1}" if several else "target",
            [_number(float(task.target[s, n, k])) if counts[s] else "" for s in shown],
        )
        for k in range(task.target.shape[2])
    ]


def _predictions(task: Task, n: int, t: int, shown: range) -> list[tuple[str, list[str]]]:
    """Return the rows of what the model says, faint where it does not count."""
    counts, said = task.mask[:, n], [s for s in shown if s <= t]
    ink = [svg.INK if counts[s] else svg.FAINT for s in said]
    if task.outputs is not None:
        best = [int(task.y[s, n].argmax()) for s in said]
        right = [_verdict(k == task.target[s, n]) if counts[s] else "" for k, s in zip(best, said, strict=True)]
        chances = [float(task.y[s, n, k]) for k, s in zip(best, said, strict=True)]
        return [
            ("prediction", [_name(task.outputs[k], fill) for k, fill in zip(best, ink, strict=True)]),
            ("probability", [_number(p, fill) for p, fill in zip(chances, ink, strict=True)]),
            ("right?", right),
        ]
    rows, several = [], task.target.shape[2] > 1
    for k in range(task.target.shape[2]):
        index = f" {k + 1}" if several else ""
        values = [float(task.y[s, n, k]) for s in said]
        wrong = [v - float(task.target[s, n, k]) for v, s in zip(values, said, strict=True)]
        rows.append((f"prediction{index}", [_number(v, fill) for v, fill in zip(values, ink, strict=True)]))
        off = [svg.text(0, 0, svg.number(v), size=11) if counts[s] else "" for v, s in zip(wrong, said, strict=True)]
        rows.append((f"off by{index}", off))
    return rows


def _values(task: Task, n: int, t: int, place: panel.Panel) -> str:
    """Draw the predictions up to step t as curves, and the targets as marks."""
    parts, keys, K = [], [], task.target.shape[2]
    x, below = LEFT + 4.0, place.top + TALL + 56
    for k in range(K):
        index = f" {k + 1}" if K > 1 else ""
        curve = panel.Curve(f"prediction{index}", svg.BLUE, DASHES[k], MARKERS[k])
        points = [(s + 1.0, float(task.y[s, n, k])) for s in range(t)]
        parts.append(panel.plot(place, curve, points, first=max(0, t - 1)))
        wanted = [place.at(s + 1, float(task.target[s, n, k])) for s in np.flatnonzero(task.mask[:, n]).tolist()]
        parts.append(panel.marks(wanted, WANTED.marker, WANTED.colour, 3.4 if len(wanted) < 60 else 2.2))
        keys.append(panel.legend(curve, x, below))
        x += 150
    keys += [
        panel.marks([(x + 10, below)], WANTED.marker, WANTED.colour),
        svg.text(x + 24, below + 4, "target, at the steps that count", size=12, anchor="start"),
    ]
    rare = [d for d in range(task.x.shape[2]) if _is_mark(task, d) and 0 < 4 * task.x[:, n, d].sum() <= len(task.x)]
    for d in rare[:1] if task.inputs is None else []:  # such as the two marked numbers of adding
        at = [(place.at(s + 1, 0)[0], place.top) for s in np.flatnonzero(task.x[:, n, d]).tolist()]
        keys.append(panel.marks([*at, (x + 250, below)], "triangle", svg.SKY, 4.4))
        keys.append(svg.text(x + 264, below + 4, f"input {d + 1} is 1", size=12, anchor="start"))
    axes = panel.frame(place, "prediction", _steps(len(task.x)), _ticks(place), _axis(len(task.x)))
    return axes + panel.clipped(place, "".join(parts)) + "".join(keys)


def _chances(task: Task, n: int, t: int, place: panel.Panel) -> str:
    """Draw the probability that the model gives to the target, at the steps up to t that count."""
    at = [int(s) for s in np.flatnonzero(task.mask[:t, n])]
    points = [place.at(s + 1, float(task.y[s, n, task.target[s, n]])) for s in at]
    right = [bool(task.y[s, n].argmax() == task.target[s, n]) for s in at]
    size = 3.2 if len(task.x) <= 60 else 2.2
    parts = [svg.path(points, stroke=svg.FAINT, thick=0.7) if len(points) > 1 else ""]
    parts.append(panel.marks([p for p, good in zip(points, right, strict=True) if good], "circle", svg.SKY, size))
    parts.append(
        panel.marks([p for p, good in zip(points, right, strict=True) if not good], "cross", svg.VERMILLION, size)
    )
    below = place.top + TALL + 56
    keys = [
        panel.marks([(LEFT + 10, below)], "circle", svg.SKY),
        svg.text(LEFT + 24, below + 4, "the most likely symbol is the target", size=12, anchor="start"),
        panel.marks([(LEFT + 264, below)], "cross", svg.VERMILLION),
        svg.text(LEFT + 278, below + 4, "it is another", size=12, anchor="start"),
    ]
    axes = panel.frame(
        place, "probability of the target", _steps(len(task.x)), {0.0: "0", 0.5: "0.5", 1.0: "1"}, _axis(len(task.x))
    )
    return axes + "".join(parts + keys)


def _window(place: panel.Panel, shown: range) -> str:
    """Mark on the axis which steps stand in the table."""
    left, _ = place.at(shown.start + 0.5, 0)
    right, _ = place.at(shown.stop + 0.5, 0)
    return svg.rect(left, place.top + place.height - 3, right - left, 6, fill=svg.INK)


def _axis(T: int) -> str:
    """Name the axis of steps, on which a bar marks those in the table if there are others."""
    return "step t (the thick bar: steps in the table)" if T > COLUMNS else "step t"


def _state(h: Array, t: int, top: float, thin: int, largest: float) -> tuple[str, float]:
    """Draw the state up to step t, and return it with the height of the whole picture."""
    T, H = h.shape
    units = min(H, MOST_UNITS)
    high = min(14, max(4, 2 * (80 // units)))
    end = 1.0 if largest <= 1 else largest
    levels = np.clip(np.floor((h[:t, :units] / end + 1) / 2 * len(SHADES)), 0, len(SHADES) - 1).astype(int)
    place = panel.Panel(LEFT, top, thin * T, high * units, (0.5, T + 0.5), (units + 0.5, 0.5))
    drawn: dict[int, list[str]] = {}
    for unit in range(units):
        row, s = levels[:, unit].tolist(), 0
        while s < t:
            stop = s + 1
            while stop < t and row[stop] == row[s]:
                stop += 1  # neighbours of one shade are one stroke
            stroke = f"M{LEFT + thin * s} {top + high * unit + high / 2:g}h{thin * (stop - s)}"
            drawn.setdefault(row[s], []).append(stroke)
            s = stop
    parts = [
        svg.element(
            "path",
            style=f"fill: none; stroke: {SHADES[level]}; stroke-width: {high}; shape-rendering: crispEdges",
            d="".join(strokes),
        )
        for level, strokes in sorted(drawn.items())
    ]
    x = LEFT + thin * (t - 1)
    left, right, lower = x - 1.5, x + thin + 1.5, top + high * units + 4
    box = [(left, top - 4), (right, top - 4), (right, lower), (left, lower), (left, top - 4), (right, top - 4)]
    parts.append(svg.path(box, thick=1.6))
    which = f"state h, the first {units} of {H} units" if units < H else "state h, one row for each unit"
    rows = {1.0: "1", float(units): str(units)} if units > 1 else {1.0: "1"}
    axes = panel.frame(place, which, _steps(T), rows, "step t", grid=False)
    below, wide = top + high * units + 46, 16
    bar = [svg.rect(LEFT + 40 + wide * k, below, wide + 0.4, 12, fill=colour) for k, colour in enumerate(SHADES)]
    written = svg.short(end)
    bar.append(svg.text(LEFT + 34, below + 11, f"\N{MINUS SIGN}{written}", size=12, anchor="end"))
    bar.append(svg.text(LEFT + 46 + wide * len(SHADES), below + 11, written, size=12, anchor="start"))
    return axes + "".join(parts + bar), below + 24


def _sentence(task: Task, n: int, t: int) -> str:
    """Say what happens at step t (from 0), and what has been right so far."""
    T, N = task.x.shape[:2]
    counts = bool(task.mask[t, n])
    start = f"Sequence {n + 1} of {N}, step {t + 1} of {T}: {_heard(task, n, t)}; "
    if task.outputs is None:
        said = "prediction " + " and ".join(svg.short(float(v), 3) for v in task.y[t, n])
        if counts:
            off = " and ".join(svg.number(float(v), 3) for v in task.y[t, n] - task.target[t, n])
            wanted = " and ".join(svg.short(float(v), 3) for v in task.target[t, n])
            start += f"target {wanted}, {said}, off by {off}."
        else:
            start += f"{said}, which does not count here."
    else:
        best = int(task.y[t, n].argmax())
        said = f"prediction {task.outputs[best]} with probability {task.y[t, n, best]:.2f}"
        if counts:
            target = int(task.target[t, n])
            start += f"target {task.outputs[target]}, {said}: {'right' if best == target else 'wrong'}."
        else:
            start += f"{said}, which does not count here."
        at = np.flatnonzero(task.mask[: t + 1, n])
        right = int((task.y[at, n].argmax(axis=1) == task.target[at, n]).sum())
        start += f" Right so far: {right} of the {len(at)} steps that count." if len(at) else ""
    unit = int(np.abs(task.h[t, n, :MOST_UNITS]).argmax())
    largest = svg.number(float(task.h[t, n, unit]))
    drawn = "" if task.h.shape[2] <= MOST_UNITS else " that is drawn"
    return f"{start} The largest entry of h_{t + 1}{drawn} is that of unit {unit + 1}: {largest}."


def _heard(task: Task, n: int, t: int) -> str:
    """Say what the input is."""
    if task.inputs is not None:
        return f"input {_symbol(task, n, t)}" if task.x[t, n].any() else "no input"
    return "input " + ", ".join(svg.short(float(value), 3) for value in task.x[t, n])


def _symbol(task: Task, n: int, t: int) -> str:
    """Return the name of a one-hot input, nothing for a row of zeros."""
    assert task.inputs is not None
    return task.inputs[int(task.x[t, n].argmax())] if task.x[t, n].any() else ""


def _range(task: Task, n: int) -> tuple[float, float]:
    """Return the ends of the axis of predictions."""
    if task.outputs is not None:
        return -0.08, 1.08
    shown = np.concatenate([task.y[:, n].ravel(), task.target[task.mask[:, n], n].ravel()])
    low, high = float(shown.min()), float(shown.max())
    pad = 0.1 * (high - low) or 0.5
    return low - pad, high + pad


def _ticks(place: panel.Panel) -> dict[float, str]:
    """Return three or so round numbers on the axis upward."""
    low, high = place.y
    rough = (high - low) / 4
    decade = 10.0 ** np.floor(np.log10(rough))
    step = float(next(s for s in (1, 2, 5, 10) if s * decade >= rough) * decade)
    return {k * step: svg.short(k * step, 3) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)}


def _steps(T: int) -> dict[float, str]:
    """Return the ticks of an axis of steps."""
    every = next(e for e in (1, 2, 5, 10, 20) if T / e <= 20 or e == 20)
    return {float(s): str(s) for s in range(1, T + 1) if s == 1 or s % every == 0}


def _name(name: str, fill: str = svg.INK) -> str:
    """Write a symbol's name, smaller if it is long."""
    return svg.text(0, 0, name, size=min(14, 60 // max(len(name), 1)), fill=fill) if name else ""


def _number(value: float, fill: str = svg.INK) -> str:
    written = f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    return svg.text(0, 0, written.replace("-", "\N{MINUS SIGN}"), size=11, fill=fill)


def _mark(value: float) -> str:
    """Draw what is 1 as a filled square and what is 0 as nothing."""
    return svg.rect(-6, -10, 12, 12, fill=svg.SKY, stroke=svg.INK, thick=1) if value else ""


def _verdict(right: bool) -> str:
    """Draw a tick or a cross."""
    if right:
        return svg.curve("M-6 -4l4 5l8 -11", stroke=svg.INK, thick=2.2)
    return svg.curve("M-5 -10l10 10m0 -10l-10 10", stroke=svg.VERMILLION, thick=2.6)
