"""The class view as a page: one file that needs nothing else, for a second screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape

from bptt_lessons.course.report import paragraph
from bptt_lessons.views import svg
from bptt_lessons.workshop.gathering import fitted, plain, wide
from bptt_lessons.workshop.room import (
    Hold,
    Mistake,
    Place,
    Room,
    ago,
    how_many,
    lessons_of,
    middle,
    nobody_stuck,
    title,
    whereabouts,
)

MARK = '<meta name="generator" content="bptt-lessons class">'
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # nothing is loaded and no script runs, whatever was shared
CARDS = 3  # exercises that get one, at most
CELL, GAP = 16, 8  # a square of the grid, and what is between two lessons
NAMES, RIGHT = 170, 330  # room on both sides of the grid
LABEL = 20  # columns of a name beside the grid
LEGEND = 720  # its width
LETTER = 8  # height of a letter that stands upright
BARS = 110  # height of the bars
FEW = 60  # learners up to whom rows are as high as they can be read

STYLE = """
:root { color-scheme: light dark; --jp-layout-color0: #ffffff; --jp-ui-font-color1: #1b1b1b;
  --jp-ui-font-color2: #565656; --line: #c9c9c9; --soft: #f3f3f0; --stuck: #b34700; --tried: #8f6200; }
@media (prefers-color-scheme: dark) { :root { --jp-layout-color0: #14161a; --jp-ui-font-color1: #ececec;
  --jp-ui-font-color2: #b0b0b0; --line: #44484f; --soft: #20242a; --stuck: #ff9a4d;
  --tried: #e69f00; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1.5rem 3rem; max-width: 1840px; background: var(--jp-layout-color0);
  color: var(--jp-ui-font-color1); font: 1rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.1rem; margin: 0; } h2 { font-size: 1.25rem; margin: 1.6rem 0 .6rem; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline; }
header p { margin: 0; color: var(--jp-ui-font-color2); }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1rem 0 0; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.figures dd { margin: 0; font-size: 1.9rem; font-weight: 700; line-height: 1.15; }
.figures dt { color: var(--jp-ui-font-color2); }
.figures .stuck dd { color: var(--stuck); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(25rem, 100%), 1fr)); gap: .8rem;
  padding: 0; margin: 0; list-style: none; }
.cards > li { background: var(--soft); border-left: 6px solid var(--line); padding: .7rem 1rem; }
.cards > li:first-child { border-color: var(--stuck); }
.cards h3 { margin: 0; font-size: 1.15rem; display: flex; gap: .7rem; align-items: baseline; overflow-wrap: anywhere; }
.cards h3 b { font-size: 2rem; color: var(--stuck); line-height: 1; }
.cards li:first-child h3 b { font-size: 3rem; }
.cards p { margin: .1rem 0 .4rem; color: var(--jp-ui-font-color2); }
.cards ul { margin: 0; padding: 0; list-style: none; }
.cards ul li { display: grid; grid-template-columns: minmax(2.2rem, max-content) 1fr; gap: .4rem;
  margin-top: .35rem; overflow-wrap: anywhere; }
