"""The matrix of contributions, and every truncation as a mask on it, with what the mask costs and saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons import nested
from bptt_lessons.arguments import Array
from bptt_lessons.cells import init, rnn, unrolled
from bptt_lessons.gradients import tbptt
from bptt_lessons.gradients.bptt import LossGradient
from bptt_lessons.training import readout
from bptt_lessons.views import panel, svg
from bptt_lessons.views.frame import Drawing

FULL, RESET, CARRY, SLIDING, RANDOMISED = (
    "full",
    "windows, state reset",
    "windows, state carried",
    "sliding",
    "randomised",
)
WINDOWED = (RESET, CARRY, SLIDING)
ALGORITHMS = (FULL, RESET, CARRY, SLIDING, RANDOMISED)
USED: Mapping[str, tuple[str, ...]] = {  # the fields of a Setting that each algorithm looks at
    FULL: (),
    RESET: ("k",),
    CARRY: ("k",),
    SLIDING: ("k", "k1"),
    RANDOMISED: ("probability", "draw"),
}
N, H, GAIN = 4, 8, 0.9
DRAWS = 20  # draws of the randomised algorithm that are compared
LEFT, TOP, SIDE = 52, 34, 352
ERRORS, WIDE, TALL = 500, 318, 190
WIDTH, HEIGHT = 846, 480
DECADES = 2  # of the heat map, down from its largest entry
SHADES = panel.shades(12)
CURVES = {
    RESET: panel.Curve(RESET, svg.VERMILLION, "2 3", "triangle"),
    CARRY: panel.Curve(CARRY, svg.GREEN, "7 4", "square"),
    SLIDING: panel.Curve(SLIDING, svg.BLUE, "", "circle"),
    RANDOMISED: panel.Curve(RANDOMISED, svg.BLUE, "1 3", "cross"),
}


class Setting(NamedTuple):
    """An algorithm and its numbers; those that it does not use are left out of account."""

    algorithm: str
    k: int  # steps of a window; k2 of the sliding algorithm
    k1: int
    probability: float  # with which the randomised algorithm cuts at a place
    draw: int  # which of its draws


class Truncated(NamedTuple):
    """What an algorithm makes of the gradient."""

    weights: Array  # (T, T), of the contribution [t, s]: 0 if it is left out
    parts: Any  # the contributions that it weighs: those of the net, or with a reset state those of another
    grads: rnn.Params
    held: int  # the most steps that are on the tape at a time
    cuts: list[int]  # of the randomised algorithm, counted from 0


class Net(NamedTuple):
    """A small net, its data, and its gradient, whole and in parts."""

    params: rnn.Params
    x: Array  # (T, N, 1)
    loss: LossGradient
    parts: rnn.Params  # contributions [t, s], two axes (T, T) in front
    full: Array  # the full gradient, flat
    seed: int
    # What has been asked for already, so that a key press waits for it once at most:
    resets: dict[int, rnn.Params]  # contributions of the net whose state is reset every k steps
    errors: dict[Any, list[float]]  # relative errors by algorithm and what else they depend on


def make_net(T: int, seed: int) -> Net:
    """Draw an untrained net with orthogonal weights, inputs and targets, and take its gradient apart."""
    rng = np.random.default_rng(seed)
    params = rnn.init(rng, 1, H)._replace(W_hh=init.orthogonal(rng, H, GAIN), b_h=np.zeros(H))
    linear = readout.init(rng, H, 1)
    x, target = rng.normal(size=(2, T, N, 1))
    loss = readout.loss_by_window(linear, target)
    parts = _contributions(params, x, loss, 0)
    return Net(params, x, loss, parts, flat(tbptt.summed(parts, np.ones((T, T)))), seed, {}, {})


def first_k(T: int) -> int:
    """Return the k of the first picture: 9 for T = 16, where (seed 0) carrying the state is clearly better."""
    return max(1, 9 * T // 16)


def truncate(net: Net, setting: Setting) -> Truncated:
    """Truncate the gradient of a net."""
    T = len(net.x)
    weights, parts, cuts = np.tri(T), net.parts, list[int]()
    held = T if setting.algorithm == FULL else min(setting.k, T)
    if setting.algorithm == RESET:
        weights, parts = tbptt.kept_by_windows(T, setting.k), _with_resets(net, setting.k)
    elif setting.algorithm == CARRY:
        weights = tbptt.kept_by_windows(T, setting.k)
    elif setting.algorithm == SLIDING:
        weights = tbptt.kept_by_sliding(T, setting.k1, setting.k)
    elif setting.algorithm == RANDOMISED:
        places = np.random.default_rng((net.seed, setting.draw)).random(T - 1)
        cuts = [int(s) for s in np.flatnonzero(places < setting.probability) + 1]
        weights = tbptt.kept_by_cuts(T, cuts, setting.probability)
        held = int(np.diff([0, *cuts, T]).max())
    return Truncated(weights.astype(float), parts, tbptt.summed(parts, weights), held, cuts)


def flat(grads: rnn.Params) -> Array:
    """Return all entries of a gradient in one row."""
    return np.concatenate([array.ravel() for array in grads])


def relative_error(net: Net, grads: rnn.Params) -> float:
    """‖truncated − full‖ / ‖full‖, over all parameters of the cell."""
    return float(np.linalg.norm(flat(grads) - net.full) / np.linalg.norm(net.full))


def cosine(net: Net, grads: rnn.Params) -> float:
    """Cosine of the angle between the truncated and the full gradient."""
    cut = flat(grads)
    return float(cut @ net.full / np.linalg.norm(cut) / np.linalg.norm(net.full))


def norms(parts: rnn.Params) -> Array:
    """Size of every contribution, its norm over all parameters: array (T, T)."""
    squares = [(part**2).reshape(*part.shape[:2], -1).sum(axis=2) for part in parts]
    size: Array = np.sqrt(sum(squares))
    return size


def draw(net: Net, setting: Setting) -> Drawing:
    """Draw the matrix with what an algorithm keeps of it, and its error beside that of the others."""
    T = len(net.x)
    cut = truncate(net, setting)
    error, angle = relative_error(net, cut.grads), cosine(net, cut.grads)
    numbers = [
        f"relative error {error:.3f}",
        f"cosine {angle:.3f}",
        f"{cut.held} of {T} steps on the tape at a time:",
        f"{_grouped(cut.held * N * H * 8)} of {_grouped(T * N * H * 8)} bytes (N = {N}, H = {H})",
    ]
    content = _matrix(net, cut) + _errors(net, setting, error) + _numbers(numbers, cut.held, T)
    sentence = _sentence(setting, cut, T, error, angle)
    description = (
        f"On the left the matrix of contributions to the gradient of a small net of {T} steps: the loss at step t "
        f"down, the use of the parameters at step s across, light where a contribution is large; what is kept is "
        f"framed, what is left out struck through. On the right the relative error against the full gradient for "
        f"several algorithms. {sentence}"
    )
    return Drawing(svg.picture(WIDTH, HEIGHT, description, content), description, sentence)


def _contributions(params: rnn.Params, x: Array, loss: LossGradient, start: int) -> rnn.Params:
    """Return the contributions within a window that begins at a step `start` with a state of zeros."""
    h, _, caches = unrolled.forward(rnn, params, x, rnn.zero_state(params, x.shape[1]))
    _, dh, _ = loss(h, start)
    parts: rnn.Params = tbptt.contributions(rnn, params, caches, dh)
    return parts


def _with_resets(net: Net, k: int) -> rnn.Params:
    """Return the contributions of the net whose state starts from zeros in every window."""
    T = len(net.x)
    if k not in net.resets:
        whole = nested.zeros_like(net.parts)
        for start, stop in tbptt.windows(T, k):
            window = _contributions(net.params, net.x[start:stop], net.loss, start)
            for array, part in zip(whole, window, strict=True):
                array[start:stop, start:stop] = part
        net.resets[k] = whole
    return net.resets[k]


def _matrix(net: Net, cut: Truncated) -> str:
    """Draw the contributions, those kept framed (and with their weight, if it is not 1), the others struck through."""
    T = len(net.x)
    kept = cut.weights > 0
    sizes = np.where(kept, norms(cut.parts), norms(net.parts))
    top = np.log10(max(float(norms(net.parts).max()), 1e-300))
    fraction = 1 + (np.log10(np.maximum(sizes, 1e-300)) - top) / DECADES
    levels = np.clip(np.floor(fraction * len(SHADES)), 0, len(SHADES) - 1).astype(int)
    place = panel.Panel(LEFT, TOP, SIDE, SIDE, (0.5, T + 0.5), (T + 0.5, 0.5))
    cell = SIDE / T
    parts = [panel.cells(place, [row[: r + 1] for r, row in enumerate(levels.tolist())], SHADES)]
    struck = "".join(
        f"M{LEFT + cell * (s + 0.22):.1f} {TOP + cell * (t + 0.78):.1f}l{0.56 * cell:.1f} -{0.56 * cell:.1f}"
        for t, s in np.argwhere(~kept & (np.tri(T) > 0))
    )
    edges = _edges(kept, cell)
    for colour, wider in ((svg.BLACK, 1.6), (svg.WHITE, 0.0)):  # a seam: seen on dark and on light entries
        parts.append(svg.curve(struck, stroke=colour, thick=0.9 + wider / 2) if struck else "")
        parts.append(svg.curve(edges, stroke=colour, thick=2 + wider))
    if (cut.weights[kept] != 1).any():
        size = 9 if T > 12 else 11
        for t, s in np.argwhere(kept):
            ink = svg.BLACK if levels[t, s] >= len(SHADES) / 2 else svg.WHITE
            x, y = place.at(s + 1, t + 1)
            parts.append(svg.text(x, y + 3.5, _weight(float(cut.weights[t, s])), size=size, fill=ink))
    ticks = {float(k): str(k) for k in range(1, T + 1) if T <= 10 or k == 1 or k % 5 == 0}
    axes = panel.frame(
        place, "what L_t owes to the use at step s", ticks, ticks, "use at step s across, loss t down", grid=False
    )
    return axes + "".join(parts) + _legend(float(10**top))


def _edges(kept: Array, cell: float) -> str:
    """Return the border of what is kept, in SVG's path language."""
    padded = np.pad(kept, 1)
    words = []
    for r, c in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]):
        words.append(f"M{LEFT + cell * c:.1f} {TOP + cell * r:.1f}v{cell:.1f}")
    for r, c in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]):
        words.append(f"M{LEFT + cell * c:.1f} {TOP + cell * r:.1f}h{cell:.1f}")
    return "".join(words)


