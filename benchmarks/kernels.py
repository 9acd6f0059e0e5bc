"""How fast one forward and one backward pass of each cell are, beside PyTorch and beside the floor.

The floor is the time of the NumPy calls that no arrangement of this code can avoid: the matrix products, and the
elementwise calls of one step, T times, on arrays that each lie in one piece.

Every number is a ratio of medians of interleaved repetitions in one process, so that other work on the machine slows
all of them alike.  There is one process for each number of threads, because a BLAS library reads it when it is loaded.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import report

SHAPES = [(25, 1, 65, 100), (50, 32, 32, 64), (100, 64, 128, 256), (1000, 8, 16, 64)]
DTYPES = ["float32", "float64"]
GATES = {"rnn": 1, "gru": 3, "lstm": 4}  # blocks of H columns in the weights
TARGETS = {"rnn": (4.0, 2.5), "gru": (3.0, 1.6), "lstm": (1.8, 0.7)}  # PyTorch / ours, two threads: mean, worst
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}

Run = Callable[[], Any]
Shape = tuple[int, int, int, int]


def main() -> int:
    """Measure in a process for each number of threads; print the section."""
    parser = report.parser("kernels", __doc__)
    parser.add_argument("--cell", choices=GATES, action="append", help="this cell (may be repeated)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads (1 2)")
    parser.add_argument("--repeats", type=int, default=11, help="interleaved repetitions (11)")
    parser.add_argument("--against", type=Path, help="folder with another bptt_lessons")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        cells = {cell: medians(cell, options.threads[0], options) for cell in options.cell}
        json.dump({"blas": report.blas(), "cells": cells}, sys.stdout)
        return 0
    found = {count: in_a_process(count, options) for count in options.threads}
    print("## Kernels\n\n" + section(found, options.repeats))
    return 0


def in_a_process(threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure with this many threads, in a process that does not force a BLAS kernel."""
    command = [sys.executable, __file__, "--child", f"--threads={threads}", f"--repeats={options.repeats}"]
    command += [f"--cell={cell}" for cell in options.cell or GATES]
    command += [f"--against={options.against}"] if options.against else []
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=report.environment(threads))
    found: dict[str, Any] = json.loads(child.stdout)
    return found


def section(found: dict[int, dict[str, Any]], repeats: int) -> str:
    """Return the section: a summary for each cell, then every shape."""
    first = next(iter(found.values()))
    others = [name for name in next(iter(first["cells"].values()))[0] if name != "ours"]
    cases = [f"{shape}, {dtype}" for shape in SHAPES for dtype in DTYPES]
    summary, rows = [], []
    for threads, result in found.items():
        for cell, runs in result["cells"].items():
            ratios = {name: [run[name] / run["ours"] for run in runs] for name in others}
            shown = [f"{statistics.geometric_mean(values):.2f} ({min(values):.2f})" for values in ratios.values()]
            asked = ["", ""]
            if threads == 2 and "PyTorch" in ratios:
                mean, worst = TARGETS[cell]
                met = statistics.geometric_mean(ratios["PyTorch"]) >= mean and min(ratios["PyTorch"]) >= worst
                asked = [f"{mean:g} ({worst:g})", report.verdict(met)]
            summary.append([cell, str(threads), *shown, *asked])
            for case, run in zip(cases, runs, strict=True):
                exact = [f"{run[name] / run['ours']:.2f}" for name in others]
                rows.append([cell, str(threads), case, f"{1e3 * run['ours']:.2f}", *exact])
    names = [f"{name} / ours" for name in others]
    first_table = report.table(["cell", "threads", *names, "asked of PyTorch / ours", "met"], summary)
    second_table = report.table(["cell", "threads", "(T, N, D, H), dtype", "ours, ms", *names], rows)
    top = f"BLAS in NumPy: {first['blas']}. Above 1, ours is faster; the geometric mean, and the worst in brackets."
    how = (
        f"One forward and one backward pass, checks of the arguments included. Medians of {repeats} interleaved "
        "repetitions; processor time with one thread, time on the wall with more. All agree to 1e-10 (1e-4 in "
        "float32) before anything is timed. Floor: the matrix products and the elementwise calls of each step."
    )
    return "\n\n".join([top, first_table, second_table, how])


