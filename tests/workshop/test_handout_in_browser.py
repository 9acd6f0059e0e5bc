"""The handout in Chromium, opened as its user opens it, and printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from html_pages import sheets

from bptt_lessons.workshop import handout
from bptt_lessons.workshop import page as pages

POINT = 96 / 72  # pixels
PAPER = {"A4": (210, 297), "Letter": (215.9, 279.4)}  # millimetres

CUT = """() => [...document.querySelectorAll("article > *, th, td, .math svg")].filter(e => {
  const box = e.getBoundingClientRect(), page = document.querySelector("main").getBoundingClientRect();
  const wide = e.tagName !== "svg" && e.scrollWidth > e.clientWidth + 2;
  return wide || box.right > page.right + 2 || box.left < page.left - 2;
}).map(e => e.textContent.slice(0, 60))"""
# Pixels of an em: of MathJax's drawings, which have 1000 units an em, and of all else.
EQUATIONS = """() => [...document.querySelectorAll(".math mjx-container > svg")].map(
  e => 1000 * e.getBoundingClientRect().width / e.viewBox.baseVal.width)"""
TEXT = """() => [...document.querySelectorAll("main p, th, td, caption, main code")].map(
  e => parseFloat(getComputedStyle(e).fontSize))"""

# Pixels of a line of text in Arial, or in a font of its widths.
LINE, ARIAL = "The quick brown fox jumps over the lazy dog", 1978.8
WIDTH = """line => { const pen = document.createElement("canvas").getContext("2d");
  pen.font = '100px Arial, Helvetica, "Liberation Sans", sans-serif'; return pen.measureText(line).width; }"""


def show(page: Any, html: str, folder: Path) -> None:
    """Open the handout, from a disk and on a screen."""
    pages.write(folder / "handout.html", html)
    page.goto((folder / "handout.html").as_uri())
    page.wait_for_selector("html[data-ready]", state="attached", timeout=120_000)


@pytest.mark.long
@pytest.mark.parametrize("paper", PAPER)
def test_the_handout_is_one_page_with_nothing_cut(paper: str, page: Any, tmp_path: Path) -> None:
    show(page, handout.handout(handout.source().read_text(encoding="utf-8")), tmp_path)
    pdf = page.pdf(format=paper)
    assert sheets(pdf) == 1
    found = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert found
    assert [float(side) for side in found.groups()] == pytest.approx([side / 25.4 * 72 for side in PAPER[paper]], abs=1)
    if page.evaluate(WIDTH, LINE) != pytest.approx(ARIAL, rel=0.01):
        return  # no font of those widths on this machine: it is smaller, as below
    width, height = (side / 25.4 * 96 for side in PAPER[paper])
    page.set_viewport_size({"width": round(width), "height": round(height)})
    page.emulate_media(media="print")
    high = page.evaluate("document.querySelector('main').getBoundingClientRect().height")
    assert height * 0.9 - 16 / 25.4 * 96 < high < height - 16 / 25.4 * 96, (
        "it fills the sheet, and ends above its margin"
    )
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.querySelectorAll('[data-mjx-error], mjx-merror').length") == 0
    assert min(page.evaluate(TEXT)) >= 8.49 * POINT
    assert min(page.evaluate(EQUATIONS)) >= 8 * POINT
