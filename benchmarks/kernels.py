"""How fast one forward and one backward pass of every cell are, beside PyTorch, JAX and the bare matrix products.

Every number is a ratio of medians of interleaved repetitions in one process: what loads the machine
loads all of them alike.  With one thread it is processor time that counts, which other programs hardly
touch; with more it is time on the wall, and the machine has to be quiet.  All compute the same thing,
gradients of the parameters, of x and of the first state from a given dL/dh, and must agree before the clock starts.
One process for every number of threads, because a BLAS reads its number of threads when it is loaded.

    python benchmarks/kernels.py                    all cells with 1 thread, then with 2
    python benchmarks/kernels.py --cell lstm        one of rnn, lstm, gru (may be repeated)
    python benchmarks/kernels.py --threads 1
    python benchmarks/kernels.py --package /other   another copy of bptt_lessons, timed beside this one
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import page

SHAPES = [(25, 1, 65, 100), (50, 32, 32, 64), (100, 64, 128, 256), (1000, 8, 16, 64)]
DTYPES = ["float32", "float64"]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}  # blocks of H columns in the weights
GOAL = {"rnn": 2.0, "lstm": 1.3, "gru": 1.3}  # times PyTorch's speed in the geometric mean
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}

Run = Callable[[], Any]
Shape = tuple[int, int, int, int]
Medians = dict[str, float]  # seconds, for everyone


def main() -> int:
    """Measure, in a process of its own for every number of threads."""
    parser = page.parser(__doc__)
    parser.add_argument("--cell", choices=GATES, action="append", help="measure this cell (may be repeated)")
    parser.add_argument("--threads", type=page.at_least(1), action="append", help="with this many (may be repeated)")
    parser.add_argument("--repeats", type=page.at_least(1), default=7, help="interleaved repetitions (7)")
    parser.add_argument("--package", type=Path, help="folder that holds another bptt_lessons to time beside this one")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        found = {cell: medians(cell, options.threads[0], options.repeats, options.package) for cell in options.cell}
        json.dump(found, sys.stdout)
        return 0
    return page.run(measure, parser)


def measure(options: argparse.Namespace) -> page.Result:
    """Time every cell with every number of threads."""
    counts = options.threads or [1, 2]
    cells = options.cell or list(GATES)
    found = [in_a_process(cells, count, options) for count in counts]
    others = [name for name in found[0][cells[0]][0] if name != "ours"]
    rows, held = [], True
    for cell in cells:
        for place, (shape, dtype) in enumerate((shape, dtype) for shape in SHAPES for dtype in DTYPES):
            runs = [by_cell[cell][place] for by_cell in found]  # one for every number of threads
            shown = [[f"{1e3 * run['ours']:.2f}" for run in runs]]
            shown += [[f"{run[name] / run['ours']:.2f}" for run in runs] for name in others]
            fast = [run["PyTorch"] >= run["ours"] for run in runs if "PyTorch" in run]
            held &= all(fast)
            rows.append([cell, f"{shape}, {dtype}", *map(side_by_side, [*shown, map(page.yes, fast)])])
        means = [{name: mean(by_cell[cell], name) for name in others} for by_cell in found]
        fast = [ratios["PyTorch"] >= GOAL[cell] for ratios in means if "PyTorch" in ratios]
        held &= all(fast)
        shown = [[f"{ratios[name]:.2f}" for ratios in means] for name in others]
        verdict = f"{GOAL[cell]} asked: {side_by_side(map(page.yes, fast))}" if fast else ""
        rows.append([cell, "geometric mean", "", *map(side_by_side, shown), verdict])
    missing = [name for name in ("PyTorch", "JAX") if name not in others]
    threads = side_by_side(map(str, counts))
    return page.Result(
        ["cell", "(T, N, D, H), dtype", "ours, ms", *(f"{name} / ours" for name in others), "as fast as PyTorch"],
        rows,
        asked="at least as fast as PyTorch at every shape; in the geometric mean at least twice as fast for the RNN, "
        "1.3 times for the LSTM and the GRU",
        held=None if "PyTorch" in missing else held,
        notes=[
            f"Every field: with {threads} thread{'s' if counts != [1] else ''}. Above 1, ours is faster.",
            *(f"{m} is not installed." for m in missing),
        ],
        how="One forward and one backward pass with the checks of the arguments. Medians of "
        f"{options.repeats} interleaved repetitions in one process for each number of threads; with one thread "
        "processor time, with more time on the wall. Before, all agree to 1e-10 (1e-4 in float32). "
        "Bare products: only the matrix products, into buffers made beforehand; JAX: compiled, compiling not counted.",
    )


def side_by_side(texts: Iterable[str]) -> str:
    """Put what belongs to the several numbers of threads into one field."""
    return " · ".join(texts)


def mean(runs: list[Medians], name: str) -> float:
    """Return the geometric mean over all shapes of somebody's time over ours."""
    return statistics.geometric_mean(run[name] / run["ours"] for run in runs)


