"""What every benchmark shares: the environment of its processes, the machine's name, Markdown tables."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
THREADS = ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"]
# The first two force an old BLAS kernel on some machines; with the third, every start compiles every module again
UNWANTED = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE"]


def environment(threads: int = 1) -> dict[str, str]:
    """Return the environment of a process that measures: this package, the machine's own BLAS kernel."""
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    return kept | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": str(ROOT)}


def parser(part: str, description: str) -> argparse.ArgumentParser:
    """Return the reader of one part's options."""
    formatter = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(f"python benchmarks {part}", description=description, formatter_class=formatter)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [columns, ["---"] * len(columns), *rows])


def verdict(met: bool) -> str:
    """Say whether a target was met."""
    return "yes" if met else "**NO**"


def machine() -> str:
    """Name the processor, the system and the versions: results from different machines cannot be compared."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "jupyterlab") if find_spec(name))
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    system = f"{platform.system()} {platform.release()}; Python {platform.python_version()}"
    return f"{processor()}, {os.cpu_count()} cores; {system}; {versions}; commit {commit}; load {load} before."


def processor() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def blas() -> str:
    """Name the BLAS library in NumPy and the kernel that it has chosen for this processor."""
    import numpy as np  # noqa: F401, threadpoolctl sees only libraries that are loaded

    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown, because threadpoolctl is not installed"
    for library in threadpool_info():
        if library["user_api"] == "blas":
            return f"{library['internal_api']} {library['version']}, kernel {library.get('architecture', 'unknown')}"
    return "unknown to threadpoolctl"
