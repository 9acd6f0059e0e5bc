"""The class view as a page: one HTML file without links to others, for a second screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape

from bptt_lessons.course.report import paragraph
from bptt_lessons.views import svg
from bptt_lessons.workshop.class_records import display_width, fit_width, plural, printable
from bptt_lessons.workshop.class_state import (
    ClassState,
    LearnerState,
    Mistake,
    StuckExercise,
    columns_by_lesson,
    learners_by_lesson,
    lesson_title,
    median_solved,
    nobody_is_stuck,
    stuck_and_quiet,
    time_since,
)

MARK = '<meta name="generator" content="bptt-lessons class">'
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # loads nothing and runs no script, whatever was shared
CARDS = 3  # at most so many exercises get a card
CELL, GAP = 16, 8  # a square of the grid, and the gap between two lessons
WIDE_CELL = 44  # a square where one lesson is shown
LEFT, RIGHT = 170, 330  # room beside the grid for names and for last results
LABEL = 20  # columns of a name beside the grid
LEGEND = 720  # width of the legend
LETTER = 8  # height of a letter that is turned upright
BARS = 110  # height of the bars
FEW = 60  # up to so many learners the rows are high
STUCK = "var(--stuck, #b34700)"
STATES = ("solved", "stuck", "quiet", "tried", "not attempted")

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


def html_of(state: ClassState, now: datetime, notes: str, *, reload: float | None = None) -> str:
    """Return the whole page.

    Parameters
    ----------
    state : ClassState
    now : datetime
    notes : str
        What was ignored.
    reload : float, optional
        Seconds after which the page reloads itself.
    """
    again = f'<meta http-equiv="refresh" content="{max(1, round(reload))}">\n' if reload else ""
    every = f" This page reads itself again every {max(1, round(reload))} seconds." if reload else ""
    clock = now.astimezone().strftime("%H:%M:%S")
    body = "<p>Nobody has shared or handed in any progress here yet.</p>"
    if state.learners:
        body = "\n".join([figures(state), stuck_section(state), picture_section(state, now), table_section(state, now)])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{MARK}
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
{again}<title>{sum(item.stuck for item in state.stuck)} stuck: class view</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>{escape(heading(state))}</h1><p>{escape(subheading(state, now))}</p><p>As of {clock}.{every}</p></header>
<main>
{body}
</main>
<footer>{escape(notes)}</footer>
</body>
</html>
"""


def heading(state: ClassState) -> str:
    """Return the page's heading, with the lesson if there is only one."""
    lessons = list(columns_by_lesson(state))
    return "Class view" + (f": {lesson_title(lessons[0])}" if len(lessons) == 1 else "")


def subheading(state: ClassState, now: datetime) -> str:
    """Return how many learners there are, and when the last result came."""
    last = time_ago(state.last, now)
    return plural(len(state.learners), "learner") + (f", last result {last}." if last else ".")


def time_ago(time: datetime | None, now: datetime) -> str:
    """Return "4 min ago" for "4 min"."""
    since = time_since(time, now)
    return since if since in ("now", "") else f"{since} ago"


def figures(state: ClassState) -> str:
    """Return the few numbers that matter, in large type."""
    counts = learners_by_lesson(state)
    most = max(counts, key=lambda lesson: counts[lesson], default=None)
    shown = [
        ("stuck", "stuck now", f"{sum(item.stuck for item in state.stuck)} of {len(state.active)} active"),
        ("", "solved by the median learner", f"{median_solved(state)} of {len(state.columns)}"),
    ]
    if most is not None and len(columns_by_lesson(state)) > 1:
        shown.append(("", f"where most are at work: {counts[most]} of {len(state.active)}", lesson_title(most)))
    rows = [f'<div class="{kind}"><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>' for kind, name, value in shown]
    return f'<dl class="figures">{"".join(rows)}</dl>'


# --- where learners are stuck ------------------------------------------------------------------------------


def stuck_section(state: ClassState) -> str:
    """Return the exercises in which learners are stuck, with what to say about them."""
    title = "<section><h2>Where the class is stuck now</h2>"
    if not state.stuck:
        return f"{title}<p>{nobody_is_stuck(state)}</p></section>"
    shown = with_card(state)
    rest = [
        f"<code>{escape(printable(state.columns[item.column].exercise))}</code> ({stuck_and_quiet(item)})"
        for item in state.stuck
        if item not in shown
    ]
    items = "".join(card(state, item) for item in shown)
    others = f"<p>Also: {', '.join(rest)}</p>" if rest else ""
    return f'{title}<ol class="cards">{items}</ol>{others}</section>'


def with_card(state: ClassState) -> list[StuckExercise]:
    """Return the exercises that get a card: the worst, and others with a third as many learners, but at least two."""
    least = max(2, state.stuck[0].stuck / 3)
    return [item for item in state.stuck[:CARDS] if item is state.stuck[0] or item.stuck >= least]


