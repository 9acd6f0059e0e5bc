"""Run the benchmarks.

    python benchmarks                         all of them, into benchmarks/RESULTS.md (about five minutes)
    python benchmarks kernels --cell lstm     one of kernels, memory, start: on the terminal, with options of its own
    python benchmarks start --help            lists the options of one

Each runs in a process of its own, whose environment does not force a BLAS kernel.  If one fails, its section says why,
and the others go on.  The exit code is 1 if one failed; a target that was missed is in the report, and no failure.
"""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
from pathlib import Path

import report

HERE = Path(__file__).resolve().parent
PARTS = {"kernels": "kernels.py", "memory": "memory.py", "start": "start_up.py"}  # each prints its section
MINUTES = 30  # until a part has failed


def main() -> int:
    """Run what is asked for; return 1 if a part failed."""
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        return subprocess.run(command(*sys.argv[1:]), env=report.environment(), check=False).returncode
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="the report (benchmarks/RESULTS.md)")
    parser.add_argument("--cold", action="store_true", help="the first start as well, in an empty clone")
    options = parser.parse_args()
    now = datetime.datetime.now(datetime.UTC)
    written = f"Written by `python benchmarks` on {now:%Y-%m-%d %H:%M} UTC; [README.md](README.md) explains it."
    sections, failed = [f"# Results\n\n{written}\n\n{report.machine()}"], []
    for part in PARTS:
        print(f"{part} ...", file=sys.stderr, flush=True)
        text, succeeded = section(part, ["--cold"] if options.cold and part == "start" else [])
        sections.append(text)
        failed += [] if succeeded else [part]
    options.output.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    print(f"Written: {options.output}. Failed: {', '.join(failed) or 'none'}.", file=sys.stderr)
    return int(bool(failed))


def section(part: str, options: list[str]) -> tuple[str, bool]:
    """Run one part in a process of its own; return its section, and whether it succeeded."""
    found = subprocess.run(
        command(part, *options), env=report.environment(), capture_output=True, text=True, encoding="utf-8", check=False
    )
    if not found.returncode:
        return found.stdout.strip(), True
    last = "\n".join(f"    {line}" for line in found.stderr.strip().splitlines()[-8:])
    return f"## {part.title()}\n\n**Failed**: {PARTS[part]}, exit code {found.returncode}.\n\n{last}", False


def command(part: str, *options: str) -> list[str]:
    """Return the command that runs one part."""
    return [sys.executable, str(HERE / PARTS[part]), *options]


if __name__ == "__main__":
    raise SystemExit(main())
