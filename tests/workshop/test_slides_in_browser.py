"""The slides in Chromium, opened from the disk and without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import learner_folder

STEMS = [path.stem for path in learner_folder.shipped_lessons(learner_folder.shipped_folder())]
READY = "html[data-ready]"
SMALLEST = 23.5  # pixels, of prose on a slide of 1280 × 720

# What is seen of the slide in front: its number, whether it is the last, and what is wrong with it.
LOOK = """() => {
  const section = document.querySelector("section.present"), body = section.querySelector(".body"), wrong = [];
  const ground = section.getBoundingClientRect(), frame = body.getBoundingClientRect();
  if (body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1) wrong.push("overflows");
  for (const e of body.querySelectorAll("pre, table, img, svg, p, li")) {
    const box = e.getBoundingClientRect(), name = e.tagName + " " + e.textContent.slice(0, 40);
    const inside = box.right <= frame.right + 2 && box.bottom <= frame.bottom + 2 && box.left >= ground.left;
    if (!inside) wrong.push("cut: " + name);
    if (e.tagName === "PRE" && e.scrollWidth > e.clientWidth + 1) wrong.push("a line is cut: " + name);
    if (e.tagName === "IMG" && (box.width < 250 || box.height < 150)) wrong.push("small: " + e.alt);
  }
  for (const e of section.querySelectorAll(".body mjx-container svg")) {
    const box = e.getBoundingClientRect();
    if (box.width < 3 || box.height < 3) wrong.push("an equation without size");
  }
  return {
    slide: Reveal.getState().indexh, last: Reveal.isLastSlide() && !Reveal.availableFragments().next,
    size: parseFloat(body.style.fontSize), wrong,
  };
}"""


def open_deck(page: Any, path: Path, query: str = "") -> None:
    page.goto(path.as_uri() + query)
    page.wait_for_selector(READY, state="attached", timeout=120_000)


@pytest.mark.parametrize("stem", [pytest.param(s, marks=[pytest.mark.long] * (s != STEMS[0])) for s in STEMS])
def test_every_slide_by_key(stem: str, deck_file: Callable[[str], Path], page: Any) -> None:
    open_deck(page, deck_file(stem))
    assert page.evaluate("document.querySelectorAll('[data-mjx-error], mjx-merror').length") == 0
    assert page.evaluate("document.querySelectorAll('.math:not(:has(mjx-container svg))').length") == 0
    assert page.evaluate("document.querySelectorAll('.math:not(:has(mjx-assistive-mml math))').length") == 0
    total = page.evaluate("Reveal.getTotalSlides()")
    seen, look = set(), page.evaluate(LOOK)
    for _ in range(12 * total):
        assert look["wrong"] == [], f"slide {look['slide'] + 1}"
        assert look["size"] >= SMALLEST, f"slide {look['slide'] + 1}: text of {look['size']} pixels"
        seen.add(look["slide"])
        if look["last"]:
            break
        page.keyboard.press("ArrowRight")
        look = page.evaluate(LOOK)
    assert seen == set(range(total))


def test_an_answer_is_hidden_until_a_key_is_pressed(deck_file: Callable[[str], Path], page: Any) -> None:
    open_deck(page, deck_file(STEMS[0]))
    page.evaluate(
        "Reveal.slide([...document.querySelectorAll('section')].findIndex(s => s.querySelector('.question')))"
    )
    waiting = page.locator("section.present .fragment")
    assert page.locator("section.present .question").is_visible()
    hidden = "e => getComputedStyle(e).visibility === 'hidden' || getComputedStyle(e).opacity === '0'"
    assert waiting.first.evaluate(hidden)
    page.keyboard.press("ArrowRight")
    assert not waiting.first.evaluate(hidden)


@pytest.mark.long
def test_a_screen_reader_is_told_heading_and_prose_and_where_it_is(deck_file: Callable[[str], Path], page: Any) -> None:
    open_deck(page, deck_file("02_backpropagation_through_time"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('.slide-number a[aria-label^="Slide 3 of "]')
    said = page.locator(".aria-status").text_content()
    assert said.startswith("1. One weight, used three times Begin with the smallest case")
    assert page.locator("section.present pre").first.is_visible()
    assert "def states_with" not in said
    assert "\\" not in said
    page.locator(".controls button.navigate-right").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate("document.activeElement.closest('.controls') !== null")
    assert page.evaluate(outline) == "solid"


@pytest.mark.long
def test_the_speakers_window_has_the_whole_text(deck_file: Callable[[str], Path], page: Any) -> None:
    open_deck(page, deck_file("03_gradient_flow"))
    page.evaluate("Reveal.slide(2)")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    notes.get_by_text("says how each new unit depends on each old one").wait_for(timeout=60_000)
    assert notes.locator("mjx-container svg").count() > 0