def card(state: ClassState, item: StuckExercise) -> str:
    """Return one exercise in which learners are stuck."""
    column = state.columns[item.column]
    solved = sum(learner.states[item.column] == "solved" for learner in state.learners)
    quiet = f"; {item.quiet} more have been quiet for over an hour" if item.quiet else ""
    mistakes = "".join(mistake_item(mistake) for mistake in item.mistakes[:3])
    return (
        f"<li><h3><b>{item.stuck}</b> stuck in {escape(printable(column.exercise))}</h3>"
        f"<p>{escape(printable(lesson_title(column.lesson), 60))}; "
        f"{solved} of {len(state.learners)} have solved it{quiet}</p>"
        f"<ul>{mistakes}</ul></li>"
    )


def mistake_item(mistake: Mistake) -> str:
    """Return one mistake, with the sentence that learners read."""
    name = f"<code>{escape(mistake.name)}</code>" if mistake.name else "no mistake named"
    sentence = re.sub(r"(?<!\S)\*(\w+)\*", r"<em>\1</em>", paragraph(mistake.sentence))
    words = f": {sentence}" if sentence else ""
    return f"<li><b>{mistake.learners}&times;</b> <span>{name}{words}</span></li>"


# --- the picture -------------------------------------------------------------------------------------------


def picture_section(state: ClassState, now: datetime) -> str:
    """Return the picture in a box that scrolls."""
    return (
        "<section><h2>Everybody, exercise by exercise</h2>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Picture of the class">{picture(state, now)}</div>'
        "</section>"
    )


def picture(state: ClassState, now: datetime) -> str:
    """Return bars with how many have solved each exercise, and below them a grid of learners and exercises."""
    lessons = columns_by_lesson(state)
    one_lesson = len(lessons) == 1
    cell = WIDE_CELL if one_lesson else CELL
    row = CELL + 2 if len(state.learners) <= FEW else 12
    lefts, starts, x = [], [], float(LEFT)
    for columns in lessons.values():
        starts.append(x)
        lefts += [x + number * cell for number in range(len(columns))]
        x += len(columns) * cell + GAP
    width = max(x + RIGHT, LEFT + LEGEND)
    longest = max(display_width(printable(column.exercise)) for column in state.columns)
    top = 66.0 + BARS + LETTER * longest * one_lesson
    content = legend(LEFT, 16) + lesson_names(state, starts, 44) + bars(state, lefts, cell, top - 8)
    content += svg.text(x, top - 12, "last result; stuck in", anchor="start", fill=svg.FAINT)
    content += grid(state, lefts, cell, top, row, now, x)
    if one_lesson:
        for left, column in zip(lefts, state.columns, strict=True):
            content += upright(left + cell / 2, top - BARS - 8, printable(column.exercise))
    return svg.picture(width, top + row * len(state.learners) + 10, description(state), content)


def upright(x: float, y: float, name: str) -> str:
    """Return a name that runs upward."""
    return svg.element(
        "text", escape(name), f"fill: {svg.INK}", font_size=13, transform=f"translate({x + 3:.1f} {y:.1f}) rotate(-90)"
    )


def description(state: ClassState) -> str:
    """Return the picture in words."""
    lines = [f"A grid of {len(state.learners)} learners and {len(state.columns)} exercises."]
    for lesson, columns in columns_by_lesson(state).items():
        counts = [sum(learner.states[column] == "solved" for learner in state.learners) for column in columns]
        if any(counts):
            lines.append(f"{printable(lesson_title(lesson), 60)}: solved by {', '.join(map(str, counts))}.")
    for item in state.stuck[:CARDS]:
        lines.append(f"{item.stuck} stuck in {printable(state.columns[item.column].exercise)}.")
    return " ".join(lines) + " The table below has it learner by learner."


def lesson_names(state: ClassState, starts: Sequence[float], y: float) -> str:
    """Return the lessons' numbers above their exercises; the title if there is one lesson."""
    parts = []
    for lesson, start in zip(columns_by_lesson(state), starts, strict=True):
        name = lesson[:2] if lesson[:2].isdigit() else "other"
        if len(starts) == 1:
            name = printable(lesson_title(lesson), 60)
        parts.append(svg.text(start, y, name, anchor="start", bold=True))
    return "".join(parts)


def legend(x: float, y: float) -> str:
    """Return the meaning of the shapes."""
    words = ("solved", "stuck there now", "stuck, quiet for over an hour", "tried, gone on", "not attempted")
    parts = []
    for kind, text, width in zip(STATES, words, (80, 140, 220, 125, 0), strict=True):
        parts.append(shapes(kind, outline(kind, x + 6, y - 4, 6)) + svg.text(x + 18, y, text, anchor="start"))
        x += width
    return "".join(parts)


