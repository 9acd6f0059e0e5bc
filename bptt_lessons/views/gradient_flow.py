"""Gradient flow: the eigenvalues of W_hh, and what they make of a gradient on its way back, as one picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import init, rnn
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH, Activation
from bptt_lessons.gradients import flow
from bptt_lessons.views import panel, svg
from bptt_lessons.views.frame import Drawing

ACTIVATIONS = {a.name: a for a in (TANH, SIGMOID, RELU, LINEAR)}
TOP, SIDE = 34, 214
PLANE, CURVES, MAP = 46, 334, 668  # left edges of the three panels
WIDTH, HEIGHT = 910, 340
LOWEST, HIGHEST = -6, 3  # decades of the heat map; what lies beyond gets the colour of the end
SHADES = panel.shades(2 * (HIGHEST - LOWEST))

NORM = panel.Curve("the gradient's norm", svg.BLUE, "", "circle")
BOUND = panel.Curve("bound (γ σ_max)^lag", svg.VERMILLION, "7 4", "triangle")
RATE = panel.Curve("(γ radius)^lag", svg.GREEN, "2 3", "square")


class Flow(NamedTuple):
    """A net's weights and what happens to gradients in it.

    The loss L_t is h_t times the direction, of length 1, that W_hh stretches most on the way back:
    so every norm starts from 1, and for a linear net the bound is reached at lag 1.
    """

    W_hh: Array  # (H, H)
    norms: Array  # (T, T), [t - 1, s - 1] that of dL_t/dh_s, zero for s > t
    slope: float  # the activation's, mean over all units and steps
    gamma: float  # the largest it can be


def measure(H: int, T: int, seed: int, radius: float, shear: float, scale: float, activation: Activation) -> Flow:
    """Draw a net and its inputs, run it, and send the gradient of every L_t back.

    Parameters
    ----------
    H, T : int
        Units and steps.
    seed : int
        The same net and inputs for every other setting.
    radius, shear : float
        Of W_hh, as ``init.non_normal`` takes them.
    scale : float
        Standard deviation of the input that each unit gets for itself.
    activation : Activation
    """
    rng = np.random.default_rng(seed)
    x = scale * rng.normal(size=(T, 1, H))
    params = rnn.Params(np.eye(H), init.non_normal(rng, H, radius, shear), np.zeros(H))
    direction = np.linalg.svd(params.W_hh)[2][:1]
    h, _, tape = rnn.forward(params, x, activation=activation)
    # All T losses at once, each in a row of its own of a batch: row t starts at step t.
    norms, dh = np.zeros((T, T)), np.zeros((T, H))
    for s in range(T - 1, -1, -1):
        dh[s] = direction[0]
        norms[s:, s] = np.linalg.norm(dh[s:], axis=1)
        cache = rnn.Cache(*(np.repeat(part[s], T, axis=0) for part in tape))
        _, _, dh = rnn.step_backward(params, cache, dh, activation)
    return Flow(params.W_hh, norms, float(activation.derivative(h).mean()), activation.gamma)


def draw(found: Flow, radius: float, activation: str, t: int) -> Drawing:
    """Draw the eigenvalues, the norms of dL_t/dh_s against the lag t - s, and those for all t."""
    T = len(found.norms)
    sigma = flow.largest_singular_value(found.W_hh)
    norms = found.norms[t - 1, t - 1 :: -1]
    parts = [_plane(found.W_hh, sigma), _curves(norms, found, radius, t), _map(found.norms, t)]
    sentence = _sentence(norms, found, radius, sigma, activation, t)
    description = (
        f"Three panels. The eigenvalues of W_hh in the complex plane, with the unit circle and, dashed, the circle of "
        f"radius σ_max. The norm of the gradient of the loss at step {t} against the lag, on a logarithmic axis, with "
        f"the bound (γ σ_max)^lag and the line (γ radius)^lag. A heat map of the norm for all {T} steps of the loss, "
        f"dark where the gradient has vanished. {sentence}"
    )
    return Drawing(svg.picture(WIDTH, HEIGHT, description, "".join(parts)), description, sentence)


def _plane(W: Array, sigma: float) -> str:
    """Draw the eigenvalues of W, the unit circle and that of the largest singular value."""
    reach = 1.15 * max(1.0, sigma)
    place = panel.Panel(PLANE, TOP, SIDE, SIDE, (-reach, reach), (-reach, reach))
    step = 0.5 if reach < 1.5 else 1.0 if reach < 3 else 2.0 if reach < 6 else 5.0
    ticks = {k * step: svg.short(k * step) for k in range(-9, 10) if abs(k * step) < reach}
    scale = SIDE / (2 * reach)
    x, y = place.at(0, 0)
    middle = svg.path([(PLANE, y), (PLANE + SIDE, y)], stroke=svg.FAINT, thick=0.5)
    middle += svg.path([(x, TOP), (x, TOP + SIDE)], stroke=svg.FAINT, thick=0.5)
    circles = svg.circle(x, y, round(scale, 1), thick=1.4)
    circles += svg.circle(x, y, round(sigma * scale, 1), stroke=svg.VERMILLION, thick=1.8, dashed=True)
    values = np.linalg.eigvals(W)
    dots = panel.marks([place.at(float(v.real), float(v.imag)) for v in values], "circle", svg.SKY, 4)
    below = TOP + SIDE + 52
    key = [
        panel.marks([(PLANE + 8, below)], "circle", svg.SKY, 4),
        svg.text(PLANE + 18, below + 4, "eigenvalue", size=12, anchor="start"),
        svg.path([(PLANE + 102, below), (PLANE + 130, below)], thick=1.4),
        svg.text(PLANE + 136, below + 4, "unit circle", size=12, anchor="start"),
        svg.path([(PLANE, below + 20), (PLANE + 28, below + 20)], stroke=svg.VERMILLION, thick=1.8, dash="3 3"),
        svg.text(PLANE + 34, below + 24, f"circle of radius σ_max = {sigma:.2f}", size=12, anchor="start"),
    ]
    axes = panel.frame(place, "eigenvalues of W_hh", ticks, ticks, "real part (imaginary part upward)", grid=False)
    return middle + circles + dots + axes + "".join(key)


def _curves(norms: Array, found: Flow, radius: float, t: int) -> str:
    """Draw the norms against the lag, their bound and the line of the spectral radius."""
    positive = norms[norms > 0]
    bound = flow.bound(found.W_hh, found.gamma, len(norms))
    rate = (found.gamma * radius) ** np.arange(len(norms))
    low = max(-16, int(np.floor(np.log10(positive.min()))))
    # The bound may run far ahead of what it bounds: three decades above it is enough to see that.
    high = int(np.ceil(np.log10(max(positive.max(), min(bound.max(), 1e3 * positive.max())))))
    low, high = min(low, -1), max(high, 1)
    place = panel.Panel(CURVES, TOP, 264, SIDE, (-0.5, max(len(norms) - 0.5, 1)), (low - 0.1, high + 0.1))
    every = max(1, len(norms) // 8)
    lines = [
        panel.plot(place, curve, [(float(k), float(np.log10(v))) for k, v in enumerate(values) if v > 0], step, first)
        for curve, values, step, first in (
            (NORM, norms, 1, 0),
            (RATE, rate, every, 0),
            (BOUND, bound, every, every // 2),  # where curves lie on one another, their marks do not
        )
    ]
    ticks = {float(k): str(k) for k in range(0, len(norms), 1 if len(norms) < 8 else 2 if len(norms) < 16 else 5)}
    below = TOP + SIDE + 52
    keys = [
        panel.legend(NORM, CURVES - 30, below),
        panel.legend(RATE, CURVES + 146, below),
        panel.legend(BOUND, CURVES - 30, below + 20),
    ]
    axes = panel.frame(place, f"norm of dL_t/dh_s, t = {t}", ticks, panel.decades(low, high), "lag t − s, in steps")
    return axes + panel.clipped(place, "".join(lines)) + "".join(keys)


def _map(norms: Array, t: int) -> str:
    """Draw the norms for all t and s, the row of this t framed."""
    T = len(norms)
    place = panel.Panel(MAP, TOP, SIDE, SIDE, (0.5, T + 0.5), (T + 0.5, 0.5))
    logs = np.log10(np.maximum(norms, 1e-300))
    # Norms of exactly 1 stand on the edge of a shade, and rounding differs between machines: hence the little more.
    levels = np.clip(np.floor(2 * (logs - LOWEST) + 1e-6), 0, len(SHADES) - 1).astype(int).tolist()
    triangle = [row[: r + 1] for r, row in enumerate(levels)]
    ticks = {float(k): str(k) for k in range(T, 0, -max(1, T // 4))}
    cell = SIDE / T
    left, right, top = MAP - 1.5, MAP + cell * t + 1.5, TOP + cell * (t - 1) - 1.5
    corners = [(left, top), (right, top), (right, top + cell + 3), (left, top + cell + 3), (left, top)]
    row = svg.path(corners, thick=2, outline=svg.PAPER)
    below, wide = TOP + SIDE + 46, SIDE / len(SHADES)
    bar = [svg.rect(MAP + wide * k, below, wide + 0.4, 12, fill=colour) for k, colour in enumerate(SHADES)]
    names = [
        svg.text(MAP + wide * 2 * (e - LOWEST), below + 27, written, size=12)
        for e, written in ((LOWEST, "≤ 10⁻⁶"), (-3, "0.001"), (0, "1"), (HIGHEST, "≥ 1000"))
    ]
    axes = panel.frame(place, "norm of dL_t/dh_s, every t", ticks, ticks, "state s across, loss t down", grid=False)
    return panel.cells(place, triangle, SHADES) + axes + row + "".join(bar + names)


def _sentence(norms: Array, found: Flow, radius: float, sigma: float, activation: str, t: int) -> str:
    """Say what becomes of the gradient of L_t."""
    last, peak = len(norms) - 1, int(norms.argmax())
    start = f"Radius {radius:.2f}, largest singular value {sigma:.2f}: "
    if last == 0:
        return start + f"dL_{t}/dh_{t} has the length 1, and nothing comes before step 1. Choose a later t."
    end = f"{svg.short(float(norms[-1]))} at lag {last}"
    if np.abs(norms - 1).max() <= 1e-9:
        went = f"the norm stays 1 up to lag {last}"
    elif norms[-1] == 0:
        went = f"the norm is exactly 0, which a logarithmic axis cannot show, from lag {int(norms.argmin())} to {last}"
    elif peak == last:
        went = f"the norm grows to {end}"
    elif peak == 0:
        went = f"the norm falls from 1 to {end}"
    else:
        went = f"the norm grows to {svg.short(float(norms[peak]))} at lag {peak}, then falls to {end}"
    bound = float(flow.bound(found.W_hh, found.gamma, last + 1)[-1])
    return (
        f"{start}{went}, where the bound is {svg.short(bound)}. "
        f"Mean slope of {activation}: {found.slope:.2f}, of at most {found.gamma:g}."
    )
