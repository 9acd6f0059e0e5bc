"""How many bytes tapes hold, and how many a gradient needs at its peak, against the number of steps T.

Bytes are counted, not timed, so the machine may be busy.  Parameters, x and the first state exist before and do not
count.  Tapes are exact; a peak varies by some 40 KB of Python's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import report

from bptt_lessons.cells import gru, lstm, rnn
from bptt_lessons.gradients import bptt, checkpointing, memory, tbptt

CELLS: dict[str, Any] = {"rnn": rnn, "gru": gru, "lstm": lstm}
N, D, H = 8, 4, 64
STEPS = [100, 400, 1600, 6400]
SLOTS = 20
WINDOW = 100
SLACK = 0.1  # in the exponent: how many slots a schedule fills depends on T, and Python's own bytes vary


class Method(NamedTuple):
    """Something that needs memory, and the exponent of T with which its bytes may grow."""

    name: str
    bytes: Callable[..., int]  # of cell, params, x, state0
    exponent: float


def main() -> int:
    """Count the bytes of every method for every cell and length; print the section."""
    parser = report.parser("memory", __doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS, help="lengths T, at least two")
    parser.add_argument("--cell", choices=CELLS, action="append", help="this cell (may be repeated)")
    options = parser.parse_args()
    steps = sorted(set(options.steps))
    if len(steps) < 2:
        parser.error(f"--steps must be at least two lengths, got {options.steps}")
    rows = [row(name, method, steps) for name in options.cell or CELLS for method in METHODS]
    lengths = [f"T = {T:,}, MB" for T in steps]
    print("## Memory\n\n" + report.table(["cell", "what", *lengths, "exponent of T", "at most", "met"], rows))
    print(
        f"\n(N, D, H) = {N, D, H}, float64. A tape is counted without x: its arrays by `memory.held_bytes`. A peak is "
        "the most bytes held at once on the way to the gradient, by `memory.peak_bytes`; the loss is ½ Σ h². "
        f"Checkpoints: segments of √T steps; {SLOTS} slots on the optimal schedule; windows of {WINDOW} steps. The "
        f"exponent is that from the first T to the last, and may be {SLACK} above its target."
    )
    return 0


def row(name: str, method: Method, steps: list[int]) -> list[str]:
    """Count one method's bytes for one cell at all lengths."""
    cell = CELLS[name]
    params = cell.init(np.random.default_rng(0), D, H)
    x, state0 = np.random.default_rng(1).normal(size=(steps[-1], N, D)), cell.zero_state(params, N)
    method.bytes(cell, params, x[:2], state0)  # what Python makes once and keeps must not count
    found = [method.bytes(cell, params, x[:T].copy(), state0) for T in steps]
    exponent = math.log(found[-1] / found[0]) / math.log(steps[-1] / steps[0])
    shown = [f"{number / 1e6:.3g}" for number in found]
    met = report.verdict(exponent <= method.exponent + SLACK)
    return [name, method.name, *shown, f"{exponent:.2f}", f"{method.exponent:g}", met]


def half_square(h: Any, start: int) -> Any:
    """Return L = ½ Σ h² and its gradient, which is h."""
    return 0.5 * float(np.vdot(h, h)), h, None


def tape(cell: Any, params: Any, x: Any, state0: Any) -> int:
    """Return the bytes of a tape's arrays, without x, which belongs to the caller."""
    return memory.held_bytes(cell.forward(params, x, state0)[2]) - x.nbytes


def peak(gradient: Callable[..., Any], *more: Any) -> Callable[..., int]:
    """Return what measures the peak of a way to the gradient of ½ Σ h²."""
    return lambda *arguments: memory.peak_bytes(gradient, *arguments, half_square, *more).bytes


def scheduled(cell: Any, params: Any, x: Any, state0: Any) -> int:
    """Return the peak of the optimal schedule for SLOTS states."""
    actions = list(checkpointing.schedule(len(x), SLOTS))  # before: its tables are no part of the gradient
    return peak(checkpointing.backward, actions)(cell, params, x, state0)


METHODS = [
    Method("tape, its arrays", tape, 1),
    Method("plain BPTT, peak", peak(bptt.full_gradient), 1),
    Method("√T checkpoints, peak", peak(checkpointing.backward_sqrt), 0.5),
    Method(f"{SLOTS} slots, peak", scheduled, 0),
    Method(f"windows of {WINDOW}, peak", peak(tbptt.windowed_gradient, WINDOW), 0),
]


if __name__ == "__main__":
    raise SystemExit(main())
