"""Plots for the lessons: one call, one picture, with a text for those who do not see it.

Every helper shows its figure and returns None, so that it can end a cell.  Colours are
Okabe and Ito's, and nothing is told by colour alone: curves differ by dash and marker,
steps that count by shape, values in a heat map by number where it fits.  The ground is
opaque and light, so that a figure can be read in a dark theme as well.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike
from PIL import Image

from bptt_lessons.arguments import Array, check_flag, check_plain, is_real, kind_of, shown

WIDTH, HEIGHT, DPI = 640, 320, 96
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (7, 2, 2, 2)),
    (0, (1, 1)),
    (0, (9, 3, 1, 3, 1, 3)),
    "--",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
TRAILS = ("#E69F00", "#56B4E9", "#ffffff", "#CC79A7", "#009E73", "#D55E00", "#0072B2")  # seen on cividis, with a seam
DIVERGING = LinearSegmentedColormap.from_list("vermillion to blue", ["#D55E00", "#ffffff", "#0072B2"])
Curve = ArrayLike | tuple[ArrayLike, ArrayLike]


def show(figure: Figure, alt: str) -> None:
    """Show a figure as one picture with a text in its place for those who do not see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What the picture shows, in words, without any measured digits.

    Raises
    ------
    ValueError
        If `alt` is empty.
    """
    from IPython.display import display

    display({"text/html": html(figure, alt), "text/plain": f"Figure: {alt}"}, raw=True)  # type: ignore[no-untyped-call]


def html(figure: Figure, alt: str) -> str:
    """Return a figure as an ``img`` element that holds its own data; parameters and errors are those of `show`."""
    check_alt(alt)
    if not isinstance(figure, Figure):
        raise ValueError(f"figure must be a matplotlib Figure, got {type(figure).__name__}")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    pixels = Image.fromarray(rgba[..., :3].copy())
    data = io.BytesIO()
    # A palette of 256 colours halves what a notebook has to carry, to no visible harm.
    pixels.quantize(256, dither=Image.Dither.NONE).save(data, "png", optimize=True)
    picture = base64.b64encode(data.getvalue()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{picture}">'


def check_alt(alt: object) -> None:
    """Raise ValueError unless `alt` is a text with something in it."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must say in words what the picture shows, got {shown(alt)}")


