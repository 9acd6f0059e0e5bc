"""The class view's page in a real browser, opened from a file: shared text never runs, and the keyboard is enough."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import EXERCISES, progress
from bptt_lessons.workshop import class_view

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A page about a class in which somebody shares markup for a name, an exercise and a mistake."""
    folder = tmp_path / "class"
    folder.mkdir()
    now = "2026-01-01T10:00:00+00:00"
    for number in range(40):
        lines = [
            progress.Entry(now, "a_lesson", name, "correct" if place < number else "wrong", HOSTILE)
            for place, name in enumerate([*list(EXERCISES)[: number + 1], HOSTILE])
        ]
        name = HOSTILE if number == 7 else f"learner number {number}"
        (folder / f"{name}.jsonl").write_text("".join(progress.line_of(line) + "\n" for line in lines), "utf-8")
    page = tmp_path / "page.html"
    options = argparse.Namespace(hide_names=False, lesson=None, html=str(page), watch=None)
    class_view.show(folder, options)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page(scheme: Any, page: Any, file: Path, screenshots: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: said.append(message.text))
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    assert page.get_by_role("img").get_attribute("aria-label").startswith("A grid of 40 learners and 44 exercises.")
    table = page.get_by_role("table")
    assert not table.is_visible()
    page.keyboard.press("Tab")  # the picture, which can be scrolled by keys
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Picture of the class"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert table.is_visible()
    assert page.get_by_role("rowheader", name=HOSTILE).count() == 1
    for width in (320, 1280, 1920):  # wide elements scroll, not the page
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=screenshots / f"class-{scheme}.png", full_page=True)
    assert asked == []
    assert said == []
