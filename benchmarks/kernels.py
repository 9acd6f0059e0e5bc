"""How fast one forward and one backward pass of the plain RNN are, beside PyTorch, JAX and the bare matrix products.

Every number is a ratio of medians of interleaved repetitions in one process: what loads the machine
loads all of them alike.  With one thread it is processor time that counts, which other programs hardly
touch; with more it is time on the wall, and the machine has to be quiet.  All compute the same thing,
gradients of the parameters, of x and of h0 from a given dL/dh, and must agree before the clock starts.
One process for every number of threads, because a BLAS reads its number of threads when it is loaded.

    python benchmarks/kernels.py                    1 thread, then 2
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
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}

Run = Callable[[], Any]


def main() -> None:
    """Measure in a process of its own for every number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, action="append", help="measure with this many (may be repeated)")
    parser.add_argument("--repeats", type=int, default=41, help="interleaved repetitions (41)")
    parser.add_argument("--package", type=Path, help="folder that holds another bptt_lessons to time beside this one")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(options.threads[0], options.repeats, options.package)
        return
    print(describe_machine())
    for threads in options.threads or [1, 2]:
        command = [sys.executable, __file__, "--child", f"--threads={threads}", f"--repeats={options.repeats}"]
        if options.package:
            command.append(f"--package={options.package}")
        subprocess.run(command, check=True, env=os.environ | limits(threads))


