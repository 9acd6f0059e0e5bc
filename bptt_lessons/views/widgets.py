"""The interactive figures of the lessons, each to be displayed as a cell's last expression.

Each also carries a static picture, so that its lesson can be read on paper.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from bptt_lessons.arguments import (
    Array,
    check_array,
    check_callable,
    check_precision,
    check_size,
    is_real,
    shown,
)
from bptt_lessons.cells import lstm, rnn
from bptt_lessons.tasks import text
from bptt_lessons.training import loop, losses, readout
from bptt_lessons.training.loop import Session
from bptt_lessons.views import checkpoint_schedule as schedule_picture
from bptt_lessons.views import gate_explorer as gates_picture
from bptt_lessons.views import gradient_flow as flow_picture
from bptt_lessons.views import sampler as sampler_picture
from bptt_lessons.views import surface, two_roads, two_states, unrolled_graph
from bptt_lessons.views import task_viewer as task_picture
from bptt_lessons.views import truncation_matrix as matrix_picture
from bptt_lessons.views.frame import (
    Drawing,
    Interactive,
    bounded_number,
    button,
    check_box,
    choice,
    real_number,
    stepper,
    whole_number,
)
from bptt_lessons.views.live_training import LiveTraining
from bptt_lessons.views.training_bar import training_progress

__all__ = [
    "bptt_player",
    "checkpoint_schedule",
    "gate_explorer",
    "gradient_flow",
    "live_training",
    "loss_surface",
    "sampler",
    "task_viewer",
    "training_progress",
    "truncation_matrix",
    "unroller",
]

MOST_STEPS = 10  # more copies of the step do not fit a page
MOST_UNITS = 8


def unroller(params: rnn.Params, x: Array, labels: Sequence[str] | None = None) -> Interactive:
    """Show a loop and the same loop unrolled, to be stepped through.

    Parameters
    ----------
    params : rnn.Params
        With at most 8 hidden units.
    x : array (T_max, 1, D)
        One sequence of at most 10 steps.
    labels : sequence of T_max str, optional
        What to write under the inputs; their values if left out and D = 1.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a shape or dtype does not fit or the network is too large to draw.
    """
    sizes = _check_network(params, x, MOST_STEPS, MOST_UNITS)
    T_max = len(x)
    if labels is not None and (not _is_line(labels) or len(labels) != T_max):
        raise ValueError(f"labels must be a sequence of T = {T_max} strings, one for each step, got {shown(labels)}")
    copies = whole_number("copies T", min(6, T_max), 1, T_max)
    step = whole_number("step t", min(3, copies.value), 0, copies.value)
    turned = check_box("flip x_1")

    def written(flipped: bool) -> list[str]:
        values = unrolled_graph.flip(x) if flipped else x
        plain = [f"{value:.3g}".replace("-", "\N{MINUS SIGN}") if sizes["D"] == 1 else "" for value in values[:, 0, 0]]
        if labels is None:
            return plain
        return [f"{labels[0]}, flipped" if flipped else str(labels[0]), *map(str, labels[1:])]

    def draw() -> Drawing:
        return unrolled_graph.draw(params, x, copies.value, step.value, written(turned.value), turned.value)

    figure = Interactive("the unroller", [[copies, *stepper(step), turned]], draw, draw())

    def resize(_: object) -> None:
        step.max = copies.value  # a step beyond it is pulled back
        figure.redraw()

    copies.observe(resize, names="value")
    step.observe(figure.redraw, names="value")
    turned.observe(figure.redraw, names="value")
    return figure


def bptt_player(
    params: rnn.Params | lstm.Params, readout_params: readout.Readout, x: Array, target: Array
) -> Interactive:
    """Play a small network forward and then backward, with all its numbers.

    Parameters
    ----------
    params : rnn.Params or lstm.Params
        With at most 3 hidden units, an LSTM with at most 2.
    readout_params : readout.Readout
        With one output.
    x : array (T, 1, 1)
        One sequence of at most 5 steps, for an LSTM at most 4.
    target : array (T, 1, 1)

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a shape or dtype does not fit or the network is too large to draw.
    """
    most = (4, 2) if isinstance(params, lstm.Params) else (5, 3)
    sizes = _check_network(params, x, *most)
    if sizes["D"] != 1:
        raise ValueError(f"x has shape {x.shape}, expected (T, N, D) with N = 1, D = 1: the player draws one input")
    check_array("target", target, "T N K", {"T": len(x), "N": 1, "K": 1})
    _check_real(target=target)
    if not isinstance(readout_params, readout.Readout):
        raise ValueError(f"readout_params must be readout.Readout(W_hy, b_y), got {type(readout_params).__name__}")
    readout.check_parameters(readout_params)
    _check_real(W_hy=readout_params.W_hy, b_y=readout_params.b_y)
    if readout_params.W_hy.shape != (sizes["H"], 1):
        expected = f"(H, 1) with H = {sizes['H']}: the player draws one output"
        raise ValueError(f"W_hy has shape {readout_params.W_hy.shape}, expected {expected}")
    check_precision(x=x, W_hy=readout_params.W_hy)
    last = 2 * len(x)
    draw: Callable[[int], Drawing]
    if isinstance(params, lstm.Params):
        draw = partial(two_states.draw, two_states.play(params, readout_params, x, target))
    else:
        draw = partial(two_roads.draw, two_roads.play(params, readout_params, x, target))
    position = whole_number("position", 0, 0, last)
    start = button("Start", lambda: position.set_trait("value", 0))
    figure = Interactive(
        "the BPTT player",
        [[start, *stepper(position)]],
        lambda: draw(position.value),
        draw(last - 1),
    )
    position.observe(figure.redraw, names="value")
    return figure


def loss_surface(
    x: Array,
    target: Array,
    *,
    w_xh: tuple[float, float] = (-2.0, 2.0),
    w_hh: tuple[float, float] = (-2.0, 2.0),
    start: tuple[float, float] = (-0.5, -0.5),
    lr: float = 0.3,
) -> Interactive:
    """Show the loss of a scalar recurrent net over its two weights, with its gradient.

    The net is h_t = tanh(w_xh x_t + w_hh h_{t-1}); its loss the mean squared error of h itself.

    Parameters
    ----------
    x, target : arrays (T, N, 1)
    w_xh, w_hh : pair of float, optional
        The part of each axis that is drawn, lower end first.
    start : pair of float, optional
        Where the point stands first: (w_xh, w_hh).
    lr : float, optional
        The learning rate chosen first: 0.03, 0.1, 0.3, 1.0, 3.0 or 10.0.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a shape or dtype does not fit, a range is empty or the learning rate is none of these.
    """
    check_array("x", x, "T N D", {"D": 1})
    check_array("target", target, "T N H", {"T": len(x), "N": x.shape[1], "H": 1})
    _check_real(x=x, target=target)
    for name, pair in (("w_xh", w_xh), ("w_hh", w_hh), ("start", start)):
        if (
            not _is_line(pair)
            or len(pair) != 2
            or not all(map(is_real, pair))
            or (name != "start" and not pair[0] < pair[1])
        ):
            expected = "(w_xh, w_hh)" if name == "start" else "(low, high) with low < high"
            raise ValueError(f"{name} must be two finite numbers {expected}, got {shown(pair)}")
    rates = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    if not is_real(lr) or lr not in rates:
        raise ValueError(f"lr must be one of {', '.join(map(str, rates))}, got {shown(lr)}")
    ground = surface.survey(x.astype(float), target.astype(float), w_xh, w_hh)
    origin = surface.Point(*map(float, start))
    trail = [origin]
    fields = [real_number("w_xh", origin.w_xh, 0.1), real_number("w_hh", origin.w_hh, 0.1)]
    rate = choice("learning rate", rates, lr)
    busy = False  # while the figure itself writes into its fields

    def go(points: list[surface.Point], forget: bool = False) -> None:
        nonlocal busy
        trail[:] = points if forget else trail + points
        busy = True
        for field, weight in zip(fields, trail[-1], strict=True):
            field.value = round(weight, 4)
        busy = False
        figure.redraw()

    def moved(_: object) -> None:
        if not busy:
            trail[:] = [surface.Point(fields[0].value, fields[1].value)]
            figure.redraw()

    def descend(steps: int) -> None:
        go(surface.descend(ground, trail[-1], rate.value, steps))

    def with_rate() -> Drawing:
        drawing = surface.draw(ground, trail)  # a pressed button differs by its shade only, so say it in words
        return drawing._replace(sentence=f"{drawing.sentence} The learning rate is {rate.value:g}.")

    buttons = [
        button("Take 1 step", lambda: descend(1)),
        button("Take 10 steps", lambda: descend(10)),
        button("Back to the start", lambda: go([origin], forget=True)),
    ]
    on_paper = surface.draw(ground, [origin, *surface.descend(ground, origin, lr, 10)])
    figure = Interactive("on the loss surface", [fields, [rate], buttons], with_rate, on_paper)
    for field in fields:
        field.observe(moved, names="value")
    rate.observe(figure.redraw, names="value")
    return figure


def gradient_flow(H: int = 12, T: int = 40, seed: int = 0) -> Interactive:
    """Show what the recurrent matrix makes of a gradient on its way back through time.

    W_hh comes from ``init.non_normal``; every unit gets random input of its own, and the loss
    L_t is h_t times the direction, of length 1, that W_hh stretches most on the way back.

    Parameters
    ----------
    H : int, optional
        Units, from 2 to 32.
    T : int, optional
        Steps, from 2 to 40.
    seed : int, optional
        Of the matrix and the inputs.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    _check_range("H", H, 2, 32)
    _check_range("T", T, 2, 40)
    _check_seed(seed)
    radius = bounded_number("spectral radius", 0.9, 0.1, 2.0, 0.05)
    shear = bounded_number("non-normality", 2.0, 0.0, 3.0, 0.1)
    scale = bounded_number("input scale", 0.05, 0.0, 10.0, 0.05)
    activation = choice("activation", tuple(flow_picture.ACTIVATIONS), "tanh")
    t = whole_number("loss step t", T, 1, T)

    def draw() -> Drawing:
        found = flow_picture.measure(
            *(H, T, seed, radius.value, shear.value, scale.value, flow_picture.ACTIVATIONS[activation.value])
        )
        return flow_picture.draw(found, radius.value, activation.value, t.value)

    rows = [[activation], [radius, shear, scale, t]]
    figure = Interactive("with the flow of gradients", rows, draw, draw())
    for control in figure.controls.values():
        control.observe(figure.redraw, names="value")
    return figure