def lines(
    curves: Mapping[str, Curve],
    *,
    x: ArrayLike | None = None,
    xlabel: str,
    ylabel: str,
    title: str,
    alt: str,
    log: str = "",
    level: Mapping[str, float] | None = None,
) -> None:
    """Plot curves by name, with horizontal lines of reference.

    Parameters
    ----------
    curves : mapping of str to array (n,) or pair of arrays (n,)
        A pair is (x, y).
    x : array (n,), optional
        For all curves that are not pairs; 0, 1, 2 ... if left out.
    xlabel, ylabel, title, alt : str
    log : "", "x", "y" or "xy"
        The axes that are logarithmic.
    level : mapping of str to float, optional

    Raises
    ------
    ValueError
        If lengths differ, there is nothing to plot, or a text is missing.
    """
    if not isinstance(log, str) or log not in ("", "x", "y", "xy"):
        raise ValueError(f"log must be '', 'x', 'y' or 'xy', got {shown(log)}")
    _check_level(level)
    _check_names("curves", curves)
    if len(curves) > len(COLOURS):
        raise ValueError(f"curves holds {len(curves)} curves, expected at most {len(COLOURS)} that can be told apart")
    figure, axes = _figure(xlabel, ylabel, title)
    for place, (name, curve) in enumerate(curves.items()):
        across, values = _curve(name, curve, x)
        few = len(values) <= 40
        axes.plot(
            across,
            values,
            color=COLOURS[place],
            linestyle=DASHES[place],
            marker=MARKERS[place] if len(curves) > 1 or few else None,
            markevery=1 if len(values) <= 16 else max(1, len(values) // 10),
            markersize=5,
            linewidth=1.8,
            label=name,
        )
    if "x" not in log and all((np.asarray(line.get_xdata()) % 1 == 0).all() for line in axes.get_lines()):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in log:
        getattr(axes, f"set_{axis}scale")("log")
    _levels(axes, level)
    if len(curves) > 1:
        columns = max(1, min(len(curves), 4, 84 // (12 + max(map(len, curves)))))
        figure.legend(loc="outside lower center", ncols=columns, fontsize=10, frameon=False, handlelength=3.5)
    show(figure, alt)


def heatmap(
    values: ArrayLike,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    alt: str,
    value_label: str = "",
    annotate: bool = False,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    log: bool = False,
    outline: ArrayLike | None = None,
) -> None:
    """Show a matrix as colours, row 0 at the top.

    Parameters
    ----------
    values : array (rows, columns)
        If both signs occur, white is 0 and the two signs differ in hue.
    xlabel, ylabel, title, alt : str
    value_label : str, optional
        Stands beside the colour bar.
    annotate : bool, optional
        Whether to write each number into its cell.
    rows, columns : sequence, optional
        Names of the rows and columns, such as ``range(1, T + 1)``; counted from 0 if left out.
    log : bool, optional
        Whether the colours are logarithmic; zeros are then white, and a line under the picture says so.
    outline : bool array (rows, columns), optional
        Entries that are kept get a frame round them, the others (zeros apart) are struck through.

    Raises
    ------
    ValueError
        If `values` is no matrix of finite numbers, is to be logarithmic and holds a negative number or
        zeros only, `outline` is not boolean or has another shape, or a text is missing.
    """
    for flag, value in {"annotate": annotate, "log": log}.items():
        check_flag(flag, value)
    _check_texts(value_label=value_label)
    matrix = _numbers("values", values)
    if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
        raise ValueError(f"values has shape {matrix.shape}, expected (rows, columns) of finite numbers")
    kept = None if outline is None else _mask("outline", outline, matrix.shape)
    if log and (matrix.min() < 0 or matrix.max() == 0):
        raise ValueError(
            f"values has shape {matrix.shape}, expected no negative number and not zeros only, for log=True"
        )
    figure, axes = _figure(xlabel, ylabel, title)
    signed = bool(matrix.min() < 0 < matrix.max())
    bound = float(np.abs(matrix).max()) if signed else None
    scale: dict[str, Any] = {"vmin": None if bound is None else -bound, "vmax": bound}
    if log:
        scale = {"norm": LogNorm(*_span(matrix[matrix > 0]))}
    image = axes.imshow(
        np.ma.masked_equal(matrix, 0) if log else matrix,
        cmap=DIVERGING if signed else "cividis",
        aspect="auto",
        interpolation="nearest",
        **scale,
    )
    axes.grid(False)
    notes = [Patch(facecolor="white", edgecolor="#777777", label="white: zero")] if log and (matrix == 0).any() else []
    if kept is not None:
        notes += _outline(axes, kept, matrix, 0.3 if annotate else 0.7)
    if notes:
        figure.legend(handles=notes, loc="outside lower center", ncols=3, fontsize=10, frameon=False)
    for axis, argument, names, size in (
        (axes.yaxis, "rows", rows, matrix.shape[0]),
        (axes.xaxis, "columns", columns, matrix.shape[1]),
    ):
        if names is not None:
            line = names.ndim == 1 if isinstance(names, np.ndarray) else isinstance(names, Sequence)
            if not line or isinstance(names, (str, bytes)):
                raise ValueError(f"{argument} must be a sequence of names, got {type(names).__name__}")
            if len(names) != size:
                raise ValueError(
                    f"{argument} holds {len(names)} names, expected {size}: values has shape {matrix.shape}"
                )
            axis.set_ticks(range(size), [str(name) for name in names])
        elif size <= 12:
            axis.set_ticks(range(size))
        else:
            axis.set_major_locator(MaxNLocator(integer=True))
    bar = figure.colorbar(image, ax=axes)
    bar.set_label(value_label, fontsize=11)
    if annotate:
        for (row, column), value in np.ndenumerate(matrix):
            red, green, blue, _ = image.cmap(image.norm(value)) if value or not log else (1, 1, 1, 1)
            ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
            axes.text(column, row, f"{value:.2g}", ha="center", va="center", color=ink, fontsize=10)
    show(figure, alt)


def masks(masks: Mapping[str, Any], *, title: str, alt: str) -> None:
    """Draw unrolled graphs that show which steps count in the loss.

    A step that counts is a filled square with a tick, any other a hollow circle.

    Parameters
    ----------
    masks : mapping of str to bool array (T,) or (T, N)
        Of (T, N) the first sequence is drawn.
    title, alt : str

    Raises
    ------
    ValueError
        If a mask is not boolean or has another shape, or a text is missing.
    """
    _check_names("masks", masks)
    rows = []
    for name, mask in masks.items():
        array = _array(f"masks: {name}", mask)
        if array.dtype != np.bool_ or array.ndim not in (1, 2) or array.size == 0:
            raise ValueError(f"masks: {name} has {kind_of(array)}, expected bool (T,) or (T, N)")
        rows.append((name, array if array.ndim == 1 else array[:, 0]))
    T_max = max(len(mask) for _, mask in rows)
    figure, axes = _figure("step t", "", title)
    for rank, (name, mask) in enumerate(rows):
        base = -1.6 * rank
        for t, counts in enumerate(mask, 1):
            if t > 1:
                axes.annotate("", (t - 0.16, base), (t - 0.84, base), arrowprops={"arrowstyle": "->", "lw": 1.3})
            axes.annotate("", (t, base + 0.5), (t, base + 0.14), arrowprops={"arrowstyle": "->", "lw": 1.1})
            axes.plot(t, base, "o", color="#56B4E9", markeredgecolor="black", markersize=11)
            if counts:
                axes.plot(t, base + 0.66, "s", color="#D55E00", markeredgecolor="black", markersize=13)
                axes.text(t, base + 0.645, "L", ha="center", va="center", color="white", fontsize=9, weight="bold")
            else:
                axes.plot(t, base + 0.66, "o", color="white", markeredgecolor="#777777", markersize=11)
        axes.text(0.45, base + 0.3, name, ha="right", va="center", fontsize=11)
    longest = max(len(name) for name, _ in rows)
    axes.set_xlim(0.4 - 0.0155 * longest * (T_max + 0.5), T_max + 0.5)
    axes.set_ylim(-1.6 * (len(rows) - 1) - 0.45, 1.15)
    axes.set_xticks(range(1, T_max + 1))
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("step t     (square with L: counts in the loss; hollow circle: does not)", fontsize=11)
    show(figure, alt)


def bars(
    values: Mapping[str, Sequence[float]],
    *,
    ylabel: str,
    title: str,
    alt: str,
    level: Mapping[str, float] | None = None,
) -> None:
    """Show a few numbers for each method, one mark for each seed, and their mean as a line and a number.

    Parameters
    ----------
    values : mapping of str to sequence of float
    ylabel, title, alt : str
    level : mapping of str to float, optional
        Horizontal lines of reference by name.

    Raises
    ------
    ValueError
        If a method has no numbers or one that is not finite, or a text is missing.
    """
    _check_names("values", values)
    _check_level(level)
    figure, axes = _figure("", ylabel, title)
    for place, (name, numbers) in enumerate(values.items()):
        array = _numbers(f"values: {name}", numbers)
        if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
            raise ValueError(f"values: {name} has shape {array.shape}, expected (seeds,) finite numbers, at least one")
        spread = np.linspace(-0.12, 0.12, len(array)) if len(array) > 1 else np.zeros(1)
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        axes.plot(place + spread, array, marker, color=colour, markeredgecolor="black", markersize=7)
        axes.hlines(array.mean(), place - 0.28, place + 0.28, color="black", linewidth=1.8)
        axes.text(place + 0.3, array.mean(), f"{array.mean():#.3g}".rstrip("."), ha="left", va="center", fontsize=10)
    axes.set_xticks(range(len(values)), [str(name) for name in values])
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.margins(y=0.15)
    axes.set_xlabel("each mark one run, the line and the number their mean", fontsize=10)
    _levels(axes, level)
    show(figure, alt)


def surface(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    alt: str,
    value_label: str = "",
    log: bool = True,
    trails: Mapping[str, ArrayLike] | None = None,
) -> None:
    """Show a surface by contours, with the trails of points that went over it.

    Parameters
    ----------
    x : array (columns,)
    y : array (rows,)
        Both rising.
    z : array (rows, columns)
        The height at every y and x.
    xlabel, ylabel, title, alt : str
    value_label : str, optional
        Stands beside the colour bar.
    log : bool, optional
        Whether the contours are those of powers of ten; heights below a millionth of the highest
        are then drawn alike.
    trails : mapping of str to array (points, 2), optional
        Each point (x, y), in the order in which they were visited; a ring marks the first.
        What lies outside of the ranges of x and y is not drawn.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is not finite, `log` meets heights of which none is positive or
        one is negative, there are more trails than can be told apart, or a text is missing.
    """
    across, up = _rising("x", x), _rising("y", y)
    check_flag("log", log)
    _check_texts(value_label=value_label)
    height = _numbers("z", z)
    if height.shape != (len(up), len(across)) or not np.isfinite(height).all():
        raise ValueError(
            f"z has shape {height.shape}, expected (rows, columns) = {(len(up), len(across))} of finite numbers"
        )
    if log and (height.min() < 0 or height.max() == 0):
        raise ValueError(f"z has shape {height.shape}, expected no negative number and not zeros only, for log=True")
    if trails is not None:
        _check_names("trails", trails)
        if len(trails) > len(COLOURS):
            raise ValueError(f"trails holds {len(trails)} trails, expected at most {len(COLOURS)}")
    figure, axes = _figure(xlabel, ylabel, title)
    scale: dict[str, Any] = {"levels": 12}
    if log:
        low, high = _span(np.maximum(height, height.max() * 1e-6))
        height = np.maximum(height, low)
        decades = np.log10(high / low)
        scale = {"norm": LogNorm(low, high), "levels": np.geomspace(low, high, max(9, round(2 * decades) + 1))}
    filled = axes.contourf(across, up, height, cmap="cividis", **scale)
    axes.contour(across, up, height, levels=filled.levels, colors="white", linewidths=0.5)
    for place, (name, points) in enumerate((trails or {}).items()):
        trail = _numbers(f"trails: {name}", points)
        if trail.ndim != 2 or trail.shape[1:] != (2,) or len(trail) == 0 or not np.isfinite(trail).all():
            raise ValueError(f"trails: {name} has shape {trail.shape}, expected (points, 2) of finite numbers")
        style: dict[str, Any] = {"linestyle": DASHES[place], "marker": MARKERS[place], "markersize": 6}
        axes.plot(*trail.T, color="black", linewidth=3.6, zorder=3)  # a seam, so that it stands out on every height
        axes.plot(*trail.T, color=TRAILS[place], linewidth=1.8, markeredgecolor="black", label=name, zorder=4, **style)
        axes.plot(*trail[0], "o", color="none", markeredgecolor="white", markeredgewidth=2, markersize=13, zorder=5)
    axes.grid(False)
    axes.set_xlim(across[0], across[-1])
    axes.set_ylim(up[0], up[-1])
    bar = figure.colorbar(filled, ax=axes)
    if log:
        bar.ax.yaxis.set_major_locator(LogLocator())
        bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.set_label(value_label, fontsize=11)
    if trails:
        figure.legend(loc="outside lower center", ncols=4, fontsize=10, frameon=False, handlelength=3.5)
    show(figure, alt)


def eigenvalues(matrices: Mapping[str, ArrayLike], *, title: str, alt: str) -> None:
    """Show the eigenvalues of matrices in the complex plane, with the unit circle.

    Parameters
    ----------
    matrices : mapping of str to array (H, H)
    title, alt : str

    Raises
    ------
    ValueError
        If one is no square matrix of finite numbers, there are more than can be told apart or none,
        or a text is missing.
    """
    _check_names("matrices", matrices)
    if len(matrices) > len(COLOURS):
        raise ValueError(f"matrices holds {len(matrices)} matrices, expected at most {len(COLOURS)}")
    figure, axes = _figure("real part", "imaginary part", title)
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 181))
    axes.plot(circle.real, circle.imag, color="#555555", linewidth=1.4, linestyle=(0, (5, 3)), label="unit circle")
    for place, (name, matrix) in enumerate(matrices.items()):
        W = _array(f"matrices: {name}", matrix)
        if W.ndim != 2 or W.shape[0] != W.shape[1] or W.dtype.kind not in "iufc" or not np.isfinite(W).all():
            raise ValueError(f"matrices: {name} has {kind_of(W)}, expected (H, H) of finite numbers")
        values = np.linalg.eigvals(W)
        axes.plot(
            values.real,
            values.imag,
            MARKERS[place],
            color=COLOURS[place],
            markeredgecolor="black",
            markersize=6,
            label=name,
        )
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=1)
    axes.axvline(0, color="#bbbbbb", linewidth=0.8, zorder=1)
    axes.set_aspect("equal", adjustable="datalim")
    figure.legend(loc="outside right center", fontsize=10, frameon=False)
    show(figure, alt)


