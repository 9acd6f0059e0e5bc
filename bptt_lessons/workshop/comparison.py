"""The comparison of published, recorded and live numbers that a lesson prints, as a table for a slide.

`course.side_by_side` prints narrow columns with wrapped cells.  Here the text becomes an HTML table
with headings for screen readers, and without empty columns.
"""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from typing import NamedTuple

HEADS = re.compile(r"^ +(?=published +recorded, .* +here, one seed$)")


class Comparison(NamedTuple):
    """The parts of a printed comparison."""

    question: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    setting: str  # of the recorded numbers, and of the lesson's
    note: str


def read(text: str, wanted: str = "") -> Comparison | None:
    """Read a printed comparison; None if the text is not one.

    Parameters
    ----------
    text : str
    wanted : str
        A regular expression: only rows whose names begin with a match are kept.
    """
    lines = text.strip("\n").splitlines()
    start = next((number for number, line in enumerate(lines) if HEADS.match(line)), None)
    if start is None:
        return None
    at = [0, *(lines[start].index(head) for head in ("published", "recorded", "here")), None]
    end = next((n for n, line in enumerate(lines) if n > start and re.match("Recorded |Note: ", line)), len(lines))
    rows: list[list[str]] = []
    for line in [lines[start], *lines[start + 2 : end]]:
        cells = [line[left:right].strip() for left, right in pairwise(at)]
        if cells[-1]:  # the last cell is never empty or wrapped: a new row
            rows.append(cells)
        else:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
    count = len(rows)
    rows = [row for number, row in enumerate(rows) if number == 0 or re.match(wanted, row[0])]
    used = [n for n in range(len(rows[0])) if n == 0 or any(row[n] != "-" for row in rows[1:])]
    heads, *others = [tuple(row[n] for n in used) for row in rows]
    setting, _, note = " ".join(lines[end:]).partition("Note: ")
    setting += " The other rows are in the notebook." if len(rows) < count else ""
    return Comparison(" ".join(lines[:start]), heads, tuple(others), setting.strip(), note)


def to_html(found: Comparison) -> str:
    """Return the comparison as a table with row and column headings."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in found.heads)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(
            f'<td class="{head.split(",")[0]}">{escape(cell)}</td>'
            for head, cell in zip(found.heads[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in found.rows
    )
    setting = f'<p class="setting">{escape(found.setting)}</p>' if found.setting else ""
    return (
        f'<table class="comparison"><caption>{escape(found.question)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{setting}"
    )


def height(found: Comparison) -> int:
    """Return roughly how high the table will be, in pixels."""
    lines = sum(max(1 + len(cell) // 36 for cell in row) for row in found.rows)
    return 70 + 32 * lines + 24 * (1 + len(found.setting) // 125)