def checkpoint_schedule(T: int = 12, slots: int = 3) -> Interactive:
    """Show the best schedule for a number of slots, action by action, and what more slots would save.

    Parameters
    ----------
    T : int, optional
        Steps to be backpropagated at first, from 1 to 20.
    slots : int, optional
        Slots at first, from 1 to T.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    _check_range("T", T, 1, 20)
    _check_range("slots", slots, 1, T)
    steps = whole_number("steps T", T, 1, 20)
    room = whole_number("slots", slots, 1, T)
    keeps = choice("a slot holds a", ("state", "step"), "state")
    moments = schedule_picture.play(T, slots, "state")
    done = whole_number("actions done", len(moments), 0, len(moments))
    start = button("Start", lambda: done.set_trait("value", 0))
    end = button("End", lambda: done.set_trait("value", done.max))
    busy = False  # while the figure itself writes into its fields

    def draw() -> Drawing:
        return schedule_picture.draw(moments, steps.value, room.value, keeps.value, done.value)

    rows = [[keeps], [steps, room], [start, *stepper(done), end]]
    figure = Interactive("the schedule", rows, draw, draw())

    def plan(_: object) -> None:
        """Make another schedule; one that was seen to its end is seen to its end again."""
        nonlocal busy, moments
        if busy:
            return
        busy = True
        at_end = done.value == done.max
        room.max = steps.value
        moments = schedule_picture.play(steps.value, room.value, keeps.value)
        done.max = len(moments)
        if at_end:
            done.value = done.max
        busy = False
        figure.redraw()

    def moved(_: object) -> None:
        if not busy:
            figure.redraw()

    for control in (keeps, steps, room):
        control.observe(plan, names="value")
    done.observe(moved, names="value")
    return figure


def truncation_matrix(T: int = 16, seed: int = 0) -> Interactive:
    """Show which contributions to the gradient each truncation keeps, how wrong it is, and what it holds.

    The net is untrained: 8 tanh units with orthogonal weights times 0.9, 4 sequences, random
    inputs and targets, the mean squared error at every step.

    Parameters
    ----------
    T : int, optional
        Steps, from 2 to 16.
    seed : int, optional
        Of the net, its data, and the draws of the randomised truncation.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    _check_range("T", T, 2, 16)
    _check_seed(seed)
    net = matrix_picture.make_net(T, seed)
    algorithm = choice("algorithm", matrix_picture.ALGORITHMS, matrix_picture.CARRY)
    k = whole_number("k (sliding: k2)", matrix_picture.first_k(T), 1, T)
    k1 = whole_number("k1 (sliding)", 1, 1, k.value)
    probability = bounded_number("p (randomised)", 0.2, 0.0, 0.8, 0.05)
    draw_number = whole_number("draw (randomised)", 0, 0, matrix_picture.DRAWS - 1)

    def draw() -> Drawing:
        setting = matrix_picture.Setting(algorithm.value, k.value, k1.value, probability.value, draw_number.value)
        return matrix_picture.draw(net, setting)

    rows = [[algorithm], [k, k1, probability, draw_number]]
    figure = Interactive("with the truncations", rows, draw, draw())

    def lengthen(_: object) -> None:
        k1.max = k.value  # what is beyond it is pulled back
        figure.redraw()

    def enable(_: object) -> None:
        # The keyboard's focus is on `algorithm` then, so none of these can drop it.
        fields = {"k": k, "k1": k1, "probability": probability, "draw": draw_number}
        for name, control in fields.items():
            control.disabled = name not in matrix_picture.USED[algorithm.value]

    enable(None)
    algorithm.observe(enable, names="value")
    k.observe(lengthen, names="value")
    for control in (algorithm, k1, probability, draw_number):
        control.observe(figure.redraw, names="value")
    return figure


