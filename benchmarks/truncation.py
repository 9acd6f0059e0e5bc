"""What truncation costs over the plain calls that it is made of, along a stream of 100,000 steps.

`tbptt.windowed_gradient` with a carried state beside a bare loop over the same windows: `rnn.forward`, then
`rnn.backward`, and nothing kept.  What is over 1 is the bookkeeping of truncation: asking for the loss, checking
what it gives, and adding up the gradients.  Every number is a ratio of medians of interleaved passes in one process
with one thread, in processor time, so that other programs hardly touch it.  Both must agree before the clock starts.

    python benchmarks/truncation.py
    python benchmarks/truncation.py --repeats 15 --steps 20000
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import page

os.environ |= page.ONE_THREAD  # before NumPy loads its BLAS
sys.path.insert(0, str(page.ROOT))

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.gradients import gradcheck, tbptt

SIZES = [(1, 8, 32), (1, 32, 64), (16, 32, 64)]  # N, D, H
WINDOWS = [10, 50, 100]
TARGET = 1.15


def main() -> int:
    """Print one row for every size and length of window."""
    parser = page.parser(__doc__)
    parser.add_argument("--repeats", type=page.at_least(1), default=3, help="interleaved passes over the stream (3)")
    parser.add_argument("--steps", type=page.at_least(1), default=100_000, help="length of the stream (100,000)")
    return page.run(measure, parser)


def measure(options: argparse.Namespace) -> page.Result:
    """Time the package's function and the bare loop for every size and length of window."""
    rows, held = [], True
    for size in SIZES:
        for k in WINDOWS:
            plain, truncated = both_ways(size, options.steps, k)
            agree(plain, truncated, k)
            seconds = interleaved_medians([plain, truncated], options.repeats)
            ratio = seconds[1] / seconds[0]
            held &= ratio <= TARGET
            rows.append([str(size), str(k), f"{seconds[0]:.2f}", f"{ratio:.2f}", page.yes(ratio <= TARGET)])
    return page.Result(
        ["(N, D, H)", "k", "plain, s", "truncated / plain", f"at most {TARGET}"],
        rows,
        asked=f"windows of k steps with a carried state take at most {TARGET} times as long as the plain calls that "
        "they are made of",
        held=held,
        how=f"A stream of {options.steps:,} steps, float64, one thread, processor time; medians of {options.repeats} "
        "interleaved passes. Plain: the same windows through `rnn.forward` and `rnn.backward`, and nothing kept. "
        "Before, both agree to 1e-12.",
    )


def both_ways(size: tuple[int, int, int], T: int, k: int) -> tuple[Callable[..., Any], Callable[[], Any]]:
    """The bare loop, which hands every window's gradient to `keep` if it is given one, and the package's function."""
    N, D, H = size
    rng = np.random.default_rng(0)
    params, x, h0 = rnn.init(rng, D, H), rng.normal(size=(T, N, D)), np.zeros((N, H))
    dh = rng.normal(
        size=(10 * k, N, H)
    )  # the loss's gradient goes round and round: drawn whole it is the largest array

    def of_window(h: Any, start: int) -> Any:
        at = start % len(dh)
        return 0.0, dh[at : at + len(h)], None

    def plain(keep: Callable[[Any], None] | None = None) -> None:
        state = h0
        for start in range(0, T, k):
            h, state, tape = rnn.forward(params, x[start : start + k], state)
            at = start % len(dh)
            grads, _, _ = rnn.backward(params, tape, dh[at : at + len(h)])
            if keep is not None:
                keep(grads)

    return plain, lambda: tbptt.windowed_gradient(rnn, params, x, h0, of_window, k)


def agree(plain: Callable[..., Any], truncated: Callable[[], Any], k: int) -> None:
    """Stop unless both compute the same gradient (this also warms everything up)."""
    parts: list[Any] = []
    plain(parts.append)
    total = rnn.Params(*(np.sum(arrays, axis=0) for arrays in zip(*parts, strict=True)))
    name, error = gradcheck.worst_error(truncated().grads, total)
    if not error <= 1e-12:
        raise SystemExit(f"windows of {k}: {name} differs from the sum over plain calls by {error:.1e}")


def interleaved_medians(runs: list[Callable[[], Any]], repeats: int) -> list[float]:
    """Median seconds of one run of each, everyone timed once in every round, in turning order."""
    seconds: list[list[float]] = [[] for _ in runs]
    for round_number in range(repeats):
        order = range(len(runs)) if round_number % 2 else reversed(range(len(runs)))
        for number in order:
            start = time.process_time()
            runs[number]()
            seconds[number].append(time.process_time() - start)
    return [statistics.median(values) for values in seconds]


if __name__ == "__main__":
    raise SystemExit(main())