def _figure(xlabel: str, ylabel: str, title: str) -> tuple[Figure, Axes]:
    _check_texts(xlabel=xlabel, ylabel=ylabel, title=title)
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.add_subplot(facecolor="white")
    axes.set_xlabel(xlabel, fontsize=11)
    axes.set_ylabel(fill(ylabel, 28), fontsize=11)
    axes.set_title(title, fontsize=12)
    axes.tick_params(labelsize=10)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _curve(name: str, curve: Curve, x: ArrayLike | None) -> tuple[Array, Array]:
    given: Any = x
    values: Any = curve
    place = f"curves: {name}"
    if isinstance(curve, tuple) and len(curve) == 2 and _array(place, curve[0]).ndim == 1:
        given, values = curve
    y = _numbers(place, values)
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"{place} has shape {y.shape}, expected (n,) numbers or a pair of (n,) arrays")
    across = np.arange(len(y), dtype=float) if given is None else _numbers("x" if given is x else place, given)
    if across.shape != y.shape:
        raise ValueError(f"{place}: x has shape {across.shape} and y {y.shape}, expected the same")
    return across, y


def _span(values: Array) -> tuple[float, float]:
    """Return the least and the largest of positive numbers, and a decade round them if they are all the same."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low / 10**0.5, high * 10**0.5)


def _mask(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Array:
    mask = _array(name, values)
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise ValueError(f"{name} has shape {mask.shape} and dtype {mask.dtype}, expected bool of shape {shape}")
    return mask


def _outline(axes: Axes, kept: Array, matrix: Array, length: float) -> list[Patch]:
    """Frame what is kept, strike out what is not, in the corner below; return what the legend has to say."""
    rows, columns = kept.shape
    padded = np.pad(kept, 1)
    frame = [((c - 0.5, r - 0.5), (c - 0.5, r + 0.5)) for r, c in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])]
    frame += [((c - 0.5, r - 0.5), (c + 0.5, r - 0.5)) for r, c in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])]
    end = 0.4  # strokes reach from the right lower corner as far as numbers leave room
    strokes = [
        ((c + end - length, r + end), (c + end, r + end - length)) for r, c in np.argwhere(~kept & (matrix != 0))
    ]
    for colour, wider in (("black", 1.6), ("white", 0.0)):  # a seam: seen on dark and on light entries
        axes.add_collection(LineCollection(strokes, colors=colour, linewidths=0.8 + wider / 2))
        axes.add_collection(
            LineCollection(frame, colors=colour, linewidths=2 + wider, capstyle="projecting", clip_on=False, zorder=3)
        )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    return [
        Patch(facecolor="#b5a971", edgecolor="black", linewidth=2, label="framed: kept"),
        Patch(facecolor="#b5a971", edgecolor="black", hatch="////", linewidth=0, label="struck through: left out"),
    ]


def _rising(name: str, values: ArrayLike) -> Array:
    array = _numbers(name, values)
    if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all() or not (np.diff(array) > 0).all():
        raise ValueError(f"{name} has shape {array.shape}, expected (n,) rising numbers, at least two")
    return array


def _levels(axes: Axes, level: Mapping[str, float] | None) -> None:
    for place, (name, value) in enumerate((level or {}).items()):
        axes.axhline(
            value, color="#555555", linewidth=1.2, linestyle=((0, (5, 3)), (0, (1, 2)), (0, (8, 2, 1, 2)))[place % 3]
        )
        axes.annotate(
            name,
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=10,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        )


def _check_names(argument: str, values: object) -> None:
    if not isinstance(values, Mapping) or not values:
        raise ValueError(f"{argument} must map names to numbers, at least one, got {shown(values)}")
    if not all(isinstance(name, str) for name in values):
        raise ValueError(f"{argument} must have strings as names, got {shown(list(values))}")


def _check_level(level: object) -> None:
    if level is None:
        return
    if not isinstance(level, Mapping) or not all(isinstance(n, str) and is_real(v) for n, v in level.items()):
        raise ValueError(f"level must map names to finite numbers, got {shown(level)}")


def _check_texts(**texts: object) -> None:
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{name} must be a string, got {type(text).__name__}")


def _array(name: str, values: Any) -> Array:
    """Return what NumPy makes of `values`, or raise ValueError that names them."""
    check_plain(name, values)
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be an array, got rows of unequal lengths") from None


def _numbers(name: str, values: Any) -> Array:
    """Return an array of real numbers as one of floats, or raise ValueError."""
    array = _array(name, values)
    if array.dtype.kind not in "biuf" and array.size:
        raise ValueError(f"{name} has {kind_of(array)}, expected real numbers")
    return array.astype(float)
