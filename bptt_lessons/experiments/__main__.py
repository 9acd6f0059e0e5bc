"""``python -m bptt_lessons.experiments [NAME ...]``: run experiments over all their seeds and record them.

Set ``OPENBLAS_NUM_THREADS=1`` first: one thread is faster for small networks, and two
runs then agree to the last digit on one machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bptt_lessons.experiments.recording import FOLDER, record, summary
from bptt_lessons.experiments.registry import EXPERIMENTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Record the named experiments, or all."""
    parser = argparse.ArgumentParser(
        prog="python -m bptt_lessons.experiments", description="Run experiments over all seeds and record them."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones; all if none is named")
    parser.add_argument("--list", action="store_true", help="list the experiments and run nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the records go")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"no experiment is called {', '.join(unknown)}; --list shows their names")
    for name in options.names or EXPERIMENTS:
        experiment = EXPERIMENTS[name]
        seeds = "one seed" if len(experiment.seeds) == 1 else f"{len(experiment.seeds)} seeds"
        print(f"{name}: {experiment.question} ({seeds})", flush=True)
        if options.list:
            continue
        result = record(experiment, options.folder)
        for quantity, values in result.values.items():
            print(f"  {quantity}: {'a curve' if isinstance(values[0], list) else summary(values)}")
        print(f"  {sum(result.seconds):.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
