"""One JupyterLab for all browser tests, and pages that fail on outside requests and broken scripts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browser import jupyter_driver, sample_notebook
from browser.jupyter_driver import NOTEBOOKS, Server, jupyter_lab


@pytest.fixture(scope="session")
def progress_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for the progress made in these tests."""
    return tmp_path_factory.mktemp("progress")


@pytest.fixture(scope="session")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory, progress_folder: Path) -> Iterator[Server]:
    """JupyterLab on a copy of the lessons, never on the working copy, and on the sample notebook."""
    root = tmp_path_factory.mktemp("lessons")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        shutil.copy(path, root)
    sample_notebook.write(root / "sample.ipynb")
    sample_notebook.write(root / "stranger.ipynb", executed=True)
    environment = {"BPTT_LESSONS_HOME": str(progress_folder)}
    with jupyter_lab(root, tmp_path_factory.mktemp("jupyter"), environment) as server:
        yield server


@contextmanager
def watched_page(browser: Any) -> Iterator[Any]:
    """Open a page on which every request must stay on this machine and no script may fail."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    outside: list[str] = []
    failed: list[str] = []

    def note(request: Any) -> None:
        if request.url.startswith(("http", "ws")) and "//127.0.0.1:" not in request.url:
            outside.append(request.url)

    opened.on("request", note)
    opened.on("websocket", note)
    opened.on("pageerror", lambda error: failed.append(str(error)))
    yield opened
    context.close()
    assert outside == [], "requests left this machine"
    assert failed == [], "a script in the page failed"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh watched page."""
    with watched_page(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def sample(browser: Any, lab: Server) -> Iterator[Any]:
    """The sample notebook, run once for all tests of its figures."""
    with watched_page(browser) as opened:
        jupyter_driver.open_notebook(opened, lab, "sample.ipynb")
        jupyter_driver.run_all(opened)
        assert jupyter_driver.errors(opened) == []
        yield opened


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for screenshots that people look at: BPTT_SCREENSHOTS, or else a temporary one."""
    named = os.environ.get("BPTT_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