def limits(threads: int) -> dict[str, str]:
    """Environment that gives every library the same number of threads."""
    names = ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"]
    single = "--xla_cpu_multi_thread_eigen=false" if threads == 1 else ""
    return dict.fromkeys(names, str(threads)) | {"XLA_FLAGS": single, "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}


def measure(threads: int, repeats: int, package: Path | None) -> None:
    """Print the table for one number of threads."""
    here = str(Path(__file__).parents[1])
    clock = time.process_time if threads == 1 else time.perf_counter
    rows: list[tuple[str, dict[str, float]]] = []
    for shape in SHAPES:
        for dtype in DTYPES:
            runs = {"ours": ours(shape, dtype, here), "bare products": bare_products(shape, dtype)}
            if importlib.util.find_spec("torch"):
                runs["PyTorch"] = pytorch(shape, dtype, threads)
            if importlib.util.find_spec("jax"):
                runs["JAX"] = jax_scan(shape, dtype)
            if package is not None:
                runs["other copy"] = ours(shape, dtype, str(package))
            check_agreement(runs, dtype)
            rows.append((f"{shape}, {dtype}", interleaved_medians(runs, repeats, clock)))
    print_table(threads, rows)


def data(shape: tuple[int, int, int, int], dtype: str) -> dict[str, Any]:
    """Draw the same parameters, inputs and loss gradient for everyone."""
    import numpy as np

    T, N, D, H = shape
    rng = np.random.default_rng(0)
    sizes = {"x": (T, N, D), "h0": (N, H), "dh": (T, N, H), "W_xh": (D, H), "W_hh": (H, H), "b_h": (H,)}
    bound = 1 / math.sqrt(H)
    return {
        name: rng.uniform(-1, 1, size).astype(dtype) * (bound if name[0] in "Wb" else 1) for name, size in sizes.items()
    }


def ours(shape: tuple[int, int, int, int], dtype: str, folder: str) -> Run:
    """The package's rnn.forward and rnn.backward, from the copy in `folder`."""
    for name in [name for name in sys.modules if name.split(".")[0] == "bptt_lessons"]:
        del sys.modules[name]
    sys.path.insert(0, folder)
    from bptt_lessons.cells import rnn

    sys.path.remove(folder)
    a = data(shape, dtype)
    params = rnn.Params(a["W_xh"], a["W_hh"], a["b_h"])

    def run() -> Any:
        _, _, tape = rnn.forward(params, a["x"], a["h0"])
        grads, dx, dh_0 = rnn.backward(params, tape, a["dh"])
        return [*grads, dx, dh_0]

    return run


def bare_products(shape: tuple[int, int, int, int], dtype: str) -> Run:
    """The matrix products that no implementation can do without, into buffers made beforehand, and nothing else."""
    import numpy as np

    T, N, D, H = shape
    a = data(shape, dtype)
    x, rows, h = a["x"].reshape(T * N, D), a["dh"].reshape(T * N, H), a["dh"]
    W_xh, W_hh, W_hh_T = a["W_xh"], a["W_hh"], a["W_hh"].T.copy()
    z, dx, state = np.empty_like(rows), np.empty_like(x), np.empty((N, H), dtype)
    grads = np.empty_like(W_xh), np.empty_like(W_hh)

    def run() -> Any:
        np.dot(x, W_xh, out=z)
        for h_t in h:
            np.dot(h_t, W_hh, out=state)
        for h_t in h:
            np.dot(h_t, W_hh_T, out=state)
        np.dot(x.T, rows, out=grads[0])
        np.dot(rows.T, rows, out=grads[1])
        np.dot(rows, W_xh.T, out=dx)

    return run


def pytorch(shape: tuple[int, int, int, int], dtype: str, threads: int) -> Run:
    """torch.nn.RNN on the CPU with the same weights."""
    import torch

    torch.set_num_threads(threads)
    _, _, D, H = shape
    a = {name: torch.from_numpy(value) for name, value in data(shape, dtype).items()}
    net = torch.nn.RNN(D, H, dtype=getattr(torch, dtype))
    with torch.no_grad():
        net.weight_ih_l0.copy_(a["W_xh"].T)
        net.weight_hh_l0.copy_(a["W_hh"].T)
        net.bias_ih_l0.copy_(a["b_h"])
        net.bias_hh_l0.zero_()
    x, h0 = a["x"].requires_grad_(), a["h0"][None].requires_grad_()
    leaves = [net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0, x, h0]

    def run() -> Any:
        h, _ = net(x, h0)
        dW_xh, dW_hh, db_h, dx, dh_0 = torch.autograd.grad(h, leaves, a["dh"])
        return [dW_xh.T, dW_hh.T, db_h, dx, dh_0[0]]

    return run


def jax_scan(shape: tuple[int, int, int, int], dtype: str) -> Run:
    """A jitted jax.lax.scan with the input projection hoisted out of it, and its vector-Jacobian product."""
    import jax

    a = {name: jax.numpy.asarray(value) for name, value in data(shape, dtype).items()}

    def forward(W_xh: Any, W_hh: Any, b_h: Any, x: Any, h0: Any) -> Any:
        def one_step(h: Any, z: Any) -> Any:
            h = jax.numpy.tanh(z + h @ W_hh)
            return h, h

        return jax.lax.scan(one_step, h0, x @ W_xh + b_h)[1]

    def forward_and_backward(arguments: Any, dh: Any) -> Any:
        return jax.vjp(forward, *arguments)[1](dh)

    compiled = jax.jit(forward_and_backward)
    arguments = tuple(a[name] for name in ("W_xh", "W_hh", "b_h", "x", "h0"))
    return lambda: jax.block_until_ready(compiled(arguments, a["dh"]))


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


def print_table(threads: int, rows: list[tuple[str, dict[str, float]]]) -> None:
    """Print our milliseconds and, for the others, their time over ours."""
    others = [name for name in rows[0][1] if name != "ours"]
    print(f"\n{threads} thread{'s, time on the wall' if threads > 1 else ', processor time'}:\n")
    print("| (T, N, D, H), dtype | ours, ms | " + " | ".join(f"{name} / ours" for name in others) + " |")
    print("|---|---|" + "---|" * len(others))
    for label, medians in rows:
        ratios = " | ".join(f"{medians[name] / medians['ours']:.2f}" for name in others)
        print(f"| {label} | {1e3 * medians['ours']:.2f} | {ratios} |")
    means = [statistics.geometric_mean(m[name] / m["ours"] for _, m in rows) for name in others]
    print("| geometric mean | | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    if "PyTorch" in others:
        slowest = min(m["PyTorch"] / m["ours"] for _, m in rows)
        held = slowest >= 1 and means[others.index("PyTorch")] >= 2
        print(f"\nat least as fast as PyTorch everywhere and twice in the mean: {'yes' if held else 'NO'}")


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