def in_a_process(cells: list[str], threads: int, options: argparse.Namespace) -> dict[str, list[Medians]]:
    """Measure with so many threads: a BLAS reads their number when it is loaded."""
    command = [sys.executable, __file__, "--child", f"--threads={threads}", f"--repeats={options.repeats}"]
    command += [f"--cell={cell}" for cell in cells]
    if options.package:
        command.append(f"--package={options.package}")
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | limits(threads))
    found: dict[str, list[Medians]] = json.loads(child.stdout)
    return found


def limits(threads: int) -> dict[str, str]:
    """Environment that gives every library the same number of threads."""
    names = ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"]
    single = "--xla_cpu_multi_thread_eigen=false" if threads == 1 else ""
    return dict.fromkeys(names, str(threads)) | {"XLA_FLAGS": single, "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}


def medians(cell: str, threads: int, repeats: int, package: Path | None) -> list[Medians]:
    """Time everyone with one cell, at every shape in either precision."""
    clock = time.process_time if threads == 1 else time.perf_counter
    found = []
    for shape in SHAPES:
        for dtype in DTYPES:
            runs = {
                "ours": ours(cell, shape, dtype, str(page.ROOT)),
                "bare products": bare_products(cell, shape, dtype),
            }
            if importlib.util.find_spec("torch"):
                runs["PyTorch"] = pytorch(cell, shape, dtype, threads)
            if importlib.util.find_spec("jax"):
                runs["JAX"] = jax_scan(cell, shape, dtype)
            if package is not None:
                runs["other copy"] = ours(cell, shape, dtype, str(package))
            check_agreement(runs, dtype)
            found.append(interleaved_medians(runs, repeats, clock))
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


def ours(name: str, shape: Shape, dtype: str, folder: str) -> Run:
    """The cell's forward and backward, from the copy of the package in `folder`."""
    for module in [module for module in sys.modules if module.split(".")[0] == "bptt_lessons"]:
        del sys.modules[module]
    sys.path.insert(0, folder)
    cell = importlib.import_module(f"bptt_lessons.cells.{name}")
    sys.path.remove(folder)
    a = data(name, shape, dtype)
    params = cell.Params(**{field: a[field] for field in cell.Params._fields})
    state0 = cell.State(a["h0"], a["c0"]) if name == "lstm" else a["h0"]

    def run() -> Any:
        _, _, tape = cell.forward(params, a["x"], state0)
        grads, dx, dstate_0 = cell.backward(params, tape, a["dh"])
        return [*grads, dx, *(dstate_0 if name == "lstm" else [dstate_0])]

    return run


def bare_products(cell: str, shape: Shape, dtype: str) -> Run:
    """The matrix products that no implementation can do without, into buffers made beforehand, and nothing else."""
    import numpy as np

    T, N, D, H = shape
    G = GATES[cell] * H
    a = data(cell, shape, dtype)
    x, h, W_xh, W_hh, W_hh_T = a["x"].reshape(T * N, D), a["dh"], a["W_xh"], a["W_hh"], a["W_hh"].T.copy()
    z, dx, h_rows = np.empty((T * N, G), dtype), np.empty_like(x), h.reshape(T * N, H)
    z_t, dh_t = np.empty((N, G), dtype), np.empty((N, H), dtype)
    dz = np.random.default_rng(1).uniform(-1, 1, z.shape).astype(dtype)
    grads = np.empty_like(W_xh), np.empty_like(W_hh)

    def run() -> Any:
        np.dot(x, W_xh, out=z)
        for h_t in h:
            np.dot(h_t, W_hh, out=z_t)
        for dz_t in dz.reshape(T, N, G):
            np.dot(dz_t, W_hh_T, out=dh_t)
        np.dot(x.T, dz, out=grads[0])
        np.dot(h_rows.T, dz, out=grads[1])
        np.dot(dz, W_xh.T, out=dx)

    return run


def pytorch(cell: str, shape: Shape, dtype: str, threads: int) -> Run:
    """torch.nn.RNN, LSTM or GRU on the CPU with the same weights."""
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


def jax_scan(cell: str, shape: Shape, dtype: str) -> Run:
    """A jitted jax.lax.scan with the input projection hoisted out of it, and its vector-Jacobian product."""
    import jax
    from jax.numpy import asarray, split, tanh

    sigmoid = jax.nn.sigmoid
    a = {name: asarray(value) for name, value in data(cell, shape, dtype).items()}
    names = ["W_xh", "W_hh", "b_h", "b_hg", "x", "h0", "c0"]  # the order in which our gradients come, too
    arguments = {name: a[name] for name in names if name in a}

    def rnn(p: Any, state: Any, z: Any) -> Any:
        (h,) = state
        return (tanh(z + h @ p["W_hh"]),)

    def lstm(p: Any, state: Any, z: Any) -> Any:
        h, c = state
        i, f, g, o = split(z + h @ p["W_hh"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    def gru(p: Any, state: Any, z: Any) -> Any:
        (h,) = state
        (z_r, z_u, z_g), (r, u, s) = split(z, 3, axis=1), split(h @ p["W_hh"], 3, axis=1)
        u, g = sigmoid(z_u + u), tanh(z_g + sigmoid(z_r + r) * (s + p["b_hg"]))
        return ((1 - u) * g + u * h,)

    step = {"rnn": rnn, "lstm": lstm, "gru": gru}[cell]

    def forward(p: Any) -> Any:
        def one_step(state: Any, z: Any) -> Any:
            state = step(p, state, z)
            return state, state[0]

        first = tuple(p[name] for name in ("h0", "c0") if name in p)
        return jax.lax.scan(one_step, first, p["x"] @ p["W_xh"] + p["b_h"])[1]

    compiled = jax.jit(lambda p, dh: jax.vjp(forward, p)[1](dh)[0])

    def run() -> Any:
        grads = jax.block_until_ready(compiled(arguments, a["dh"]))
        return [grads[name] for name in arguments]

    return run


def check_agreement(runs: dict[str, Run], dtype: str) -> None:
    """Stop unless all compute the same gradients (this also warms everything up)."""
    import numpy as np

    right = runs["ours"]()
    for name, run in runs.items():
        result = run()
        for r, p in zip(right, result or right, strict=True):
            error = np.max(np.abs(np.asarray(p) - r)) / np.max(np.abs(r))
            if not error <= TOLERANCE[dtype]:
                raise SystemExit(f"{name} and ours differ by {error:.1e} ({dtype})")


def interleaved_medians(runs: dict[str, Run], repeats: int, clock: Callable[[], float]) -> Medians:
    """Median seconds of one run of each, everyone timed once in every round."""
    loops = {name: max(1, round(0.003 / best_of(run, 3))) for name, run in runs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for round_number in range(repeats):
        names = list(runs) if round_number % 2 else list(runs)[::-1]
        for name in names:
            run = runs[name]
            time.sleep(0.05)  # the last one's threads spin for a while before they sleep
            run()
            start = clock()
            for _ in range(loops[name]):
                run()
            seconds[name].append((clock() - start) / loops[name])
    return {name: statistics.median(values) for name, values in seconds.items()}


def best_of(run: Run, times: int) -> float:
    """Seconds of the quickest of a few runs."""
    best = math.inf
    for _ in range(times):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        if best > 0.003:  # one run will fill a repetition anyway
            break
    return best


if __name__ == "__main__":
    raise SystemExit(main())
