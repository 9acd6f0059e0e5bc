"""Slides, and a browser page for files on the disk: requests to any other place are refused and reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def deck_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the slides of a lesson, named by its stem; each deck is made once, when first asked for."""
    from bptt_lessons.workshop import slides

    where = tmp_path_factory.mktemp("slides")

    def made(stem: str) -> Path:
        path = where / f"{stem}.html"
        if not path.exists():
            slides.write([stem], where)
        return path

    return made


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page without a network, which may request nothing, and whose scripts may not complain."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    context.set_default_timeout(120_000)  # the machine may be busy; nothing here judges speed
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
