"""Published, recorded and live numbers side by side: the table that a lesson prints after an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from bptt_lessons.course.measured import measured
from bptt_lessons.experiments.recording import Experiment, Value, format_of, plain, recorded, rows

WIDTHS = (21, 20, 27)  # of all columns but the last; with it a line stays below 92
GAP = "  "


def compared(experiment: Experiment, live: Mapping[str, Value]) -> None:
    """Print one line for every quantity of an experiment: published, recorded over seeds, and measured here.

    Parameters
    ----------
    live : mapping
        What one seed gave, such as ``recording.live(experiment)``; may be empty.

    Raises
    ------
    ValueError
        If there is no record of the experiment, or `live` holds what it does not measure.
    """
    print(table(experiment, live))


def table(experiment: Experiment, live: Mapping[str, Value]) -> str:
    """Return what `compared` prints.  Only the text in ``[measured ...]`` differs between runs of one version."""
    found, quantities = recorded(experiment.name), rows(experiment, live)
    unknown = set(live) - set(found.values)
    if unknown:
        raise ValueError(f"live holds {sorted(unknown)}, expected quantities of {experiment.name}")
    lines = wrap(experiment.question, 92)
    count = len(found.seeds)
    heads = ("", "published", "recorded, one seed" if count == 1 else f"recorded, {count} seeds", "here, one seed")
    lines += columns(*heads)
    lines += ["-" * 92]
    for row in quantities:
        lines += columns(row.quantity, row.published or "-", row.recorded, here(row.here) if row.is_here else "-")
    if live:
        lines += wrap(difference(found.setting, plain(experiment.lesson)), 92)
    if found.note:
        lines += wrap(f"Note: {found.note}", 92)
    return "\n".join(lines)


def columns(*cells: str) -> list[str]:
    """Return the lines of one row; long cells wrap within their column, except in the last."""
    broken = [wrap(cell, width) or [""] for cell, width in zip(cells[:-1], WIDTHS, strict=True)]
    broken.append([cells[-1]])
    height = max(len(cell) for cell in broken)
    filled = [cell + [""] * (height - len(cell)) for cell in broken]
    pads = (*WIDTHS, 0)
    return [
        GAP.join(f"{text:{pad}}" for text, pad in zip(texts, pads, strict=True)).rstrip()
        for texts in zip(*filled, strict=True)
    ]


def here(value: Value) -> str:
    """Return a live value in the brackets that mark measured numbers."""
    if value is None:
        return "[measured never]"
    if isinstance(value, bool):
        return measured(int(value), "d", "of 1")
    if isinstance(value, list):
        raise ValueError(f"value must be one number, got a list of {len(value)}")
    return measured(value, format_of(value))


def difference(full: Mapping[str, Any], lesson: Mapping[str, Any]) -> str:
    """Say where the recorded setting differs from the lesson's."""
    changed = [key for key in full if full[key] != lesson.get(key)]
    if not changed:
        return "Recorded in the setting used here."
    recorded_with = ", ".join(f"{key} = {text(full[key])}" for key in changed)
    here_with = ", ".join(f"{key} = {text(lesson[key])}" for key in changed if key in lesson)
    return f"Recorded with {recorded_with}; here with {here_with}."


def text(value: Any) -> str:
    """Return one setting as a reader would write it."""
    if isinstance(value, list):
        return text(value[0]) if len(value) == 1 else "(" + ", ".join(map(text, value)) + ")"
    return f"{value:,d}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
