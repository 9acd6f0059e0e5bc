"""The loss surface of a recurrent net with two weights, and gradient descent upon it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import contourpy
import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import rnn
from bptt_lessons.training import losses
from bptt_lessons.views import svg
from bptt_lessons.views.frame import Drawing
from bptt_lessons.views.panel import CIVIDIS

GRID = 61  # points on each axis
LEFT, TOP, SIDE = 56, 14, 400  # the square that holds the picture, in pixels


class Point(NamedTuple):
    """A place on the surface."""

    w_xh: float
    w_hh: float


class Surface(NamedTuple):
    """A net h_t = tanh(w_xh x_t + w_hh h_{t-1}) whose h_t should be the target, and its loss on a grid."""

    x: Array  # (T, N, 1)
    target: Array  # (T, N, 1)
    w_xh: tuple[float, float]  # the part of each axis that is drawn
    w_hh: tuple[float, float]
    ground: str  # the contours, drawn once


def params(point: Point) -> rnn.Params:
    """Return the two weights as parameters of the cell, its bias zero."""
    return rnn.Params(np.array([[point.w_xh]]), np.array([[point.w_hh]]), np.zeros(1))


def loss_and_gradient(surface: Surface, point: Point) -> tuple[float, Point]:
    """Return the loss at a point and its gradient, by the package's own backward pass."""
    cell = params(point)
    h, _, tape = rnn.forward(cell, surface.x)
    grads, _, _ = rnn.backward(cell, tape, losses.mse_gradient(h, surface.target))
    return float(losses.mse(h, surface.target)), Point(float(grads.W_xh[0, 0]), float(grads.W_hh[0, 0]))


def descend(surface: Surface, point: Point, lr: float, steps: int) -> list[Point]:
    """Return the points that so many steps of gradient descent lead through."""
    points = []
    for _ in range(steps):
        _, gradient = loss_and_gradient(surface, point)
        point = Point(point.w_xh - lr * gradient.w_xh, point.w_hh - lr * gradient.w_hh)
        points.append(point)
    return points


def loss_on_grid(x: Array, target: Array, w_xh: Array, w_hh: Array) -> Array:
    """Return the loss for all pairs of weights at once: array (len(w_hh), len(w_xh))."""
    across, up = np.meshgrid(w_xh, w_hh)
    h = np.zeros((*across.shape, x.shape[1]))
    total = np.zeros(across.shape)
    for x_t, target_t in zip(x[:, :, 0], target[:, :, 0], strict=True):
        h = np.tanh(across[..., None] * x_t + up[..., None] * h)
        total += ((h - target_t) ** 2).mean(axis=-1)
    return total / len(x)


def survey(x: Array, target: Array, w_xh: tuple[float, float], w_hh: tuple[float, float]) -> Surface:
    """Compute the surface and draw its contours."""
    across, up = np.linspace(*w_xh, GRID), np.linspace(*w_hh, GRID)
    values = loss_on_grid(x, target, across, up)
    surface = Surface(x, target, w_xh, w_hh, "")
    levels = _levels(values)
    contours = contourpy.contour_generator(across, up, values, line_type="Separate", fill_type="OuterCode")
    right, bottom = LEFT + SIDE, TOP + SIDE
    parts = [svg.rect(LEFT, TOP, SIDE, SIDE, fill=CIVIDIS[0])]
    for rank, level in enumerate(levels, 1):
        colour = CIVIDIS[round(rank * (len(CIVIDIS) - 1) / len(levels))]
        filled: Sequence[Sequence[Array]] = contours.filled(level, np.inf)  # type: ignore[assignment]
        d = "".join(_outline(surface, points, codes) for points, codes in zip(filled[0], filled[1], strict=True))
        if d:
            parts.append(svg.element("path", style=f"fill: {colour}; fill-rule: evenodd", d=d))
    names: list[tuple[float, float]] = []
    for level in levels:
        lines: Sequence[Array] = contours.lines(level)  # type: ignore[assignment]
        for line in lines:
            drawn = [_pixel(surface, Point(*place)) for place in line]
            parts.append(svg.path(drawn, stroke="#ffffff", thick=0.8))
        parts.append(_name_of(surface, level, lines, names))
    parts.append(svg.rect(LEFT, TOP, SIDE, SIDE, stroke=svg.INK))
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        w, v = (low + fraction * (high - low) for low, high in (w_xh, w_hh))
        parts.append(svg.text(LEFT + SIDE * fraction, bottom + 17, svg.short(w, 3), size=12))
        parts.append(svg.text(LEFT - 6, bottom - SIDE * fraction + 4, svg.short(v, 3), size=12, anchor="end"))
    parts.append(svg.label(LEFT + SIDE / 2, bottom + 36, "w_xh", size=14))
    parts.append(svg.label(LEFT - 34, TOP + SIDE / 2 - SIDE / 8, "w_hh", size=14))
    parts.append(_legend(right + 24))
    return surface._replace(ground="".join(parts))


