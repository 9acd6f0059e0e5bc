"""Sampler: the text that a model says by itself, at a temperature and from a seed that the reader chooses."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import numpy as np

from bptt_lessons.tasks import text
from bptt_lessons.views import svg
from bptt_lessons.views.frame import Drawing

TEMPERATURES = (0.1, 0.3, 0.5, 0.8, 1.0, 1.3, 2.0)
MOST_SEEDS = 999
MOST_CHARACTERS = 2000
ACROSS, LINES = 90, 24  # characters in a line, and lines, of the static picture
LINE, SIDE = 19, 14  # pixels


class Speaker(NamedTuple):
    """A model that can go on with a text."""

    read: text.Read
    alphabet: str
    start: str
    length: int


def speak(speaker: Speaker, temperature: float, seed: int) -> str:
    """Return what the model says after the start; the same for the same seed."""
    first = text.encode(speaker.start, speaker.alphabet)
    rng = np.random.default_rng(seed)
    said = text.generate(rng, speaker.read, first, speaker.length, temperature)
    return text.decode(said, speaker.alphabet)


def draw(speaker: Speaker, temperature: float, seed: int) -> Drawing:
    """Return the text as HTML that can be read aloud, marked and copied, the start in bold, and facts about it."""
    said = speak(speaker, temperature, seed)
    different, longest = len(set(said)), longest_repeat(said)
    sentence = (
        f"Temperature {temperature:g}, seed {seed}: {len(said)} characters after the start, of {different} kinds. "
        f"The longest piece that comes twice has {longest} of them."
    )
    style = (
        f"white-space: pre-wrap; overflow-wrap: anywhere; max-width: {ACROSS}ch; line-height: 1.4; margin: 0; "
        f"padding: 8px 12px; border: 1px solid {svg.FAINT}; color: {svg.INK}; background: {svg.PAPER}"
    )
    start = svg.element("strong", escape(_visible(speaker.start)))
    content = svg.element("pre", start + escape(_visible(said)), style)
    html = svg.element("div", content, role="group", aria_label="what the model says, the start in bold")
    return Drawing(html, "", sentence)


def on_paper(speaker: Speaker, temperature: float, seed: int) -> Drawing:
    """Return the text as a picture; what is said of it holds whatever the model has learnt."""
    said = speak(speaker, temperature, seed)
    description = (
        f"The start {_visible(speaker.start)!r} in bold, and the {len(said)} characters that the model says after it "
        f"at temperature {temperature:g}, seed {seed}. They change with the training; run this cell to read them."
    )
    whole, bold = _visible(speaker.start + said), len(speaker.start)
    rows, parts = wrapped(whole, ACROSS)[:LINES], []
    for k, (first, last) in enumerate(rows):
        middle = min(max(bold, first), last)
        content = svg.element("tspan", escape(whole[first:middle]), "font-weight: bold") if middle > first else ""
        content += escape(whole[middle:last])
        style = f"fill: {svg.INK}; font-family: monospace; white-space: pre"
        if content:
            parts.append(svg.element("text", content, style, x=SIDE, y=SIDE + LINE * k + 13, font_size=13))
    width, height = 2 * SIDE + 8 * ACROSS, 2 * SIDE + LINE * len(rows)
    frame = svg.rect(0.5, 0.5, width - 1, height - 1, stroke=svg.FAINT)
    return Drawing(svg.picture(width, height, description, frame + "".join(parts)), description, "")


def wrapped(text: str, across: int) -> list[tuple[int, int]]:
    """Return where each line of a text begins and ends, broken at spaces where it is longer than `across`."""
    rows, start = [], 0
    for piece in text.split("\n"):
        end = start + len(piece)
        while end - start > across:
            space = text.rfind(" ", start, start + across)
            stop = start + across if space < 0 else space + 1
            rows.append((start, stop))
            start = stop
        rows.append((start, end))
        start = end + 1
    return rows


def longest_repeat(text: str) -> int:
    """Return the length of the longest piece of a text that comes twice in it, overlaps included."""
    low, high = 0, len(text) - 1
    while low < high:
        length = (low + high + 1) // 2
        pieces = [text[k : k + length] for k in range(len(text) - length + 1)]
        low, high = (length, high) if len(set(pieces)) < len(pieces) else (low, length - 1)
    return max(low, 0)


def _visible(text: str) -> str:
    """Put a sign in the place of characters that markup cannot hold."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
