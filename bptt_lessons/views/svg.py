"""SVG by hand: small functions that return markup, so that an interactive figure answers at once.

Colours come from JupyterLab's theme where it has a say (paper, ink) and from the
Okabe-Ito palette where a colour means something.  The same picture serves as the
static one: `static` puts plain colours for the theme's.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape

PAPER = "var(--jp-layout-color0, #ffffff)"
INK = "var(--jp-ui-font-color1, #222222)"
FAINT = "var(--jp-ui-font-color2, #5f5f5f)"
FONT = "var(--jp-ui-font-family, system-ui), sans-serif"

# Okabe and Ito's palette, which readers with any kind of colour vision can tell apart.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
VERMILLION = "#D55E00"
ORANGE = "#E69F00"
BLACK = "#000000"
WHITE = "#ffffff"


def number(value: float, digits: int = 2) -> str:
    """Return a number with its sign and so many decimals, with a true minus; a rounded zero has no minus."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        text = "+" + text[1:]
    return text.replace("-", "\N{MINUS SIGN}")


def short(value: float, digits: int = 2) -> str:
    """Return a number with about so many digits that count, with a true minus."""
    written = f"{value:.0f}" if 100 <= abs(value) < 10_000 else f"{value:.{digits}g}"
    return written.replace("-", "\N{MINUS SIGN}")


def vector(values: Iterable[float], digits: int = 3) -> str:
    """Return numbers in brackets."""
    return "[" + ", ".join(number(value, digits) for value in values) + "]"


def element(tag: str, content: str = "", style: str = "", **attributes: object) -> str:
    """Return one element; an underscore in an attribute's name stands for a hyphen."""
    pairs = {key.strip("_").replace("_", "-"): value for key, value in attributes.items()}
    written = "".join(
        f' {key}="{escape(f"{value:.4g}" if isinstance(value, float) else str(value))}"' for key, value in pairs.items()
    )
    if style:
        written += f' style="{escape(style)}"'
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def symbol(name: str) -> str:
    """Return a name such as ``W_xh`` with its index set lower."""
    stem, _, index = name.partition("_")
    if not index:
        return escape(stem)
    return f'{escape(stem)}<tspan dy="3" font-size="80%">{escape(index)}</tspan><tspan dy="-3">\u200b</tspan>'


def text(
    x: float,
    y: float,
    content: str,
    *,
    size: int = 13,
    anchor: str = "middle",
    fill: str = INK,
    bold: bool = False,
    markup: bool = False,
) -> str:
    """Return a line of text; `markup` says that the content is markup already."""
    weight = "; font-weight: bold" if bold else ""
    return element(
        "text",
        content if markup else escape(content),
        f"fill: {fill}{weight}",
        x=round(x, 1),
        y=round(y, 1),
        font_size=size,
        text_anchor=anchor,
    )


def label(x: float, y: float, name: str, *, size: int = 13, anchor: str = "middle", fill: str = INK) -> str:
    """Return a name of the course's alphabet, such as ``h_1``, as text."""
    return text(x, y, symbol(name), size=size, anchor=anchor, fill=fill, markup=True)


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str = "none",
    stroke: str = "none",
    thick: float = 1,
    dashed: bool = False,
    radius: float = 0,
) -> str:
    """Return a rectangle."""
    return element(
        "rect",
        style=f"fill: {fill}; stroke: {stroke}; stroke-width: {thick}" + ("; stroke-dasharray: 4 3" if dashed else ""),
        x=round(x, 1),
        y=round(y, 1),
        width=round(width, 1),
        height=round(height, 1),
        rx=radius,
    )


def circle(
    x: float,
    y: float,
    radius: float,
    *,
    fill: str = "none",
    stroke: str = INK,
    thick: float = 1.5,
    dashed: bool = False,
) -> str:
    """Return a circle."""
    return element(
        "circle",
        style=f"fill: {fill}; stroke: {stroke}; stroke-width: {thick}" + ("; stroke-dasharray: 3 3" if dashed else ""),
        cx=round(x, 1),
        cy=round(y, 1),
        r=radius,
    )


def path(
    points: Sequence[tuple[float, float]],
    *,
    stroke: str = INK,
    thick: float = 1.5,
    dash: str = "",
    arrow: bool = False,
    outline: str = "",
) -> str:
    """Return straight lines through the points, with a head at the last if `arrow`, seamed if `outline` is a colour."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    drawn = list(points)
    head = ""
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    if arrow and length > 0:
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        size = 6 + 1.5 * thick
        bx, by = x1 - size * ux, y1 - size * uy
        drawn[-1] = (bx, by)
        corners = [(x1, y1), (bx - uy * size / 2, by + ux * size / 2), (bx + uy * size / 2, by - ux * size / 2)]
        seam = f"; stroke: {outline}; stroke-width: 1.2" if outline else ""
        head = element("polygon", style=f"fill: {stroke}{seam}", points=_points(corners))
    style = f"fill: none; stroke: {stroke}; stroke-width: {thick}" + (f"; stroke-dasharray: {dash}" if dash else "")
    line = element("polyline", style=style, points=_points(drawn))
    if outline:
        seam = f"fill: none; stroke: {outline}; stroke-width: {thick + 2.4:.1f}"
        line = element("polyline", style=seam, points=_points(drawn)) + line
    return line + head


def curve(d: str, *, stroke: str = INK, thick: float = 1.5, dash: str = "") -> str:
    """Return an open curve given in SVG's path language."""
    style = f"fill: none; stroke: {stroke}; stroke-width: {thick}" + (f"; stroke-dasharray: {dash}" if dash else "")
    return element("path", style=style, d=d)


def picture(width: float, height: float, description: str, content: str) -> str:
    """Return a whole SVG with an opaque ground and a description for those who do not see it."""
    return element(
        "svg",
        rect(0, 0, width, height, fill=PAPER) + content,
        f"width: 100%; max-width: {width:.0f}px; height: auto; font-family: {FONT}",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=round(width),
        height=round(height),
        role="img",
        aria_label=description,
    )


def static(svg: str) -> str:
    """Return the picture with plain colours for the theme's variables, for paper."""
    plain = re.sub(r"var\(--[\w-]+, ([^)]*)\)", r"\1", svg)
    return re.sub(r"width: 100%; max-width: [^;]*; height: auto; ", "", plain)


def image(svg: str, description: str) -> str:
    """Return a static picture as HTML that untrusted notebooks, too, may show."""
    data = base64.b64encode(static(svg).encode()).decode()
    return f'<img alt="{escape(description)}" src="data:image/svg+xml;base64,{data}">'


def diverging(fraction: float) -> tuple[str, str]:
    """Return fill and ink for a value in [-1, 1]: vermillion below, white at 0, blue above."""
    fraction = max(-1.0, min(1.0, fraction))
    end = (0, 114, 178) if fraction >= 0 else (213, 94, 0)
    channels = [round(255 + abs(fraction) * (channel - 255)) for channel in end]
    fill = "#" + "".join(f"{channel:02x}" for channel in channels)
    return fill, WHITE if fraction > 0.75 else BLACK


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