def draw(surface: Surface, trail: Sequence[Point]) -> Drawing:
    """Draw the surface with the trail so far, its last point, and the way down from there."""
    here = trail[-1]
    loss, gradient = loss_and_gradient(surface, here)
    size = float(np.hypot(gradient.w_xh, gradient.w_hh))
    x, y = _pixel(surface, here)
    marks = []
    places = [_pixel(surface, point) for point in trail]
    if len(places) > 1:
        marks.append(svg.path(places, stroke=svg.WHITE, thick=1.5, outline=svg.BLACK))
        marks += [svg.circle(px, py, 2.5, fill=svg.WHITE, stroke=svg.BLACK, thick=1) for px, py in places[:-1]]
    if size > 1e-12:
        length = 26 + 40 * size / (size + 0.3)  # longer where it is steeper, but never out of sight
        scale_x, scale_y = (SIDE / (high - low) for low, high in (surface.w_xh, surface.w_hh))
        dx, dy = -gradient.w_xh * scale_x, gradient.w_hh * scale_y
        reach = length / float(np.hypot(dx, dy))
        end = (x + dx * reach, y + dy * reach)
        marks.append(svg.path([(x, y), end], stroke=svg.ORANGE, thick=3, arrow=True, outline=svg.BLACK))
    marks.append(svg.circle(x, y, 6, fill=svg.ORANGE, stroke=svg.BLACK, thick=2))
    window = svg.element("clipPath", svg.rect(LEFT, TOP, SIDE, SIDE), id="bptt-surface-window")
    clipped = svg.element("g", "".join(marks), clip_path="url(#bptt-surface-window)")

    inside = all(low <= w <= high for w, (low, high) in zip(here, (surface.w_xh, surface.w_hh), strict=True))
    steps = len(trail) - 1
    sentence = (
        f"At w_xh = {svg.number(here.w_xh, 3)}, w_hh = {svg.number(here.w_hh, 3)} the loss is {loss:.4f}. "
        f"Its gradient is {svg.number(gradient.w_xh, 4)} for w_xh and {svg.number(gradient.w_hh, 4)} for w_hh. "
        f"Steps taken from where you put the point: {steps}."
        + ("" if inside else " The point lies outside of the picture.")
    )
    ends = [svg.short(weight, 3) for weight in (*surface.w_xh, *surface.w_hh)]
    description = (
        f"Contours of the loss over the two weights of a scalar recurrent net, w_xh across from {ends[0]} to {ends[1]} "
        f"and w_hh upward from {ends[2]} to {ends[3]}, dark where the loss is low; a point, and an arrow against its "
        f"gradient. {sentence}"
    )
    content = window + surface.ground + clipped
    return Drawing(svg.picture(LEFT + SIDE + 210, TOP + SIDE + 46, description, content), description, sentence)


def _levels(values: Array) -> list[float]:
    """Return about eight levels, rounded, closer together where the loss is low."""
    low, high = float(values.min()), float(values.max())
    spread = low + (high - low) * np.linspace(0, 1, 10)[1:-1] ** 2
    return sorted({float(f"{level:.2g}") for level in spread if low < float(f"{level:.2g}") < high})


def _pixel(surface: Surface, point: Point) -> tuple[float, float]:
    (low_x, high_x), (low_y, high_y) = surface.w_xh, surface.w_hh
    return (
        LEFT + SIDE * (point.w_xh - low_x) / (high_x - low_x),
        TOP + SIDE * (1 - (point.w_hh - low_y) / (high_y - low_y)),
    )


def _outline(surface: Surface, points: Array, codes: Array) -> str:
    """Return one filled region in SVG's path language; code 1 starts a ring, 79 closes it."""
    words = []
    for place, code in zip(points, codes, strict=True):
        x, y = _pixel(surface, Point(*place))
        words.append("Z" if code == 79 else f"{'M' if code == 1 else 'L'}{x:.1f},{y:.1f}")
    return "".join(words)


def _name_of(surface: Surface, level: float, lines: Sequence[Array], taken: list[tuple[float, float]]) -> str:
    """Write a level on its longest line, where no other name stands."""
    for line in sorted(lines, key=len, reverse=True):
        for fraction in (0.5, 0.3, 0.7, 0.15, 0.85, 0.4, 0.6):
            x, y = _pixel(surface, Point(*line[int(fraction * (len(line) - 1))]))
            margin = LEFT + 22 < x < LEFT + SIDE - 22 and TOP + 12 < y < TOP + SIDE - 12
            if margin and all(abs(x - a) > 46 or abs(y - b) > 20 for a, b in taken):
                taken.append((x, y))
                ground = svg.rect(x - 18, y - 8, 36, 16, fill="#ffffff", radius=3)
                return ground + svg.text(x, y + 4, f"{level:.2g}", size=12, fill=svg.BLACK)
    return ""


def _legend(left: float) -> str:
    """Explain the marks."""
    y = TOP + 30
    return "".join(
        [
            svg.circle(left + 14, y - 4, 6, fill=svg.ORANGE, stroke=svg.BLACK, thick=2),
            svg.text(left + 36, y, "where you are", size=13, anchor="start"),
            svg.path([(left, y + 24), (left + 30, y + 24)], stroke=svg.ORANGE, thick=3, arrow=True, outline=svg.BLACK),
            svg.text(left + 36, y + 28, "against the gradient", size=13, anchor="start"),
            svg.path([(left, y + 52), (left + 30, y + 52)], stroke=svg.WHITE, thick=1.5, outline=svg.BLACK),
            svg.circle(left + 15, y + 52, 2.5, fill=svg.WHITE, stroke=svg.BLACK, thick=1),
            svg.text(left + 36, y + 56, "steps taken", size=13, anchor="start"),
            svg.rect(left, y + 72, 30, 16, fill=svg.WHITE, stroke=svg.FAINT, radius=3),
            svg.text(left + 15, y + 84, "0.1", size=12, fill=svg.BLACK),
            svg.text(left + 36, y + 84, "loss on this line", size=13, anchor="start"),
            svg.rect(left, y + 100, 15, 16, fill=CIVIDIS[0], stroke=svg.FAINT),
            svg.rect(left + 15, y + 100, 15, 16, fill=CIVIDIS[-1], stroke=svg.FAINT),
            svg.text(left + 36, y + 112, "low (dark), high (light)", size=13, anchor="start"),
        ]
    )
