"""What `import bptt_lessons` costs over `import numpy`: the course must not make a kernel slow to start.

Fresh processes, alternately with one import and with the other; the numbers are medians of the
time inside the process, measured from the first import statement to the last.

    python benchmarks/import_time.py
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

LIMIT_MS = 20.0
STATEMENTS = ["import numpy", "import bptt_lessons, numpy", "import numpy; from bptt_lessons.cells import rnn"]


def main() -> None:
    """Print a table; exit with 1 if `import bptt_lessons` is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20, help="fresh processes for each statement (20)")
    pairs = parser.parse_args().pairs
    for statement in STATEMENTS:
        milliseconds(statement)  # files into the disk's cache, byte code written
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(pairs):
        for statement in STATEMENTS:
            times[statement].append(milliseconds(statement))
    medians = {statement: statistics.median(values) for statement, values in times.items()}
    print("| statement | median, ms | over `import numpy`, ms |")
    print("|---|---|---|")
    for statement, median in medians.items():
        print(f"| `{statement}` | {median:.1f} | {median - medians[STATEMENTS[0]]:+.1f} |")
    over = medians[STATEMENTS[1]] - medians[STATEMENTS[0]]
    verdict = "yes" if over <= LIMIT_MS else "NO"
    print(f"\n`import bptt_lessons` costs at most {LIMIT_MS:.0f} ms over `import numpy`: {verdict}")
    sys.exit(over > LIMIT_MS)


def milliseconds(statement: str) -> float:
    """Time a statement in a fresh process."""
    code = f"import time; start = time.perf_counter(); {statement}; print(1e3 * (time.perf_counter() - start))"
    root = Path(__file__).parents[1]
    return float(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root).stdout
    )


if __name__ == "__main__":
    main()