def _legend(largest: float) -> str:
    """Explain the colours and the marks of the matrix."""
    y, wide = TOP + SIDE + 46, 12.0
    bar = [svg.rect(LEFT + wide * k, y, wide + 0.4, 12, fill=colour) for k, colour in enumerate(SHADES)]
    names = [
        svg.text(LEFT, y + 27, "≤ " + svg.short(largest / 10**DECADES), size=12),
        svg.text(LEFT + wide * len(SHADES), y + 27, svg.short(largest), size=12),
        svg.text(LEFT + wide * len(SHADES) / 2, y + 27, "size", size=12),
    ]
    left = LEFT + wide * len(SHADES) + 34
    middle = panel.shades(9)[6]
    marks = [
        svg.rect(left, y - 1, 18, 14, fill=middle, stroke=svg.BLACK, thick=3.6),
        svg.rect(left, y - 1, 18, 14, stroke=svg.WHITE, thick=2),
        svg.text(left + 26, y + 11, "kept", size=12, anchor="start"),
        svg.rect(left + 76, y - 1, 18, 14, fill=middle),
        svg.curve(f"M{left + 80} {y + 10}l10 -8", stroke=svg.BLACK, thick=1.7),
        svg.curve(f"M{left + 80} {y + 10}l10 -8", stroke=svg.WHITE, thick=0.9),
        svg.text(left + 102, y + 11, "left out", size=12, anchor="start"),
        svg.text(left, y + 29, "a number: its weight, if not 1", size=12, anchor="start"),
    ]
    return "".join(bar + names + marks)