def bars(state: ClassState, lefts: Sequence[float], cell: float, base: float) -> str:
    """Return a bar for each exercise: how many have solved it, and above them how many are stuck in it now."""
    scale = (BARS - 18) / max(1, len(state.learners))
    stuck = {item.column: item.stuck for item in state.stuck}
    parts = [svg.path([(lefts[0] - 2, base), (lefts[-1] + cell, base)], stroke=svg.FAINT, thick=1)]
    for column, left in enumerate(lefts):
        solved = sum(learner.states[column] == "solved" for learner in state.learners)
        count = stuck.get(column, 0)
        y = base - solved * scale
        parts.append(svg.rect(left, y, cell - 3, solved * scale, fill=svg.GREEN))
        if count:
            parts.append(
                svg.rect(left, y - count * scale, cell - 3, count * scale, fill=STUCK, stroke=svg.PAPER, thick=1)
                + svg.text(left + (cell - 3) / 2, y - count * scale - 3, str(count), size=12, bold=True, fill=STUCK)
            )
    return "".join(parts)


def grid(
    state: ClassState, lefts: Sequence[float], cell: float, top: float, row: float, now: datetime, right: float
) -> str:
    """Return a row for each learner with a shape for each exercise; all shapes of a kind are one path."""
    outlines: dict[str, list[str]] = {kind: [] for kind in STATES}
    radius = min(row, CELL) / 2 - 1.5
    size = 11 if row < CELL else 13
    parts = []
    for number, learner in enumerate(state.learners):
        y = top + (number + 0.5) * row
        if number % 5 == 4:  # a line to guide the eye
            parts.append(
                svg.path([(0, y + row / 2), (right + RIGHT, y + row / 2)], stroke="var(--line, #c9c9c9)", thick=0.5)
            )
        ink = svg.FAINT if learner.quiet or learner.last is None else svg.INK
        label = learner.label
        if display_width(label) > LABEL:
            label = fit_width(label, LABEL - 1) + "\N{HORIZONTAL ELLIPSIS}"
        parts.append(svg.text(LEFT - 10, y + size * 0.35, label, size=size, anchor="end", fill=ink))
        parts.append(
            svg.text(right, y + size * 0.35, last_and_stuck(state, learner, now), size=size, anchor="start", fill=ink)
        )
        for column, left in enumerate(lefts):
            kind = kind_of(learner, column)
            outlines[kind].append(outline(kind, left + (cell - 3) / 2, y, radius))
    return "".join([*parts, *(shapes(kind, "".join(lines)) for kind, lines in outlines.items() if lines)])


def kind_of(learner: LearnerState, column: int) -> str:
    """Return the kind of shape for one learner and one exercise."""
    return learner.states[column] if learner.stuck != column else "quiet" if learner.quiet else "stuck"


def last_and_stuck(state: ClassState, learner: LearnerState, now: datetime) -> str:
    """Return the text after a learner's row: the last result, and where they are stuck."""
    if learner.last is None:
        return "nothing yet"
    stuck = f"; {printable(state.columns[learner.stuck].exercise)}" if learner.stuck is not None else ""
    return time_ago(learner.last, now) + stuck


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


def shapes(kind: str, outlines: str) -> str:
    """Return shapes of one kind as an element."""
    style = {
        "solved": f"fill: {svg.GREEN}; stroke: none",
        "stuck": f"fill: {STUCK}; stroke: {svg.PAPER}; stroke-width: 1",
        "quiet": f"fill: {svg.PAPER}; stroke: {STUCK}; stroke-width: 1.5",
        "tried": "fill: none; stroke: var(--tried, #8f6200); stroke-width: 2",
        "not attempted": f"fill: none; stroke: {svg.FAINT}; stroke-width: 1.2; opacity: 0.6",
    }[kind]
    return svg.element("path", style=style, d=outlines)


# --- the table ---------------------------------------------------------------------------------------------


def table_section(state: ClassState, now: datetime) -> str:
    """Return the same as a table that can be opened."""
    names = ("learner", "solved", "stuck in", "mistake", "last result")
    head = "".join(f'<th class="flat" scope="col">{name}</th>' for name in names)
    head += "".join(f'<th scope="col">{escape(printable(column.exercise))}</th>' for column in state.columns)
    rows = "".join(table_row(state, learner, now) for learner in state.learners)
    return (
        "<details><summary>The same as a table</summary>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of the class"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


WORDS = {"not attempted": "", "quiet": "stuck, quiet"}


def table_row(state: ClassState, learner: LearnerState, now: datetime) -> str:
    """Return one learner's row."""
    stuck = printable(state.columns[learner.stuck].exercise) if learner.stuck is not None else ""
    first = (str(learner.solved), stuck, printable(learner.misconception or "", 60), time_ago(learner.last, now))
    kinds = [kind_of(learner, number) for number in range(len(learner.states))]
    cells = (*first, *(WORDS.get(kind, kind) for kind in kinds))
    row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(learner.label)}</th>{row}</tr>'
