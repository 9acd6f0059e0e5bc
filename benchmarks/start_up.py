"""What importing the package costs, and how long the course takes to open.

Imports are timed inside fresh processes, taken in turn.  The course is open when the page of the first lesson has been
served; it is asked for ten times a second from the start of the command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import report

BASE = "import numpy"
STATEMENTS = {  # the milliseconds over BASE that are allowed
    BASE: None,
    "import bptt_lessons, numpy": 20.0,
    "import numpy; from bptt_lessons.cells import rnn": None,
    "import numpy; import bptt_lessons.course": None,
    "import numpy; from bptt_lessons.views import plots, widgets": None,
}
WARM, COLD = 5.0, 120.0  # seconds
LONGEST = 600.0  # seconds until a start has failed


def main() -> int:
    """Time imports, the command line and starts; print the section."""
    parser = report.parser("start", __doc__)
    parser.add_argument("--imports", type=int, default=10, help="fresh processes for each statement (10)")
    parser.add_argument("--starts", type=int, default=3, help="starts of a course that is set up (3)")
    parser.add_argument("--cold", action="store_true", help="also start.py in an empty clone")
    options = parser.parse_args()
    rows = import_rows(options.imports)
    with tempfile.TemporaryDirectory(prefix="bptt-start-") as folder:
        scratch = Path(folder)
        starts = [served([sys.executable, "-m", "bptt_lessons"], report.ROOT, scratch) for _ in range(options.starts)]
        rows.append(start_row("`bptt-lessons open`, to a served page", starts, WARM))
        if options.cold:
            clone = scratch / "clone"
            subprocess.run(["git", "clone", "--quiet", str(report.ROOT), str(clone)], check=True)
            starts = [served([sys.executable, "start.py"], clone, scratch) for _ in range(1 + options.starts)]
            rows.append(start_row("`python start.py`, first time, to a served page", starts[:1], COLD))
            rows.append(start_row("`python start.py`, set up before, to a served page", starts[1:], WARM))
    print("## Import and start\n\n" + report.table(["what", "median", "at most", "met"], rows))
    print(f"\nMedians of {options.imports} fresh processes, and of {options.starts} starts (one first start).")
    return 0


def import_rows(times: int) -> list[list[str]]:
    """Time every statement in fresh processes, from its first import to its last."""
    taken: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for number in range(times + 1):
        for statement in STATEMENTS:
            timed = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
            command = [sys.executable, "-c", timed]
            found = subprocess.check_output(command, text=True, env=report.environment())
            if number:  # the first time brings files into the disk's cache
                taken[statement].append(1e3 * float(found))
    medians = {statement: statistics.median(values) for statement, values in taken.items()}
    rows = []
    for statement, median in medians.items():
        over, limit = median - medians[BASE], STATEMENTS[statement]
        shown = f"{median:.0f} ms" + (f" ({over:+.1f})" if statement != BASE else "")
        target = ["", ""] if limit is None else [f"{limit:.0f} ms more", report.verdict(over <= limit)]
        rows.append([f"`{statement}`", shown, *target])
    return rows


def start_row(name: str, taken: list[float], limit: float) -> list[str]:
    """Return the row for a start of the course."""
    median = statistics.median(taken)
    return [name, f"{median:.1f} s", f"{limit:.0f} s", report.verdict(median <= limit)]


def served(program: list[str], where: Path, scratch: Path) -> float:
    """Open the course in an empty folder; return the seconds until its page is served."""
    with tempfile.TemporaryDirectory(dir=scratch) as name, socket.socket() as free:
        folder = Path(name)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = report.environment() | {"PYTHONPATH": str(where), "JUPYTER_TOKEN": "benchmark"}
        for kind in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            environment[kind] = str(folder / kind.lower())
        command = [*program, "open", str(folder / "lessons"), "--no-browser", "--ip=127.0.0.1"]
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
        page = f"http://127.0.0.1:{port}/lab/workspaces/bptt-lessons/tree/00_start_here.ipynb?token=benchmark"
        log, start = folder / "log.txt", time.perf_counter()
        with log.open("w") as output:
            streams = {"stdout": output, "stderr": output}
            process = subprocess.Popen(command, env=environment, cwd=where, start_new_session=True, **streams)
            try:
                while not answers(page):
                    if process.poll() is not None or time.perf_counter() - start > LONGEST:
                        raise RuntimeError(f"the course did not start:\n{log.read_text(errors='replace')[-2000:]}")
                    time.sleep(0.1)
                return time.perf_counter() - start
            finally:
                if process.poll() is None:  # the server and its kernels, where the system has process groups
                    os.killpg(process.pid, signal.SIGTERM) if hasattr(os, "killpg") else process.terminate()
                    process.wait(60)


def answers(address: str) -> bool:
    """Ask for a page, without a proxy; return whether it came."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), direct.open(address, timeout=30) as response:
        return b"jupyter-config-data" in response.read()
    return False


if __name__ == "__main__":
    raise SystemExit(main())