def gate_explorer(T: int = 40, seed: int = 0) -> Interactive:
    """Show what each gate of one LSTM unit does to an input, and how long the cell remembers it.

    The weights are set by hand: x_t drives the candidate alone, with weight 1; the gates are
    ruled by their biases, and one of them, if wished, by a second input, the key line; h_{t-1}
    drives nothing.

    Parameters
    ----------
    T : int, optional
        Steps at first, from 10 to 60.
    seed : int, optional
        Of the noise.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    _check_range("T", T, 10, gates_picture.MOST_STEPS)
    _check_seed(seed)
    noise = np.random.default_rng(seed).normal(size=gates_picture.MOST_STEPS)
    shape = choice("input", gates_picture.SHAPES, gates_picture.ONE)
    key = choice("key line", gates_picture.KEYS, gates_picture.OFF)
    b_i, b_f, b_o = (
        bounded_number(f"{name} ({gate} gate)", value, gates_picture.LOWEST, gates_picture.HIGHEST, 0.5)
        for name, gate, value in (("b_i", "input", 2.0), ("b_f", "forget", 3.0), ("b_o", "output", 2.0))
    )
    pulse = whole_number("pulse at step p", 5, 1, T - 1)
    steps = whole_number("steps T", T, 10, gates_picture.MOST_STEPS)

    def draw() -> Drawing:
        setting = gates_picture.Setting(
            *(steps.value, shape.value, pulse.value, key.value, b_i.value, b_f.value, b_o.value)
        )
        return gates_picture.draw(setting, noise)

    figure = Interactive("with the gates", [[shape], [key], [b_i, b_f, b_o], [pulse, steps]], draw, draw())

    def resize(_: object) -> None:
        pulse.max = steps.value - 1  # a pulse beyond it is pulled back
        figure.redraw()

    steps.observe(resize, names="value")
    for control in (shape, key, b_i, b_f, b_o, pulse):
        control.observe(figure.redraw, names="value")
    return figure


def live_training(
    session: Session,
    advance: Callable[[Session], Session],
    updates: int,
    *,
    sample: Callable[[Session], str] | None = None,
    path: str | os.PathLike[str] | None = None,
    label: str = "training",
    bits: bool = False,
) -> LiveTraining:
    """Train off the cell: nothing runs until Start is pressed, and other cells can be run meanwhile.

    The latest whole session stands at ``.session`` of what is returned.  Going on after Stop gives bit
    for bit what no stop would have given.  After Load it does so, too, if `advance` looks at nothing but
    the session: draw the batch of an update with ``np.random.default_rng((seed, len(session.losses)))``.

    Parameters
    ----------
    session : loop.Session
        Where to start.  To Load in a fresh kernel it must have the file's structure: the optimiser's
        memory, and if the state is carried a zero state of the right shape, not None.
    advance : callable
        ``advance(session) -> session`` with at least one update more.  It runs in a thread; Stop waits
        for it to return, so it should take well under a second.
    updates : int
        A press of Start trains up to so many more, at least 1.
    sample : callable, optional
        ``sample(session) -> str``, shown every few seconds; it too runs in the thread.
    path : str or path, optional
        A file that Stop and the end write, and Save and Load buttons for it.
    label : str, optional
        What is trained.  A new figure stops the training of an older one with the same label.
    bits : bool, optional
        Show losses, which are in nats, in bits.

    Returns
    -------
    LiveTraining
        With ``session``, and ``start()``, ``stop()`` and ``wait()`` for use without a hand.

    Raises
    ------
    ValueError
        If an argument does not fit.
    """
    return LiveTraining(session, advance, updates, sample, path, label, bits)


def task_viewer(
    cell: Any,
    model: loop.Model,
    x: Array,
    target: Array,
    mask: Array | None = None,
    names: Sequence[str] | None = None,
) -> Interactive:
    """Show one sequence of a batch step by step: input, target, what the model says, and its state.

    Parameters
    ----------
    cell : module or the like
        With `forward`, such as ``lstm``.
    model : loop.Model
    x : array (T, N, D)
        At most 200 steps; one-hot rows are shown as symbols, other rows as at most 4 numbers.
    target : real array (T, N, K) or integer array (T, N)
        Values, at most 4 at a step; or symbols, and then the model's outputs are logits.
    mask : bool array (T, N), optional
        The steps that count; all if left out.
    names : str or sequence of str, optional
        Of the D symbols of a one-hot input, else of the K symbols of the target; their numbers if left out.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If an argument does not fit or is too large to draw.
    """
    loop.check_model(cell, model)
    check_array("x", x, "T N D")
    _check_real(x=x)
    T, N = x.shape[:2]
    if T > task_picture.MOST_STEPS:
        raise ValueError(f"x has shape {x.shape}, expected at most T = {task_picture.MOST_STEPS} steps to draw")
    h, _, _ = cell.forward(model.cell, x)
    y = readout.forward(model.readout, h)
    symbols = isinstance(target, np.ndarray) and target.dtype.kind in "iu"
    counted = losses.check_classes(y, target, mask) if symbols else losses.check_real_target(y, target, mask)
    _check_real(h=h, y=y)
    if not symbols:
        _check_real(target=target[counted])
    task = task_picture.make(x, target, counted, y, h, names)
    sequence = whole_number("sequence n", 1, 1, N)
    step = whole_number("step t", T, 1, T)
    start = button("Start", lambda: step.set_trait("value", 1))
    end = button("End", lambda: step.set_trait("value", step.max))
    figure = Interactive(
        "with the task viewer",
        [[sequence], [start, *stepper(step), end]],
        lambda: task_picture.draw(task, sequence.value, step.value),
        task_picture.on_paper(task, 1, T),
    )
    for control in (sequence, step):
        control.observe(figure.redraw, names="value")
    return figure


def sampler(read: text.Read, alphabet: str, start: str, length: int = 300) -> Interactive:
    """Let a model go on with a text, at a temperature and from a seed that are chosen by buttons.

    Parameters
    ----------
    read : callable
        As ``text.generate`` takes it, such as ``loop.reader(lstm, model)``.
    alphabet : str
        The K characters that the model knows.
    start : str
        What it reads first, at least one character of the alphabet.
    length : int, optional
        Characters that it then says, from 1 to 2000.

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If an argument does not fit.
    """
    check_callable("read", read)
    text.check_alphabet(alphabet)
    text.check_text("start", start)
    if missing := set(start) - set(alphabet):
        raise ValueError(f"start has characters that are not in the alphabet: {''.join(sorted(missing))!r}")
    _check_range("length", length, 1, sampler_picture.MOST_CHARACTERS)
    speaker = sampler_picture.Speaker(read, alphabet, start, length)
    temperature = choice("temperature", sampler_picture.TEMPERATURES, 1.0)
    seed = whole_number("seed", 0, 0, sampler_picture.MOST_SEEDS)
    figure = Interactive(
        "with the sampler",
        [[temperature], stepper(seed)],
        lambda: sampler_picture.draw(speaker, temperature.value, seed.value),
        sampler_picture.on_paper(speaker, 1.0, 0),
    )
    for control in (temperature, seed):
        control.observe(figure.redraw, names="value")
    return figure


def _check_range(name: str, value: int, low: int, high: int) -> None:
    """Raise ValueError unless `value` is a whole number from `low` to `high`."""
    if not low <= check_size(name, value) <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {shown(value)}")


def _check_seed(seed: object) -> None:
    """Raise ValueError unless `seed` is a whole number of at least 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, got {shown(seed)}")


def _is_line(value: object) -> bool:
    """Say whether `value` is a sequence, or an array of one axis, and no string."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _check_network(params: rnn.Params | lstm.Params, x: Array, steps: int, units: int) -> dict[str, int]:
    """Return D and H of a network that is small enough to be drawn, else raise ValueError."""
    (lstm if isinstance(params, lstm.Params) else rnn).check_params(params)
    sizes = {"D": len(params.W_xh), "H": len(params.W_hh)}
    check_array("x", x, "T N D", {**sizes, "N": 1})
    _check_real(W_xh=params.W_xh, W_hh=params.W_hh, b_h=params.b_h, x=x)
    if len(x) > steps or sizes["H"] > units:
        raise ValueError(
            f"x has shape {x.shape} and W_hh {params.W_hh.shape}, expected at most T = {steps} and H = {units} to draw"
        )
    return sizes


def _check_real(**arrays: Array) -> None:
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"{name} of shape {array.shape} and dtype {array.dtype} must hold finite real numbers")
