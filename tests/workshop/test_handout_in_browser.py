"""The handout in Chromium, as it is printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from html_pages import sheets

from bptt_lessons.workshop import handout
from bptt_lessons.workshop import page as pages

A4 = 297 / 25.4 * 96  # pixels


def test_the_handout_is_one_page_of_a4_with_nothing_cut(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "handout.html"
    pages.write(path, handout.handout(handout.source().read_text(encoding="utf-8")))
    page.set_viewport_size({"width": 794, "height": 1123})  # A4 at 96 dots an inch
    page.emulate_media(media="print")
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached", timeout=120_000)
    pdf = page.pdf(prefer_css_page_size=True)
    assert sheets(pdf) == 1
    assert re.search(rb"/MediaBox\s*\[\s*0 0 59[45][.\d]* 84[12][.\d]*\]", pdf)
    high = page.evaluate(
        "(() => { const b = document.querySelector('main').getBoundingClientRect(); return b.height; })()"
    )
    assert high < A4 - 16 / 25.4 * 96, "it ends above the lower margin"
    cut = """[...document.querySelectorAll("article > *, td, .math svg")].filter(e => {
      const box = e.getBoundingClientRect(), page = document.querySelector("main").getBoundingClientRect();
      const wide = e.tagName !== "svg" && e.scrollWidth > e.clientWidth + 2;
      return wide || box.right > page.right + 2 || box.left < page.left - 2;
    }).map(e => e.textContent.slice(0, 60))"""
    assert page.evaluate(cut) == []
    assert page.evaluate("document.querySelectorAll('[data-mjx-error], mjx-merror').length") == 0
