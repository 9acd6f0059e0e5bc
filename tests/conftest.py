"""Hypothesis that draws the same cases every time, and Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from browser.jupyter_driver import CHROMIUM, CHROMIUM_ARGUMENTS
from hypothesis import HealthCheck, settings


def pytest_configure(config: pytest.Config) -> None:
    """Let hypothesis draw the same cases every time: a few in the short run, more with --all."""
    settings.register_profile(
        "same every time",
        derandomize=True,
        deadline=None,
        max_examples=25 if config.getoption("--all") or config.getoption("--rest") else 8,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("same every time")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, one for all tests in a process; without it they are skipped, but fail in CI."""
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("no Chromium found: install Debian's package chromium, or name the program in CHROMIUM")
    from playwright.sync_api import expect, sync_playwright

    assert CHROMIUM, "CI must have Chromium: install Debian's package chromium"
    expect.set_options(timeout=60_000)  # ends an endless wait; it judges no speed
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        yield started
        started.close()
