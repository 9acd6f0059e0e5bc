"""What importing the package costs, and how long the course takes to open.

Fresh processes, every statement in turn; an import's number is the median of the time inside the process, from the
first import statement to the last.  The course is open when the page of the first lesson has been served, asked for
ten times a second from the start of ``python start.py``.  A warm start needs a clone that start.py has set up before;
where there is none, what start.py hands over to is timed in its place, and the row says so.

    python benchmarks/start_up.py
    python benchmarks/start_up.py --clone FOLDER     a clone that start.py has set up
    python benchmarks/start_up.py --cold             the first start too, in an empty clone: it downloads all
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import page

os.environ |= page.ONE_THREAD
sys.path.insert(0, str(page.ROOT / "tests" / "browser"))

import jupyter_driver as lab_driver

BASE = "import numpy"
STATEMENTS = {  # and the milliseconds over BASE that are asked
    BASE: None,
    "import bptt_lessons, numpy": 20.0,
    "import numpy; from bptt_lessons.cells import rnn": None,
    "import numpy; import bptt_lessons.course": None,
    "import numpy; from bptt_lessons.views import plots, widgets": None,
}
WARM, COLD = 5.0, 120.0  # seconds
LONGEST = 600.0  # seconds until a start has failed


def main() -> int:
    """Time imports and starts; return 1 if one takes longer than is asked."""
    parser = page.parser(__doc__)
    parser.add_argument("--imports", type=page.at_least(1), default=10, help="fresh processes for each statement (10)")
    parser.add_argument("--starts", type=page.at_least(1), default=3, help="warm starts (3)")
    parser.add_argument("--clone", type=Path, default=page.ROOT, help="a clone that start.py has set up (this one)")
    parser.add_argument("--cold", action="store_true", help="a first start as well, in an empty clone")
    return page.run(measure, parser)


def measure(options: argparse.Namespace) -> page.Result:
    """Time imports, the command line and starts."""
    rows = [*import_rows(options.imports), progress_row(options.imports)]
    with tempfile.TemporaryDirectory(prefix="bptt-start-") as folder:
        clone, scratch = options.clone, Path(folder)
        if options.cold:
            clone = scratch / "clone"
            subprocess.run(["git", "clone", "--quiet", str(page.ROOT), str(clone)], check=True)
            rows.append(row("`python start.py`, first time, to a served page", [served(clone, scratch)], COLD))
        if is_set_up(clone):
            name = "`python start.py`, set up before, to a served page"
            seconds = [served(clone, scratch) for _ in range(options.starts)]
        else:
            name = "`bptt-lessons open`, to a served page (start.py has not set up this clone)"
            seconds = [served(None, scratch) for _ in range(options.starts)]
        rows.append(row(name, seconds, WARM))
    return page.Result(
        ["what", "median", "asked", "met"],
        rows,
        asked=f"`import bptt_lessons` at most {STATEMENTS['import bptt_lessons, numpy']:.0f} ms over `import numpy`; "
        f"the course served within {WARM:.0f} s, the first time, when all is installed, within {COLD:.0f} s",
        held=all(cells[-1] != page.yes(False) for cells in rows),
        how=f"Medians over {options.imports} fresh processes taken in turn and {options.starts} starts of the course, "
        "time on the wall, one BLAS thread, byte code written and files in the disk's cache beforehand"
        f"{' but for the first start, of which there is one' if options.cold else ''}.",
    )


def row(name: str, seconds: list[float], limit: float) -> list[str]:
    """Return a row of the table for something that takes seconds."""
    median = statistics.median(seconds)
    return [name, f"{median:.1f} s", f"{limit:.0f} s", page.yes(median <= limit)]


def import_rows(times: int) -> list[list[str]]:
    """Time every statement in fresh processes."""
    taken: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for number in range(times + 1):
        for statement in STATEMENTS:
            found = milliseconds(statement)
            taken[statement] += [found] if number else []  # the first brings files into the disk's cache
    medians = {statement: statistics.median(values) for statement, values in taken.items()}
    rows = []
    for statement, median in medians.items():
        over, limit = median - medians[BASE], STATEMENTS[statement]
        shown = f"{median:.0f} ms" + (f" ({over:+.1f})" if statement != BASE else "")
        asked = [f"{limit:.0f} ms more", page.yes(over <= limit)] if limit is not None else ["", ""]
        rows.append([f"`{statement}`", shown, *asked])
    return rows


def milliseconds(statement: str) -> float:
    """Time a statement in a fresh process."""
    code = f"import time; start = time.perf_counter(); {statement}; print(1e3 * (time.perf_counter() - start))"
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=page.ROOT).stdout)


def progress_row(times: int) -> list[str]:
    """Time `bptt-lessons progress` from the start of its process to its end."""
    taken = []
    with tempfile.TemporaryDirectory(prefix="bptt-progress-") as home:
        command = [sys.executable, "-m", "bptt_lessons", "progress", home]
        for _ in range(times):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, cwd=page.ROOT)
            taken.append(time.perf_counter() - start)
    return ["`bptt-lessons progress`, the whole process", f"{1e3 * statistics.median(taken):.0f} ms", "", ""]


def is_set_up(clone: Path) -> bool:
    """Ask the clone's start.py whether it would go straight on."""
    spec = importlib.util.spec_from_file_location("start_of_clone", clone / "start.py")
    if spec is None or spec.loader is None or not (clone / "start.py").exists():
        raise ValueError(f"clone: there is no start.py in {clone}")
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    return bool(start.is_ready(start.stamp(), start.wanted_stamp(False)))


def served(clone: Path | None, scratch: Path) -> float:
    """Open the course in an empty folder; return the seconds until its page is there.

    Parameters
    ----------
    clone : Path or None
        Whose start.py is to open it; None for this Python, without start.py.
    scratch : Path
        For the learner's folder and all of Jupyter's own files.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder, port = Path(name), lab_driver.free_port()
        jupyter = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
        settings = {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_TOKEN": "benchmark"}
        program = ["-m", "bptt_lessons"] if clone is None else [str(clone / "start.py")]
        command = [sys.executable, *program, "open", str(folder / "lessons"), "--no-browser"]
        log, start = folder / "log.txt", time.perf_counter()
        with log.open("w") as output:
            process = subprocess.Popen(
                [*command, "--ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"],
                env=os.environ | jupyter | settings,
                cwd=page.ROOT if clone is None else clone,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                address = (
                    f"http://127.0.0.1:{port}/lab/workspaces/bptt-lessons/tree/00_start_here.ipynb?token=benchmark"
                )
                while not answers(address):
                    if process.poll() is not None or time.perf_counter() - start > LONGEST:
                        raise RuntimeError(f"the course did not start:\n{log.read_text(errors='replace')[-2000:]}")
                    time.sleep(0.1)
                return time.perf_counter() - start
            finally:
                lab_driver.stop(process)


def answers(address: str) -> bool:
    """Ask for a page, never by way of a proxy; return whether it came."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), direct.open(address, timeout=30) as response:
        return b"jupyter-config-data" in response.read()
    return False


if __name__ == "__main__":
    raise SystemExit(main())