def medians(cell: str, threads: int, options: argparse.Namespace) -> list[dict[str, float]]:
    """Time everyone with one cell, at every shape in both precisions; return seconds."""
    clock = time.process_time if threads == 1 else time.perf_counter
    found = []
    for shape in SHAPES:
        for dtype in DTYPES:
            runs = {"ours": ours(cell, shape, dtype, report.ROOT), "floor": floor(cell, shape, dtype)}
            if importlib.util.find_spec("torch"):
                runs["PyTorch"] = pytorch(cell, shape, dtype, threads)
            if options.against:
                runs["other copy"] = ours(cell, shape, dtype, options.against)
            check_agreement(runs, dtype)
            found.append(interleaved_medians(runs, options.repeats, clock))
    return found


def data(cell: str, shape: Shape, dtype: str) -> dict[str, Any]:
    """Draw the same parameters, inputs and loss gradient for everyone."""
    import numpy as np

    T, N, D, H = shape
    G = GATES[cell] * H
    rng = np.random.default_rng(0)
    sizes = {"x": (T, N, D), "h0": (N, H), "dh": (T, N, H), "W_xh": (D, G), "W_hh": (H, G), "b_h": (G,)}
    sizes |= {"rnn": {}, "lstm": {"c0": (N, H)}, "gru": {"b_hg": (H,)}}[cell]
    bound = 1 / math.sqrt(H)
    return {
        name: rng.uniform(-1, 1, size).astype(dtype) * (bound if name[0] in "Wb" else 1) for name, size in sizes.items()
    }


def ours(name: str, shape: Shape, dtype: str, folder: Path) -> Run:
    """Return the cell's forward and backward pass, from the copy of the package in `folder`."""
    for module in [module for module in sys.modules if module.split(".")[0] == "bptt_lessons"]:
        del sys.modules[module]
    sys.path.insert(0, str(folder))
    cell = importlib.import_module(f"bptt_lessons.cells.{name}")
    sys.path.remove(str(folder))
    a = data(name, shape, dtype)
    params = cell.Params(**{field: a[field] for field in cell.Params._fields})
    state0 = cell.State(a["h0"], a["c0"]) if name == "lstm" else a["h0"]

    def run() -> Any:
        _, _, tape = cell.forward(params, a["x"], state0)
        grads, dx, dstate_0 = cell.backward(params, tape, a["dh"])
        return [*grads, dx, *(dstate_0 if name == "lstm" else [dstate_0])]

    return run