.cards ul b { font-size: 1.1rem; white-space: nowrap; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
table { border-collapse: collapse; font-size: .8rem; }
th, td { border: 1px solid var(--line); padding: .1rem .35rem; text-align: left; white-space: nowrap; }
thead th { writing-mode: vertical-rl; transform: rotate(180deg); vertical-align: bottom; font-weight: 400; }
thead th.flat { writing-mode: initial; transform: none; font-weight: 700; }
summary { cursor: pointer; font-size: 1.25rem; font-weight: 700; margin: 1.6rem 0 .6rem; }
footer { color: var(--jp-ui-font-color2); margin-top: 1.5rem; overflow-wrap: anywhere; }
"""


def html_of(room: Room, now: datetime, notes: str, *, reload: float | None = None) -> str:
    """Return the whole page.

    Parameters
    ----------
    notes : str
        What was passed over.
    reload : float, optional
        Seconds after which the page reads itself again.
    """
    again = f'<meta http-equiv="refresh" content="{max(1, round(reload))}">\n' if reload else ""
    every = f" This page reads itself again every {max(1, round(reload))} seconds." if reload else ""
    clock = now.astimezone().strftime("%H:%M:%S")
    body = "\n".join([stuck_section(room), picture_section(room, now), table_section(room, now)]) if room.places else (
        "<p>Nobody has shared or handed in any progress here yet.</p>"
    )  # fmt: skip
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{MARK}
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
{again}<title>{sum(hold.stuck for hold in room.holds)} stuck: class view</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>{escape(heading(room))}</h1><p>{escape(in_short(room, now))}</p><p>As of {clock}.{every}</p></header>
<main>
{figures(room) if room.places else ""}
{body}
</main>
<footer>{escape(notes)}</footer>
</body>
</html>
"""


def heading(room: Room) -> str:
    """Return the page's heading: the lesson, if it is about one."""
    lessons = list(lessons_of(room))
    return "Class view" + (f": {title(lessons[0])}" if len(lessons) == 1 else "")


def in_short(room: Room, now: datetime) -> str:
    """Return how many learners there are, and whether anything happens."""
    count, last = len(room.places), ago(room.last, now)
    return f"{count} learner{'s' * (count != 1)}" + (f", last result {since(last)}." if last else ".")


def since(time: str) -> str:
    """Return "4 min ago" for "4 min"."""
    return time if time in ("now", "") else f"{time} ago"


def figures(room: Room) -> str:
    """Return the few numbers that matter, large."""
    half, low, high = middle(room)
    where = whereabouts(room)
    most = max(where, key=lambda lesson: where[lesson], default=None)
    shown = [
        ("stuck", "stuck now", f"{sum(hold.stuck for hold in room.holds)} of {len(room.present)} active"),
        ("", f"median solved (half the room: {low} to {high})", f"{half} of {len(room.columns)}"),
    ]
    if most is not None and len(lessons_of(room)) > 1:
        shown.append(("", f"where most are at work: {where[most]} of {len(room.present)}", title(most)))
    rows = [f'<div class="{kind}"><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>' for kind, name, value in shown]
    return f'<dl class="figures">{"".join(rows)}</dl>'


# --- what holds the room up --------------------------------------------------------------------------------


def stuck_section(room: Room) -> str:
    """Return the exercises that hold the room up, with what to say."""
    if not room.holds:
        return "<section><h2>Where the room is stuck now</h2><p>" + nobody_stuck(room) + "</p></section>"
    shown = cards(room)
    rest = [also(room, hold) for hold in room.holds if hold not in shown]
    items = "".join(card(room, hold) for hold in shown)
    others = f"<p>Also: {', '.join(rest)}</p>" if rest else ""
    return f'<section><h2>Where the room is stuck now</h2><ol class="cards">{items}</ol>{others}</section>'


def cards(room: Room) -> list[Hold]:
    """Return what deserves a card: the worst, and what holds up a third as many, if that is more than one."""
    least = max(2, room.holds[0].stuck / 3)
    return [hold for hold in room.holds[:CARDS] if hold is room.holds[0] or hold.stuck >= least]


def also(room: Room, hold: Hold) -> str:
    """Return an exercise that holds few up."""
    return f"<code>{escape(plain(room.columns[hold.column].exercise))}</code> ({how_many(hold)})"


def card(room: Room, hold: Hold) -> str:
    """Return one exercise that holds learners up."""
    column = room.columns[hold.column]
    solved = sum(place.states[hold.column] == "solved" for place in room.places)
    quiet = f"; {hold.quiet} more have been quiet for over an hour" if hold.quiet else ""
    mistakes = "".join(mistake_item(mistake) for mistake in hold.mistakes[:3])
    return (
        f"<li><h3><b>{hold.stuck}</b> stuck in {escape(plain(column.exercise))}</h3>"
        f"<p>{escape(plain(title(column.lesson), 60))}; {solved} of {len(room.places)} have solved it{quiet}</p>"
        f"<ul>{mistakes}</ul></li>"
    )


def mistake_item(mistake: Mistake) -> str:
    """Return one mistake, with the sentence to say."""
    name = f"<code>{escape(mistake.name)}</code>" if mistake.name else "no mistake named"
    sentence = re.sub(r"(?<!\S)\*(\w+)\*", r"<em>\1</em>", paragraph(mistake.sentence))
    said = f": {sentence}" if sentence else ""
    return f"<li><b>{mistake.learners}&times;</b> <span>{name}{said}</span></li>"


# --- the picture -------------------------------------------------------------------------------------------


def picture_section(room: Room, now: datetime) -> str:
    """Return the picture and what its shapes mean."""
    return (
        "<section><h2>Everybody, exercise by exercise</h2>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Picture of the class">{picture(room, now)}</div>'
        "</section>"
    )


def picture(room: Room, now: datetime) -> str:
    """Return how many have solved each exercise, as bars, and below them a grid of learners and exercises."""
    one_lesson = len(lessons_of(room)) == 1
    cell = 44 if one_lesson else CELL
    row = CELL + 2 if len(room.places) <= FEW else 12
    lefts, x = [], float(NAMES)
    starts = []
    for columns in lessons_of(room).values():
        starts.append(x)
        for _ in columns:
            lefts.append(x)
            x += cell
        x += GAP
    width = max(x + RIGHT, NAMES + LEGEND)
    longest = max(wide(plain(column.exercise)) for column in room.columns)
    top = 66.0 + BARS + LETTER * longest * one_lesson
    content = legend(NAMES, 16)
    content += lesson_names(room, starts, 44) + bars(room, lefts, cell, top - 8)
    content += svg.text(x, top - 12, "last result; stuck in", anchor="start", fill=svg.FAINT)
    content += grid(room, lefts, cell, top, row, now, x)
    height = top + row * len(room.places) + 10
    if one_lesson:
        content += "".join(
            upright(left + cell / 2, top - BARS - 8, plain(column.exercise))
            for left, column in zip(lefts, room.columns, strict=True)
        )
    return svg.picture(width, height, description(room), content)


def upright(x: float, y: float, name: str) -> str:
    """Return a name that runs upward."""
    return svg.element(
        "text", escape(name), f"fill: {svg.INK}", font_size=13, transform=f"translate({x + 3:.1f} {y:.1f}) rotate(-90)"
    )


def description(room: Room) -> str:
    """Return the picture in words."""
    lines = [f"A grid of {len(room.places)} learners and {len(room.columns)} exercises."]
    for lesson, columns in lessons_of(room).items():
        counts = [sum(place.states[column] == "solved" for place in room.places) for column in columns]
        if any(counts):
            lines.append(f"{plain(title(lesson), 60)}: solved by {', '.join(map(str, counts))}.")
    for hold in room.holds[:CARDS]:
        lines.append(f"{hold.stuck} stuck in {plain(room.columns[hold.column].exercise)}.")
    return " ".join(lines) + " The table below has it learner by learner."


def lesson_names(room: Room, starts: Sequence[float], y: float) -> str:
    """Return the lessons' numbers over their exercises."""
    one = len(starts) == 1
    return "".join(
        svg.text(
            start,
            y,
            plain(title(lesson), 60) if one else lesson[:2] if lesson[:2].isdigit() else "other",
            anchor="start",
            bold=True,
        )
        for lesson, start in zip(lessons_of(room), starts, strict=True)
    )


def legend(x: float, y: float) -> str:
    """Return what the shapes mean."""
    parts = []
    for kind, words, width in (
        ("solved", "solved", 80), ("stuck", "stuck there now", 140), ("quiet", "stuck, quiet for over an hour", 220),
        ("tried", "tried, gone on", 125), ("not attempted", "not attempted", 0),
    ):  # fmt: skip
        parts.append(shape(kind, x + 6, y - 4, 6) + svg.text(x + 18, y, words, anchor="start"))
        x += width
    return "".join(parts)


def bars(room: Room, lefts: Sequence[float], cell: float, base: float) -> str:
    """Return, for each exercise, how many have solved it, and on top how many are stuck there now."""
    scale = (BARS - 18) / max(1, len(room.places))
    stuck = {hold.column: hold.stuck for hold in room.holds}
    parts = [svg.path([(lefts[0] - 2, base), (lefts[-1] + cell, base)], stroke=svg.FAINT, thick=1)]
    for column, left in enumerate(lefts):
        solved = sum(place.states[column] == "solved" for place in room.places)
        count = stuck.get(column, 0)
        y = base - solved * scale
        parts.append(svg.rect(left, y, cell - 3, solved * scale, fill=svg.GREEN))
        if count:
            parts.append(
                svg.rect(left, y - count * scale, cell - 3, count * scale, fill=STUCK, stroke=svg.PAPER, thick=1)
                + svg.text(left + (cell - 3) / 2, y - count * scale - 3, str(count), size=12, bold=True, fill=STUCK)
            )
    return "".join(parts)


STUCK = "var(--stuck, #b34700)"


def grid(room: Room, lefts: Sequence[float], cell: float, top: float, row: float, now: datetime, right: float) -> str:
    """Return a row for each learner, a shape for each exercise; one path for all shapes of a kind."""
    paths: dict[str, list[str]] = {kind: [] for kind in ("solved", "stuck", "quiet", "tried", "not attempted")}
    radius = min(row, CELL) / 2 - 1.5
    parts = []
    small = row < CELL
    size = 11 if small else 13
    for number, place in enumerate(room.places):
        y = top + (number + 0.5) * row
        if number % 5 == 4:  # a line to follow with the eye
            parts.append(
                svg.path([(0, y + row / 2), (right + RIGHT, y + row / 2)], stroke="var(--line, #c9c9c9)", thick=0.5)
            )
        label = (
            place.label if wide(place.label) <= LABEL else fitted(place.label, LABEL - 1) + "\N{HORIZONTAL ELLIPSIS}"
        )
        parts.append(svg.text(NAMES - 10, y + size * 0.35, label, size=size, anchor="end", fill=ink(place)))
        for column, left in enumerate(lefts):
            kind = kind_of(place, column)
            paths[kind].append(outline(kind, left + (cell - 3) / 2, y, radius))
        parts.append(
            svg.text(right, y + size * 0.35, after(room, place, now), size=size, anchor="start", fill=ink(place))
        )
    return "".join([*parts, *(drawn(kind, "".join(lines)) for kind, lines in paths.items() if lines)])


def kind_of(place: Place, column: int) -> str:
    """Return the kind of shape that stands for one learner and one exercise."""
    return place.states[column] if place.stuck != column else "quiet" if place.quiet else "stuck"


def ink(place: Place) -> str:
    """Return the colour of a learner's words: fainter for those who have left, it seems."""
    return svg.FAINT if place.quiet or place.last is None else svg.INK


def after(room: Room, place: Place, now: datetime) -> str:
    """Return what stands behind a learner's row: the last result, and what they are stuck in."""
    if place.last is None:
        return "nothing yet"
    at = f"; {plain(room.columns[place.stuck].exercise)}" if place.stuck is not None else ""
    return since(ago(place.last, now)) + at


def shape(kind: str, x: float, y: float, radius: float) -> str:
    """Return one shape, as in the legend."""
    return drawn(kind, outline(kind, x, y, radius))


def outline(kind: str, x: float, y: float, r: float) -> str:
    """Return a shape in SVG's path language: a square, a diamond with a seam, a cross, a dot."""
    if kind == "solved":
        return f"M{x - r:.1f} {y - r:.1f}h{2 * r:.1f}v{2 * r:.1f}h{-2 * r:.1f}z"
    if kind in ("stuck", "quiet"):
        s = r * 1.35
        return f"M{x:.1f} {y - s:.1f}l{s:.1f} {s:.1f}l{-s:.1f} {s:.1f}l{-s:.1f} {-s:.1f}z"
    if kind == "tried":
        s = r * 0.75
        return f"M{x - s:.1f} {y - s:.1f}l{2 * s:.1f} {2 * s:.1f}m0 {-2 * s:.1f}l{-2 * s:.1f} {2 * s:.1f}"
    return f"M{x - 0.6:.1f} {y:.1f}h1.2"


def drawn(kind: str, d: str) -> str:
    """Return shapes of a kind, drawn."""
    style = {
        "solved": f"fill: {svg.GREEN}; stroke: none",
        "stuck": f"fill: {STUCK}; stroke: {svg.PAPER}; stroke-width: 1",
        "quiet": f"fill: {svg.PAPER}; stroke: {STUCK}; stroke-width: 1.5",
        "tried": "fill: none; stroke: var(--tried, #8f6200); stroke-width: 2",
        "not attempted": f"fill: none; stroke: {svg.FAINT}; stroke-width: 1.2; opacity: 0.6",
    }[kind]
    return svg.element("path", style=style, d=d)


# --- the table ---------------------------------------------------------------------------------------------


def table_section(room: Room, now: datetime) -> str:
    """Return the same as a table, to be opened."""
    head = "".join(
        f'<th class="flat" scope="col">{name}</th>'
        for name in ("learner", "solved", "stuck in", "mistake", "last result")
    ) + "".join(f'<th scope="col">{escape(plain(column.exercise))}</th>' for column in room.columns)
    rows = "".join(table_row(room, place, now) for place in room.places)
    return (
        "<details><summary>The same as a table</summary>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of the class"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


WORDS = {"not attempted": "", "quiet": "stuck, quiet"}


def table_row(room: Room, place: Place, now: datetime) -> str:
    """Return one learner's row."""
    stuck = plain(room.columns[place.stuck].exercise) if place.stuck is not None else ""
    first = (
        str(place.solved),
        stuck,
        plain(place.misconception or "", 60),
        since(ago(place.last, now)),
    )
    states = [kind_of(place, number) for number in range(len(place.states))]
    cells = (*first, *(WORDS.get(state, state) for state in states))
    return f'<tr><th scope="row">{escape(place.label)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