def _errors(net: Net, setting: Setting, error: float) -> str:
    """Draw the relative error against k, or that of many draws, with the present one ringed."""
    T = len(net.x)
    random = setting.algorithm == RANDOMISED
    lines = {
        name: _error_curve(net, setting._replace(algorithm=name)) for name in ((RANDOMISED,) if random else WINDOWED)
    }
    first = 0 if random else 1
    most = max(0.1, *(max(values) for values in lines.values()))
    place = panel.Panel(
        *(ERRORS, TOP, WIDE, TALL), (first - 0.5, (DRAWS - 1 if random else T) + 0.5), (-0.04 * most, 1.08 * most)
    )
    step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1e9) if most / s <= 6)
    y_ticks = {k * step: svg.short(k * step) for k in range(7) if k * step <= 1.05 * most}
    x_ticks = {float(k): str(k) for k in range(first, DRAWS if random else T + 1) if k == first or k % 5 == 0}
    parts = []
    for name, values in lines.items():
        points = [(float(k), value) for k, value in enumerate(values, first)]
        if random:
            parts.append(panel.marks([place.at(*point) for point in points], "cross", CURVES[name].colour))
        else:
            parts.append(panel.plot(place, CURVES[name], points))
    if setting.algorithm != FULL:
        here = setting.draw if random else min(setting.k, T)
        parts.append(svg.circle(*place.at(here, error), 8.5, thick=2.2))
    below = TOP + TALL + 56
    if random:
        name = f"one draw of the cuts each, p = {setting.probability:g}"
        keys = [panel.marks([(ERRORS + 1, below)], "cross", CURVES[RANDOMISED].colour)]
        keys.append(svg.text(ERRORS + 26, below + 4, name, size=12, anchor="start"))
    else:
        named = [
            CURVES[RESET],
            CURVES[CARRY],
            CURVES[SLIDING]._replace(name=f"sliding, k1 = {setting.k1} (at most k2)"),
        ]
        keys = [panel.legend(curve, ERRORS - 16, below + 20 * k) for k, curve in enumerate(named)]
    if setting.algorithm != FULL:
        x, y = (ERRORS + 1, below + 24) if random else (ERRORS + 214, below)
        keys.append(svg.circle(x, y, 8.5, thick=2.2))
        keys.append(svg.text(x + 25, y + 4, "on the left", size=12, anchor="start"))
    axes = panel.frame(
        place, "relative error of the gradient", x_ticks, y_ticks, "draw" if random else "k (sliding: k2)"
    )
    return axes + "".join(parts + keys)


