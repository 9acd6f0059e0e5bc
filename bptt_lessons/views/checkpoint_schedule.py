"""A checkpointing schedule as a picture: what is run, what is kept meanwhile, and what more slots would save."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from bptt_lessons.gradients import checkpointing
from bptt_lessons.gradients.checkpointing import Action
from bptt_lessons.views import panel, svg
from bptt_lessons.views.frame import Drawing

TOP, TALL = 48, 330  # where both panels stand, and how high the schedule is at most
LEFT, WIDE = 52, 490
COSTS, COST_WIDE, COST_TALL = 640, 240, 262
WIDTH, HEIGHT = 900, 474
KEPT = {"state": ("square", svg.SKY), "step": ("circle", svg.ORANGE)}
FORWARD, BACK = svg.BLUE, svg.VERMILLION  # told apart by direction and thickness, too
CURVES = {
    "state": panel.Curve("slots that hold a state", svg.BLUE, "", "square"),
    "step": panel.Curve("slots that hold a step", svg.VERMILLION, "6 3", "circle"),
}


class Moment(NamedTuple):
    """One action of a schedule that runs something, and what is kept meanwhile."""

    action: Action
    ran: int  # forward steps up to and with this action
    held: frozenset[int]  # the states or steps in slots while it runs, with what it keeps itself
    left: int  # slots in use afterwards


def play(T: int, slots: int, keeps: str) -> list[Moment]:
    """Return what a schedule does, one moment for each action but the drops, which belong to the action before.

    Parameters are those of ``checkpointing.schedule``.
    """
    moments: list[Moment] = []
    ran, held = 0, {0} if keeps == "state" else set[int]()  # the state before the first step takes a slot, or none
    for action in checkpointing.schedule(T, slots, keeps):
        if action.kind == "drop":
            held.discard(action.stop)
            moments[-1] = moments[-1]._replace(left=len(held))
            continue
        ran += action.stop - action.start
        if action.kind.startswith("keep"):
            held.add(action.stop)
        moments.append(Moment(action, ran, frozenset(held), len(held)))
    return moments


def draw(moments: list[Moment], T: int, slots: int, keeps: str, done: int) -> Drawing:
    """Draw a schedule after so many of its actions, and what other numbers of slots would cost."""
    sentence = _sentence(moments, T, slots, keeps, done)
    description = (
        f"On the left a schedule that backpropagates {T} steps with {slots} slots for {keeps}s: time across, one row "
        f"for each action but the drops downward, with an arrow to the right for a forward run, a thick arrow to the "
        f"left for a backward step, and a mark for everything that is held in a slot; {done} of {len(moments)} actions "
        f"are done. On the right the forward steps, on a logarithmic axis, against the number of slots, for both kinds "
        f"of slot. {sentence}"
    )
    content = _schedule(moments, T, keeps, done) + _legend(keeps) + _costs(T, slots, keeps)
    return Drawing(svg.picture(WIDTH, HEIGHT, description, content), description, sentence)


def _schedule(moments: list[Moment], T: int, keeps: str, done: int) -> str:
    """Draw the actions, those that are still to come dashed."""
    rows = len(moments)
    high = min(20.0, TALL / rows)
    place = panel.Panel(LEFT, TOP, WIDE, high * rows, (-0.6, T + 0.6), (rows + 0.5, 0.5))
    thick = min(1.8, high / 6)
    parts = []
    for number, (action, _, _, _) in enumerate(moments, 1):
        ran = number <= done
        start, stop = place.at(action.start, number), place.at(action.stop, number)
        before = place.at(action.stop - 1, number)
        if action.stop > action.start:
            colour, dash = (FORWARD, "") if ran else (svg.FAINT, "2 3")
            parts.append(svg.path([start, stop], stroke=colour, thick=thick, dash=dash, arrow=ran))
        if action.kind == "back":
            lower = high * 0.26 if action.stop > action.start else 0.0  # below the run that led there
            ends = [(stop[0], stop[1] + lower), (before[0], before[1] + lower)]
            colour, dash = (BACK, "") if ran else (svg.FAINT, "4 2")
            parts.append(svg.path(ends, stroke=colour, thick=1.6 * thick, dash=dash, arrow=ran))
    marker, colour = KEPT[keeps]
    size = round(min(4.5, high * 0.36), 1)
    held = [place.at(kept, number) for number, moment in enumerate(moments[:done], 1) for kept in moment.held]
    parts.append(panel.marks(sorted(held), marker, colour, size))
    if keeps == "step":  # the first state is there all the time, at no slot's cost
        free = [place.at(0, number) for number in range(1, done + 1)]
        parts.append(panel.marks(free, "square", svg.PAPER, size))
    if done:
        edge = TOP + high * (done - 1)
        parts.append(svg.rect(LEFT + 1, edge, WIDE - 2, high, stroke=svg.INK, thick=1.6))
    every = 1 if T <= 20 else 5
    x_ticks = {float(s): str(s) for s in range(0, T + 1, every)}
    y_ticks = {float(k): str(k) for k in range(1, rows + 1) if k == 1 or k % (5 if rows > 12 else 2) == 0}
    title = f"{_count(rows, 'action')}, {_count(moments[-1].ran, 'forward step')}"
    across = "position t (0 is before the first step)"
    parts.append(panel.frame(place, title, x_ticks, y_ticks, across, grid=False))
    return "".join(parts) + _upward(place, 36, "action")


def _legend(keeps: str) -> str:
    """Explain the marks of the schedule."""
    marker, colour = KEPT[keeps]
    y = HEIGHT - 42
    parts = [
        svg.path([(LEFT, y), (LEFT + 30, y)], stroke=FORWARD, thick=1.8, arrow=True),
        svg.text(LEFT + 38, y + 4, "forward run", size=12, anchor="start"),
        svg.path([(LEFT + 156, y), (LEFT + 126, y)], stroke=BACK, thick=2.9, arrow=True),
        svg.text(LEFT + 164, y + 4, "backward step", size=12, anchor="start"),
        panel.marks([(LEFT + 276, y)], marker, colour, 4.5),
        svg.text(LEFT + 288, y + 4, f"{keeps} held in a slot", size=12, anchor="start"),
        svg.path([(LEFT, y + 22), (LEFT + 30, y + 22)], stroke=svg.FAINT, thick=1.5, dash="2 3"),
        svg.text(LEFT + 38, y + 26, "still to come", size=12, anchor="start"),
        svg.rect(LEFT + 126, y + 15, 30, 14, stroke=svg.INK, thick=1.6),
        svg.text(LEFT + 164, y + 26, "done last", size=12, anchor="start"),
    ]
    if keeps == "step":
        parts.append(panel.marks([(LEFT + 276, y + 22)], "square", svg.PAPER, 4.5))
        parts.append(svg.text(LEFT + 288, y + 26, "h_0, which takes no slot", size=12, anchor="start"))
    return "".join(parts)


def _costs(T: int, slots: int, keeps: str) -> str:
    """Draw forward steps against slots, for both kinds of slot, with the present one and √T marked."""
    most = T * (T + 1) // 2
    low, high = np.log10(0.8 * T), np.log10(1.25 * most)
    place = panel.Panel(COSTS, TOP, COST_WIDE, COST_TALL, (0.5, T + 0.5), (float(low), float(high)))
    root = sqrt(T)
    x, _ = place.at(root, 0)
    parts = [
        svg.path([(x, TOP), (x, TOP + COST_TALL)], stroke=svg.FAINT, thick=1.4, dash="1 3"),
        svg.text(x + 5, TOP + 15, f"√T = {root:.1f}", size=12, anchor="start"),
    ]
    for kind, curve in CURVES.items():
        costs = [checkpointing.closed_form(T, m, kind) for m in range(1, T + 1)]
        parts.append(panel.plot(place, curve, [(float(m), float(np.log10(cost))) for m, cost in enumerate(costs, 1)]))
    cost = checkpointing.closed_form(T, slots, keeps)
    parts.append(svg.circle(*place.at(slots, float(np.log10(cost))), 8.5, thick=2.2))
    x_ticks = {float(m): str(m) for m in range(1, T + 1) if T <= 10 or m == 1 or m % 5 == 0}
    y_ticks = {float(np.log10(v)): str(v) for v in (1, 2, 5, 10, 20, 50, 100, 200) if low < np.log10(v) < high}
    below = TOP + COST_TALL + 58
    keys = [panel.legend(curve, COSTS - 16, below + 22 * k) for k, curve in enumerate(CURVES.values())]
    keys.append(svg.circle(COSTS + 1, below + 44, 8.5, thick=2.2))
    here = f"here: {_count(slots, 'slot')}, {_count(cost, 'forward step')}"
    keys.append(svg.text(COSTS + 26, below + 48, here, size=12, anchor="start"))
    axes = panel.frame(place, f"forward steps for T = {T}", x_ticks, y_ticks, "slots")
    axes += _upward(place, 44, "forward steps (logarithmic axis)")
    return axes + "".join(parts + keys)


def _upward(place: panel.Panel, away: float, name: str) -> str:
    """Write the name of the axis upward, so far to the left of a panel."""
    x, y = round(place.left - away, 1), round(place.top + place.height / 2, 1)
    turned = f"rotate(-90 {x} {y})"
    return svg.element("text", name, f"fill: {svg.INK}", x=x, y=y, font_size=12, text_anchor="middle", transform=turned)


def _sentence(moments: list[Moment], T: int, slots: int, keeps: str, done: int) -> str:
    """Say what the schedule costs, how far it is, and what comes next."""
    whole = moments[-1].ran
    start = (
        f"{_count(T, 'step')} with {_count(slots, 'slot')} for {keeps}s: {_count(whole, 'forward step')} in all, "
        f"{whole / T:.2f} times those of one forward pass. "
    )
    if any(moment.left < len(moment.held) for moment in moments):
        start += "A drop has no row and is not counted: it happens after the row it belongs to. "
    ran = moments[done - 1].ran if done else 0
    used = moments[done - 1].left if done else (1 if keeps == "state" else 0)
    now = f"After {done} of {len(moments)} actions: {_count(ran, 'forward step')} run, {used} of {slots} slots in use. "
    if done == len(moments):
        return start + now + "Every step has been backpropagated."
    return f"{start}{now}Next: {_words(moments[done].action)}."


def _words(action: Action) -> str:
    """Say what an action does."""
    kind, start, stop = action
    if start == stop:
        return f"backpropagate step {stop}, which is held"
    run = f"run step {stop}" if stop == start + 1 else f"run steps {start + 1} to {stop}"
    then = {"keep state": f"keep h_{stop}", "keep step": f"keep step {stop}", "back": f"backpropagate step {stop}"}
    return f"{run} from h_{start} and {then[kind]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
