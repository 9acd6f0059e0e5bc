"""How many bytes tapes hold, and how many a gradient needs at its peak, against the number of steps T.

Bytes are counted, not timed: nothing here is a median, and the machine may be busy.  What was there before
(parameters, x, the first state) does not count.  Tapes are exact; a peak comes out again to within some 40 KB of
Python's own.

    python benchmarks/memory.py
    python benchmarks/memory.py --steps 50 200 --cell rnn
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import page

os.environ |= page.ONE_THREAD  # before NumPy loads its BLAS
sys.path.insert(0, str(page.ROOT))

import numpy as np

from bptt_lessons.cells import gru, lstm, rnn
from bptt_lessons.gradients import bptt, checkpointing, memory, tbptt

CELLS: dict[str, Any] = {"rnn": rnn, "lstm": lstm, "gru": gru}
N, D, H = 8, 4, 64
STEPS = [100, 400, 1600, 6400]
SLOTS = 20
WINDOW = 100
SLACK = 0.1  # in the exponent: how many of its slots a schedule fills depends on T, and Python's own bytes come and go


class Way(NamedTuple):
    """One thing to do, and the exponent of T with which its bytes may grow."""

    name: str
    bytes: Callable[..., int]  # of cell, params, x, state0
    exponent: float


def main() -> int:
    """Count bytes; return 1 if something grows faster with T than is asked."""
    parser = page.parser(__doc__)
    parser.add_argument("--steps", type=page.at_least(2), nargs="+", default=STEPS, help="lengths T, two at least")
    parser.add_argument("--cell", choices=CELLS, action="append", help="this cell (may be repeated)")
    return page.run(measure, parser)


def measure(options: argparse.Namespace) -> page.Result:
    """Count the bytes of every way for every cell and length."""
    steps = sorted(set(options.steps))
    if len(steps) < 2:
        raise ValueError(f"steps must be at least two lengths, got {options.steps}")
    rows, held = [], True
    for name in options.cell or CELLS:
        cell = CELLS[name]
        params = cell.init(np.random.default_rng(0), D, H)
        for way in WAYS:
            way.bytes(cell, *case(cell, params, 2))  # what is made once and kept counts for no T
            found = [way.bytes(cell, *case(cell, params, T)) for T in steps]
            exponent = math.log(found[-1] / found[0]) / math.log(steps[-1] / steps[0])
            met = exponent <= way.exponent + SLACK
            held &= met
            shown = [f"{number / 1e6:.3g}" for number in found]
            rows.append([name, way.name, *shown, f"{exponent:.2f}", f"{way.exponent:g}", page.yes(met)])
    return page.Result(
        ["cell", "what", *(f"T = {T:,}, MB" for T in steps), "grows as T to the", "asked at most", "met"],
        rows,
        asked="a tape and plain BPTT grow with T, √T checkpoints with its root, a fixed number of slots or a window "
        f"of fixed length not at all (exponents of T, to within {SLACK})",
        held=held,
        how=f"(N, D, H) = {N, D, H}, float64. A tape is counted without x, which is the caller's: its arrays by "
        "`memory.held_bytes`, all that is held with it by tracemalloc. A peak is the most bytes held at once on the "
        "way to the gradient, by `memory.peak_bytes` (tracemalloc), Python's own included; the loss is ½ Σ h², its "
        f"gradient h itself and free. Checkpoints: segments of √T steps; {SLOTS} slots for states on the optimal "
        f"schedule; windows of {WINDOW} steps. The exponent is that from the first T to the last.",
    )


def case(cell: Any, params: Any, T: int) -> tuple[Any, Any, Any]:
    """Return parameters, inputs and a first state."""
    return params, np.random.default_rng(1).normal(size=(T, N, D)), cell.zero_state(params, N)


def half_square(h: Any, start: int) -> Any:
    """Return L = ½ Σ h² and its gradient, which is h."""
    return 0.5 * float(np.vdot(h, h)), h, None


def predicted(cell: Any, params: Any, x: Any, state0: Any) -> int:
    """Return the bytes of a tape's arrays, without x, which is the caller's."""
    return memory.held_bytes(cell.forward(params, x, state0)[2]) - x.nbytes


def kept(cell: Any, params: Any, x: Any, state0: Any) -> int:
    """Return the bytes that are really held as long as a tape is."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tape = cell.forward(params, x, state0)[2]
        held = tracemalloc.get_traced_memory()[0] - before
        del tape
        return held
    finally:
        tracemalloc.stop()


def plain(*arguments: Any) -> int:
    """Return the peak of BPTT with everything kept."""
    return memory.peak_bytes(bptt.full_gradient, *arguments, half_square).bytes


def square_root(*arguments: Any) -> int:
    """Return the peak with a checkpoint at the end of every segment of √T steps."""
    return memory.peak_bytes(checkpointing.backward_sqrt, *arguments, half_square).bytes


def scheduled(cell: Any, params: Any, x: Any, state0: Any) -> int:
    """Return the peak of the optimal schedule for SLOTS states."""
    actions = list(checkpointing.schedule(len(x), SLOTS))  # made before: the tables behind it are not the gradient's
    return memory.peak_bytes(checkpointing.backward, cell, params, x, state0, half_square, actions).bytes


def windows(*arguments: Any) -> int:
    """Return the peak of truncated BPTT with a carried state."""
    return memory.peak_bytes(tbptt.windowed_gradient, *arguments, half_square, WINDOW).bytes


WAYS = [
    Way("tape, its arrays", predicted, 1),
    Way("tape, measured", kept, 1),
    Way("plain BPTT, peak", plain, 1),
    Way("√T checkpoints, peak", square_root, 0.5),
    Way(f"{SLOTS} slots, peak", scheduled, 0),
    Way(f"windows of {WINDOW}, peak", windows, 0),
]


if __name__ == "__main__":
    raise SystemExit(main())
