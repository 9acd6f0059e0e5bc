"""The machine of a load test: what it is, and what each part of the test uses of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from hub import Hub

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("bptt-lessons", "jupyterhub", "jupyterlab", "jupyter_server", "ipykernel", "ipywidgets", "numpy",
             "aiohttp", "tornado")  # fmt: skip


class Reading(NamedTuple):
    """Processor time used so far, in seconds; None where nobody counts it."""

    at: float
    busy: float  # by everything on the machine
    learners: float | None
    hub: float | None
    simulation: float


def read(hub: Hub) -> Reading:
    """Read how much of the processor was used until now."""
    times = psutil.cpu_times()
    busy = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    own = time.process_time()
    if hub.tree is None:
        return Reading(time.monotonic(), busy, None, None, own)
    homes = [path.name for path in (hub.folder / "homes").glob("*")]
    learners = 0.0
    for name in homes:
        with contextlib.suppress(OSError):
            learners += hub.tree.group(name).usage().cpu
    return Reading(time.monotonic(), busy, learners, hub.tree.group("hub").usage().cpu, own)


def between(phase: str, one: Reading, other: Reading) -> dict[str, Any]:
    """Return what was used between two readings, as shares of all cores."""
    cores = (other.at - one.at) * (os.cpu_count() or 1)
    found: dict[str, Any] = {"phase": phase, "seconds": other.at - one.at, "processor": (other.busy - one.busy) / cores}
    for name in ("learners", "hub", "simulation"):
        first, last = getattr(one, name), getattr(other, name)
        found[name] = None if first is None else (last - first) / cores
    return found


def memory(hub: Hub, names: list[str]) -> dict[str, list[float]]:
    """Return the memory that each process of each kind holds now, and each learner in all, in bytes."""
    found: dict[str, list[float]] = {}

    def note(what: str, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.Error):
            full = process.memory_full_info()
            found.setdefault(f"{what}, resident", []).append(full.rss)
            found.setdefault(f"{what}, proportional share", []).append(full.pss)

    for kind, process in hub_processes(hub):
        note(kind, process)
    for name in names:
        for kind, process in learner_processes(hub, name):
            note(kind, process)
        if hub.tree is not None:
            with contextlib.suppress(OSError):
                usage = hub.tree.group(name).usage()
                found.setdefault("a learner: server and kernels, own memory", []).append(usage.memory)
                found.setdefault("a learner: peak, files in memory included", []).append(usage.peak)
    return found


def hub_processes(hub: Hub) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the hub's process and its proxy's."""
    process = psutil.Process(hub.process.pid)
    yield "hub", process
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "configurable-http-proxy" in " ".join(child.cmdline()):
                yield "proxy", child


def learner_processes(hub: Hub, name: str) -> Iterator[tuple[str, psutil.Process]]:
    """Yield a learner's server and kernels."""
    for process in psutil.Process(hub.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if process.environ().get("JUPYTERHUB_USER") == name or f"/homes/{name}/" in line:
                if "ipykernel_launcher" in line:
                    yield "a kernel", process
                elif "learner_server.py" in line:
                    yield "a learner's server", process


async def peaks(hub: Hub, found: dict[str, float]) -> None:
    """Note, every few seconds, the most memory that hub and proxy have had and that the machine has used."""
    while True:
        for kind, process in hub_processes(hub):
            with contextlib.suppress(psutil.Error):
                found[kind] = max(found.get(kind, 0), process.memory_info().rss)
        found["machine"] = max(
            found.get("machine", 0), psutil.virtual_memory().total - psutil.virtual_memory().available
        )
        await asyncio.sleep(5)


def description() -> str:
    """Name the processor, the memory and the system."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    total = psutil.virtual_memory().total / 2**30
    return f"{name}, {os.cpu_count()} cores, {total:.0f} GiB; {platform.system()} {platform.release()}"


def versions(proxy: Path) -> str:
    """Name the versions of what was run."""
    said = subprocess.run([str(proxy), "--version"], capture_output=True, text=True, check=False).stdout.strip()
    named = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{platform.python_implementation()} {platform.python_version()}, {named}, configurable-http-proxy {said}"


def commit() -> str:
    """Name the commit, and say if the course is not as it was committed."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "bptt_lessons", "notebooks", "deploy/load_test/*.py")
        return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
