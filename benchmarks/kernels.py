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
import datetime
import importlib.util
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHAPES = [(25, 1, 65, 100), (50, 32, 32, 64), (100, 64, 128, 256), (1000, 8, 16, 64)]
DTYPES = ["float32", "float64"]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}  # blocks of H columns in the weights
GOAL = {"rnn": 2.0, "lstm": 1.3, "gru": 1.3}  # times PyTorch's speed in the geometric mean
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}

Run = Callable[[], Any]
Shape = tuple[int, int, int, int]


def main() -> None:
    """Measure in a process of its own for every number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", choices=GATES, action="append", help="measure this cell (may be repeated)")
    parser.add_argument("--threads", type=int, action="append", help="measure with this many (may be repeated)")
    parser.add_argument("--repeats", type=int, default=41, help="interleaved repetitions (41)")
    parser.add_argument("--package", type=Path, help="folder that holds another bptt_lessons to time beside this one")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        for cell in options.cell:
            measure(cell, options.threads[0], options.repeats, options.package)
        return
    print(describe_machine())
    for threads in options.threads or [1, 2]:
        command = [sys.executable, __file__, "--child", f"--threads={threads}", f"--repeats={options.repeats}"]
        command += [f"--cell={cell}" for cell in options.cell or GATES]
        if options.package:
            command.append(f"--package={options.package}")
        subprocess.run(command, check=True, env=os.environ | limits(threads))


def limits(threads: int) -> dict[str, str]:
    """Environment that gives every library the same number of threads."""
    names = ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"]
    single = "--xla_cpu_multi_thread_eigen=false" if threads == 1 else ""
    return dict.fromkeys(names, str(threads)) | {"XLA_FLAGS": single, "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}


def measure(cell: str, threads: int, repeats: int, package: Path | None) -> None:
    """Print the table for one cell and one number of threads."""
    here = str(Path(__file__).parents[1])
    clock = time.process_time if threads == 1 else time.perf_counter
    rows: list[tuple[str, dict[str, float]]] = []
    for shape in SHAPES:
        for dtype in DTYPES:
            runs = {"ours": ours(cell, shape, dtype, here), "bare products": bare_products(cell, shape, dtype)}
            if importlib.util.find_spec("torch"):
                runs["PyTorch"] = pytorch(cell, shape, dtype, threads)
            if importlib.util.find_spec("jax"):
                runs["JAX"] = jax_scan(cell, shape, dtype)
            if package is not None:
                runs["other copy"] = ours(cell, shape, dtype, str(package))
            check_agreement(runs, dtype)
            rows.append((f"{shape}, {dtype}", interleaved_medians(runs, repeats, clock)))
    print_table(cell, threads, rows)


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


def interleaved_medians(runs: dict[str, Run], repeats: int, clock: Callable[[], float]) -> dict[str, float]:
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
    return best


def print_table(cell: str, threads: int, rows: list[tuple[str, dict[str, float]]]) -> None:
    """Print our milliseconds and, for the others, their time over ours."""
    others = [name for name in rows[0][1] if name != "ours"]
    print(f"\n{cell}, {threads} thread{'s, time on the wall' if threads > 1 else ', processor time'}:\n")
    print("| (T, N, D, H), dtype | ours, ms | " + " | ".join(f"{name} / ours" for name in others) + " |")
    print("|---|---|" + "---|" * len(others))
    for label, medians in rows:
        ratios = " | ".join(f"{medians[name] / medians['ours']:.2f}" for name in others)
        print(f"| {label} | {1e3 * medians['ours']:.2f} | {ratios} |")
    means = [statistics.geometric_mean(m[name] / m["ours"] for _, m in rows) for name in others]
    print("| geometric mean | | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    if "PyTorch" in others:
        slowest = min(m["PyTorch"] / m["ours"] for _, m in rows)
        held = slowest >= 1 and means[others.index("PyTorch")] >= GOAL[cell]
        print(f"\nat least as fast as PyTorch everywhere and {GOAL[cell]} times in the mean: {'yes' if held else 'NO'}")


def describe_machine() -> str:
    """Name the date, the processor and the versions."""
    from importlib.metadata import PackageNotFoundError, version

    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux: the shorter name will do
    versions = []
    for name in ["numpy", "torch", "jax"]:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"no {name}")
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{today}, {processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"{', '.join(versions)}"
    )


if __name__ == "__main__":
    main()