def floor(cell: str, shape: Shape, dtype: str) -> Run:
    """Return the NumPy calls that cannot be avoided, each on arrays in one piece that were made beforehand."""
    import numpy as np

    T, N, D, H = shape
    G = GATES[cell] * H
    at_once, sigmoids = {"rnn": (1, 0), "gru": (2, 2), "lstm": (4, 3)}[cell]  # the GRU's candidate waits for r
    tanhs, others = {"rnn": (0, 2), "gru": (1, 13), "lstm": (1, 12)}[cell]  # calls on one gate, forward and back
    a = data(cell, shape, dtype)
    x, h, W_xh, W_hh, W_hh_T = a["x"].reshape(T * N, D), a["dh"], a["W_xh"], a["W_hh"], a["W_hh"].T.copy()
    dz = np.random.default_rng(1).uniform(-1, 1, (T, N, G)).astype(dtype)
    gates, half = np.random.default_rng(2).uniform(-1, 1, (at_once, N, H)).astype(dtype), np.array(0.5, dtype)
    gate, rows, h_rows = gates[0].copy(), dz.reshape(T * N, G), h.reshape(T * N, H)
    z, z_t, z_gates, new = np.empty_like(rows), np.empty_like(dz[0]), np.empty_like(gates), np.empty_like(gate)
    dx, dW_xh, dW_hh = np.empty_like(x), np.empty_like(W_xh), np.empty_like(W_hh)

    def run() -> Any:
        np.dot(x, W_xh, out=z)
        for h_t, dz_t in zip(h, dz, strict=True):
            np.dot(h_t, W_hh, out=z_t)
            np.add(gates, gates, out=z_gates)
            np.tanh(z_gates, out=z_gates)
            if sigmoids:
                np.multiply(gates[:sigmoids], half, out=z_gates[:sigmoids])
                np.add(gates[:sigmoids], half, out=z_gates[:sigmoids])
            for _ in range(tanhs):
                np.tanh(gate, out=new)
            for _ in range(others):
                np.multiply(gate, gate, out=new)
            np.dot(dz_t, W_hh_T, out=new)
        np.dot(x.T, rows, out=dW_xh)
        np.dot(h_rows.T, rows, out=dW_hh)
        np.dot(rows, W_xh.T, out=dx)

    return run


def pytorch(cell: str, shape: Shape, dtype: str, threads: int) -> Run:
    """Return the same passes of torch.nn.RNN, GRU or LSTM on the CPU, with the same weights."""
    import torch

    torch.set_num_threads(threads)
    _, _, D, H = shape
    a = {name: torch.from_numpy(value) for name, value in data(cell, shape, dtype).items()}
    net = getattr(torch.nn, cell.upper())(D, H, dtype=getattr(torch, dtype))
    with torch.no_grad():
        net.weight_ih_l0.copy_(a["W_xh"].T)
        net.weight_hh_l0.copy_(a["W_hh"].T)
        net.bias_ih_l0.copy_(a["b_h"])
        net.bias_hh_l0.zero_()
        if cell == "gru":
            net.bias_hh_l0[2 * H :] = a["b_hg"]
    x, *state0 = (a[name].requires_grad_() for name in ("x", "h0", "c0") if name in a)
    leaves = [net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0, *([net.bias_hh_l0] if cell == "gru" else []), x]

    def run() -> Any:
        first = tuple(array[None] for array in state0)
        h, _ = net(x, first if cell == "lstm" else first[0])
        dW_xh, dW_hh, *others = torch.autograd.grad(h, leaves + state0, a["dh"])
        if cell == "gru":
            others[1] = others[1][2 * H :]  # b_hg
        return [dW_xh.T, dW_hh.T, *others]

    return run


def check_agreement(runs: dict[str, Run], dtype: str) -> None:
    """Stop unless all compute the same gradients (this also warms everything up)."""
    import numpy as np

    right = runs["ours"]()
    for name, run in runs.items():
        for expected, result in zip(right, run() or right, strict=True):
            error = np.max(np.abs(np.asarray(result) - expected)) / np.max(np.abs(expected))
            if not error <= TOLERANCE[dtype]:
                raise SystemExit(f"{name} and ours differ by {error:.1e} ({dtype})")


def interleaved_medians(runs: dict[str, Run], repeats: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the median seconds of one run of each; every round times everyone once."""
    loops = {}
    for name, run in runs.items():
        start = time.perf_counter()
        run()
        loops[name] = max(1, round(0.003 / (time.perf_counter() - start)))  # about 3 ms
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for round_number in range(repeats):
        for name in list(runs) if round_number % 2 else list(runs)[::-1]:
            run = runs[name]
            time.sleep(0.05)  # the threads of the library before spin for a while before they sleep
            run()
            start = clock()
            for _ in range(loops[name]):
                run()
            seconds[name].append((clock() - start) / loops[name])
    return {name: statistics.median(values) for name, values in seconds.items()}


if __name__ == "__main__":
    raise SystemExit(main())
