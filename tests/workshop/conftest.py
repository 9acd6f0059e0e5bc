"""All decks, and Chromium for pages that are opened from the disk: requests to elsewhere are refused and noted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "browser"))
from jupyter_driver import CHROMIUM, CHROMIUM_ARGUMENTS


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all decks of slides."""
    from bptt_lessons.workshop import slides

    where = tmp_path_factory.mktemp("slides")
    slides.write([], where)
    return where


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window; outside of CI its absence skips the tests."""
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("no Chromium found: install Debian's package chromium, or name the program in CHROMIUM")
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "CI must have Chromium: install Debian's package chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page without a network, on which nothing may be asked for and no script may complain."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    opened = context.new_page()
    outside: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda r: outside.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    yield opened
    context.close()
    assert outside == [], "it asked for something that is not in the file"
    assert complaints == []