def _error_curve(net: Net, setting: Setting) -> list[float]:
    """Return the relative errors for every k, or of the randomised algorithm for every draw."""
    algorithm, _, k1, probability, _ = setting
    key = (algorithm, {SLIDING: k1, RANDOMISED: probability}.get(algorithm))
    if key not in net.errors:
        settings = (
            [setting._replace(draw=draw) for draw in range(DRAWS)]
            if algorithm == RANDOMISED
            else [setting._replace(k=k, k1=min(k1, k)) for k in range(1, len(net.x) + 1)]
        )
        net.errors[key] = [relative_error(net, truncate(net, each).grads) for each in settings]
    return net.errors[key]


def _numbers(lines: list[str], held: int, T: int) -> str:
    """Write the numbers, and the tape as one square for each step, filled where it is held."""
    y = TOP + TALL + 136
    parts = [svg.text(ERRORS - 16, y, f"{lines[0]}, {lines[1]}", size=13, anchor="start", bold=True)]
    parts += [
        svg.text(ERRORS - 16, y + 24 * k, line, size=13, anchor="start") for k, line in ((1, lines[2]), (2.9, lines[3]))
    ]
    cell = min(18.0, 330 / T)
    for k in range(T):
        fill = svg.SKY if k < held else "none"
        stroke = svg.INK if k < held else svg.FAINT
        parts.append(svg.rect(ERRORS - 16 + cell * k, y + 33, cell - 3, 14, fill=fill, stroke=stroke, dashed=k >= held))
    return "".join(parts)


def _sentence(setting: Setting, cut: Truncated, T: int, error: float, angle: float) -> str:
    """Say what is kept, and what that costs."""
    kept, pairs = int((cut.weights > 0).sum()), T * (T + 1) // 2
    algorithm, k, k1, p, draw = setting
    uncut = ", the whole sequence, so that nothing is cut" if k >= T else ""
    what = {
        FULL: "Full BPTT keeps every contribution",
        RESET: f"Windows of {k}, the state reset to zeros at each, so that what is kept belongs to another net",
        CARRY: f"Windows of {k}, the state carried from one to the next",
        SLIDING: f"Every {'step goes' if k1 == 1 else f'{k1} steps go'} back {k} (k1 = {k1}, k2 = {k}){uncut}",
        RANDOMISED: f"Draw {draw} of cuts with probability {p:g}: {_places(cut.cuts)}",
    }[algorithm]
    if algorithm in (RESET, CARRY) and uncut:
        what = f"One window of {k}{uncut}"  # its state is neither reset nor carried
    end = (
        " What passes a place without a cut is divided by 1 − p, so that the mean over all draws is the full gradient."
        if algorithm == RANDOMISED
        else ""
    )
    return (
        f"{what}: {kept} of {pairs} contributions. Relative error {error:.3f}, cosine {angle:.3f} with the full "
        f"gradient; {cut.held} of {T} steps on the tape at a time, {_grouped(cut.held * N * H * 8)} bytes.{end}"
    )


def _places(cuts: list[int]) -> str:
    """Say before which steps, counted from 1, the way back is cut."""
    if not cuts:
        return "none fell"
    steps = [str(cut + 1) for cut in cuts]
    return f"before step {steps[0]}" if len(steps) == 1 else f"before steps {', '.join(steps[:-1])} and {steps[-1]}"


def _weight(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _grouped(number: int) -> str:
    return f"{number:,}"
