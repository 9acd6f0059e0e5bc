"""Problems for the tests of the mathematics, fixed draws for hypothesis, and Chromium."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from browser.jupyter_driver import CHROMIUM, CHROMIUM_ARGUMENTS
from hypothesis import HealthCheck, settings

from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import RELU, TANH, Activation

settings.register_profile(
    "same every time",
    derandomize=True,
    deadline=None,
    max_examples=25,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same every time")


class Problem(NamedTuple):
    """The inputs of one forward and one backward pass of the plain RNN."""

    params: rnn.Params
    x: Any  # (T, N, D)
    h0: Any  # (N, H)
    dh: Any  # (T, N, H)
    dh_T: Any  # (N, H)


def draw_problem(
    seed: int, T: int, N: int, D: int, H: int, dtype: Any = np.float64, activation: Activation = TANH
) -> Problem:
    """Draw a problem; for ReLU, one without a pre-activation within 1e-3 of the kink."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return rng.uniform(-1, 1, shape).astype(dtype)

    while True:
        params = rnn.Params(draw(D, H), draw(H, H), draw(H))
        problem = Problem(params, draw(T, N, D), draw(N, H), draw(T, N, H), draw(N, H))
        if activation is not RELU or distance_from_kink(problem) > 1e-3:
            return problem


def distance_from_kink(problem: Problem) -> float:
    """Return the smallest |z| of the problem under ReLU, with h0 and without."""
    params, x, h0, _, _ = problem
    nearest = np.inf
    for state in (h0, np.zeros_like(h0)):
        h = state
        for x_t in x:
            z = x_t @ params.W_xh + h @ params.W_hh + params.b_h
            nearest = min(nearest, float(np.abs(z).min()))
            h = np.maximum(z, 0)
    return nearest


@pytest.fixture(scope="session")
def make_problem() -> Callable[..., Problem]:
    """Return `draw_problem`."""
    return draw_problem


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
