"""A panel: a frame with two axes inside an interactive figure, and the curves, marks and cells that go into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bptt_lessons.views import svg

CIVIDIS = ("#00224e", "#26395f", "#444f6b", "#5f636f", "#7b7a77", "#969078", "#b5a971", "#d5c164", "#fee838")


class Panel(NamedTuple):
    """Where a panel stands in its figure, in pixels, and which part of each axis it shows."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]  # at the left and the right end
    y: tuple[float, float]  # at the lower and the upper end; of a logarithmic axis, the exponents

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a point."""
        return (
            self.left + self.width * (x - self.x[0]) / (self.x[1] - self.x[0]),
            self.top + self.height * (1 - (y - self.y[0]) / (self.y[1] - self.y[0])),
        )


class Curve(NamedTuple):
    """How a curve looks, and what its legend says."""

    name: str
    colour: str
    dash: str
    marker: str  # "circle", "square", "triangle" or "cross"


def frame(
    panel: Panel,
    title: str,
    x_ticks: Mapping[float, str],
    y_ticks: Mapping[float, str],
    x_name: str,
    grid: bool = True,
) -> str:
    """Return the frame of a panel: its title above, its ticks, the name of the axis across below."""
    left, top, width, height = panel[:4]
    bottom = top + height
    parts = [svg.text(left + width / 2, top - 10, title, size=13, bold=True)]
    for value, written in x_ticks.items():
        x, _ = panel.at(value, panel.y[0])
        parts += [svg.path([(x, bottom), (x, bottom + 4)], thick=1), svg.text(x, bottom + 17, written, size=12)]
    for value, written in y_ticks.items():
        _, y = panel.at(panel.x[0], value)
        if grid:
            parts.append(svg.path([(left, y), (left + width, y)], stroke=svg.FAINT, thick=0.3))
        parts.append(svg.path([(left - 4, y), (left, y)], thick=1))
        parts.append(svg.text(left - 7, y + 4, written, size=12, anchor="end"))
    parts.append(svg.text(left + width / 2, bottom + 34, x_name, size=12))
    return "".join(parts) + svg.rect(left, top, width, height, stroke=svg.INK)


def clipped(panel: Panel, content: str) -> str:
    """Return the content without what lies outside of the panel's frame."""
    left, top, width, height = (round(number, 1) for number in panel[:4])
    # role: to assistive technology an SVG inside an SVG would be a picture of its own, without a description
    place: dict[str, Any] = {
        "x": left,
        "y": top,
        "width": width,
        "height": height,
        "viewBox": f"{left} {top} {width} {height}",
    }
    return svg.element("svg", content, role="presentation", **place)


def plot(panel: Panel, curve: Curve, points: Iterable[tuple[float, float]], every: int = 1, first: int = 0) -> str:
    """Return a curve through points, marked from the point `first` on, every so many points."""
    places = [panel.at(*point) for point in points]
    line = svg.path(places, stroke=curve.colour, thick=1.8, dash=curve.dash) if len(places) > 1 else ""
    return line + marks(places[first::every], curve.marker, curve.colour)


def marks(places: Iterable[tuple[float, float]], marker: str, colour: str, size: float = 3.4) -> str:
    """Return one mark at every pixel, seamed in ink."""
    d = "".join(f"M{x:.1f} {y:.1f}{_shape(marker, size)}" for x, y in places)
    if not d:
        return ""
    if marker == "cross":
        return svg.curve(d, stroke=colour, thick=2)
    return svg.element("path", style=f"fill: {colour}; stroke: {svg.INK}; stroke-width: 0.7", d=d)


def legend(curve: Curve, x: float, y: float) -> str:
    """Return a piece of a curve with its name beside it."""
    line = svg.path([(x, y), (x + 34, y)], stroke=curve.colour, thick=1.8, dash=curve.dash)
    mark = marks([(x + 17, y)], curve.marker, curve.colour)
    return line + mark + svg.text(x + 42, y + 4, curve.name, size=12, anchor="start")


def cells(panel: Panel, rows: Sequence[Sequence[int | None]], colours: Sequence[str]) -> str:
    """Return cells, row 0 at the top, in the colours of these numbers; None leaves the ground free.

    All cells of one colour are one path, so that a picture of many cells stays small.
    """
    high, wide = panel.height / len(rows), panel.width / max(map(len, rows))
    outlines: dict[int, list[str]] = {}
    for r, row in enumerate(rows):
        c = 0
        while c < len(row):
            end = c + 1
            while end < len(row) and row[end] == row[c]:
                end += 1  # neighbours of one colour are one piece
            colour = row[c]
            if colour is not None:
                x, y, width = panel.left + wide * c, panel.top + high * r, wide * (end - c)
                # a little wider and higher than it is, or the ground shines through between neighbours
                piece = f"M{x:.1f} {y:.1f}h{width + 0.6:.1f}v{high + 0.6:.1f}h-{width + 0.6:.1f}z"
                outlines.setdefault(colour, []).append(piece)
            c = end
    return "".join(
        svg.element("path", style=f"fill: {colours[k]}", d="".join(pieces)) for k, pieces in outlines.items()
    )


def shades(count: int) -> list[str]:
    """Return so many colours from dark to light that all readers can put in order."""
    places = [k * (len(CIVIDIS) - 1) / max(count - 1, 1) for k in range(count)]
    return [_between(CIVIDIS[int(p)], CIVIDIS[min(int(p) + 1, len(CIVIDIS) - 1)], p % 1) for p in places]


def decades(low: int, high: int, most: int = 6) -> dict[float, str]:
    """Return at most so many powers of ten as ticks of a logarithmic axis: their exponents and how they are written."""
    step = -(-(high - low) // most) or 1
    return {float(e): power(e) for e in range(low, high + 1) if e % step == 0}


def power(exponent: int) -> str:
    """Return a power of ten as it is read."""
    if -3 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _shape(marker: str, r: float) -> str:
    """Return a mark round the pen's place, in relative steps."""
    if marker == "circle":
        return f"m-{r} 0a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 -{2 * r} 0z"
    if marker == "square":
        return f"m-{r} -{r}h{2 * r}v{2 * r}h-{2 * r}z"
    if marker == "triangle":
        return f"m-{r} {r}h{2 * r}l-{r} -{2 * r}z"
    return f"m-{r} -{r}l{2 * r} {2 * r}m0 -{2 * r}l-{2 * r} {2 * r}"  # a cross


def _between(one: str, other: str, fraction: float) -> str:
    ends = [[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in (one, other)]
    return "#" + "".join(f"{round(a + fraction * (b - a)):02x}" for a, b in zip(*ends, strict=True))
