"""Measure what one learner needs in memory: a server on a hub, and a kernel for each lesson.

Each lesson is opened, run from its first cell to its last with a wrong and a right answer to every exercise, and
saved.  Figures are Linux's own, in MB (10^6 bytes): the peak of each process's resident memory (VmHWM), which counts
pages shared between processes in each of them and so errs on the safe side, and what is resident at the end (VmRSS).
It needs what load_test.py needs.

    python deploy/measure_memory.py              all lessons; writes memory.json
    python deploy/measure_memory.py 03 --print   one lesson; writes nothing
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shutil
import sys
import threading
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import limits
import load_test

LIBRARIES = ("numpy", "matplotlib", "ipykernel", "ipywidgets", "jupyter_server", "jupyterlab", "jupyterhub")


def main() -> int:
    """Measure, and write down what was found."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("lessons", nargs="*", metavar="NN", help="lessons whose names begin so; all if none is named")
    options.add_argument("--print", action="store_true", help="write nothing")
    options.add_argument("--proxy", default="configurable-http-proxy", help="the program configurable-http-proxy")
    arguments = options.parse_args()
    if not Path("/proc/self/status").exists():
        options.error("memory is read from Linux's /proc, which this system does not have")
    if arguments.lessons and not arguments.print:
        options.error("memory.json is about all lessons: name none, or add --print")
    proxy = shutil.which(arguments.proxy)
    if not proxy:
        options.error(f"there is no program {arguments.proxy}: install it with npm, and name it with --proxy")
    found = json.dumps(measure(proxy, tuple(arguments.lessons) or ("",)), indent=1) + "\n"
    print(found, end="")
    if not arguments.print:
        limits.MEMORY.write_text(found, encoding="utf-8")
    return 0


def measure(proxy: str, lessons: tuple[str, ...]) -> dict[str, Any]:
    """Run every lesson in a kernel of its own, one after the other."""
    log, kernels = load_test.Log(), dict[str, dict[str, int]]()
    plan = load_test.Plan(lessons, think=0, stopped=threading.Event())
    with load_test.running_hub(proxy) as hub:
        server = load_test.start_server(hub, "learner")
        started = None
        for path in load_test.lesson_files(hub.lessons("learner"), lessons):
            with load_test.open_lesson(server, path.name) as (connection, notebook):
                kernel, parent = process_ids(connection)
                started = started or memory(parent)
                load_test.work_through(connection, notebook, plan, random.Random(0), log, [])
                load_test.save(server, path.name, notebook)
                kernels[path.stem] = memory(kernel)
            print(f"{path.stem}: {kernels[path.stem]['peak']} MB", file=sys.stderr, flush=True)
        if started is None or log.errors:
            raise SystemExit(f"There is no such lesson, or a cell failed: {log.errors}")
        ended = memory(parent)
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "unit": "MB",
        "server": {"just started": started, "at the end": ended},
        "kernels": kernels,
    }


def process_ids(connection: Any) -> tuple[int, int]:
    """Return the process of a kernel, and that of its server."""
    printed = load_test.text_of(load_test.execute(connection, "import os; print(os.getpid(), os.getppid())"))
    kernel, parent = printed.split()
    return int(kernel), int(parent)


def memory(process: int) -> dict[str, int]:
    """Return what a process holds, in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    kib = dict(re.findall(r"^(VmHWM|VmRSS):\s+(\d+) kB$", status, re.MULTILINE))
    return {"peak": round(int(kib["VmHWM"]) * 1024 / 1e6), "now": round(int(kib["VmRSS"]) * 1024 / 1e6)}


def machine() -> str:
    """Return what the memory was measured on."""
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{[*names, platform.machine()][0]}, {os.cpu_count()} cores, {size:.0f} GiB; Linux {platform.release()}"


if __name__ == "__main__":
    raise SystemExit(main())
