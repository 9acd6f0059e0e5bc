"""Run the benchmarks and write the page of results: ``python benchmarks``.

    python benchmarks                       all parts, into benchmarks/RESULTS.md (about ten minutes)
    python benchmarks memory widgets        these parts; the page keeps its others if the machine is the same
    python benchmarks --print memory        no file: the page goes to the terminal
    python benchmarks --cold                with a first start in an empty clone too (it downloads what it installs)

Every part runs in a process of its own: one that fails says so in its section, and the others go on.
What cannot be run here (no PyTorch, no JAX, no Chromium) is left out, and said so.
Exit code: 1 if a part failed; that something asked was not met stands on the page and is no failure.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, NamedTuple

import page

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"


class Part(NamedTuple):
    """One benchmark of the page."""

    script: str
    heading: str
    minutes: float  # after which it has failed


PARTS = {
    "kernels": Part("kernels.py", "Kernels", 30),
    "truncation": Part("truncation.py", "Truncation", 20),
    "memory": Part("memory.py", "Memory", 20),
    "notebooks": Part("notebooks.py", "Notebooks", 20),
    "start": Part("start_up.py", "Import and start", 20),
    "widgets": Part("widget_latency.py", "Widgets", 20),
}


def main() -> int:
    """Run what is asked for; return 1 if a part failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all if none is named")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--output", type=Path, default=RESULTS, help="the page's file (benchmarks/RESULTS.md)")
    where.add_argument("--print", action="store_true", help="print the page instead")
    parser.add_argument("--cold", action="store_true", help="the first start as well, from an empty clone")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"no part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    machine = page.machine()
    sections = {} if options.print else earlier(options.output, machine)
    failed = []
    for name in options.parts or PARTS:
        part = PARTS[name]
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections[part.heading], fine = section(part, ["--cold"] if options.cold and name == "start" else [])
        failed += [] if fine else [name]
        ordered = {part.heading: sections[part.heading] for part in PARTS.values() if part.heading in sections}
        if not options.print:  # after every part: an interrupt loses only the part that it hits
            options.output.write_text(page.whole(machine, ordered), encoding="utf-8")
    print(page.whole(machine, ordered) if options.print else f"Written: {options.output}")
    print(f"Failed: {', '.join(failed)}." if failed else "No part failed.", file=sys.stderr)
    return int(bool(failed))


def earlier(path: Path, machine: str) -> dict[str, str]:
    """Return the sections of the page that is there, if it can be gone on with."""
    return page.sections_of(path.read_text(encoding="utf-8"), machine) if path.exists() else {}


def section(part: Part, options: list[str]) -> tuple[str, bool]:
    """Run one part in a process of its own; return its section, and whether it went well."""
    before, start = page.load(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bptt-benchmark-") as folder:
        answer, log = Path(folder, "result.json"), Path(folder, "log.txt")
        command = [sys.executable, str(HERE / part.script), f"--json={answer}", *options]
        try:
            with log.open("w") as output:  # a file: a grandchild that lives on must not hold us up
                run_for(60 * part.minutes, command, output)
            text, fine = page.body(page.Result(**json.loads(answer.read_text(encoding="utf-8")))), True
        except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
            text, fine = "\n".join([f"**Failed**: {describe(error, part)}.", "", *(f"    {s}" for s in said)]), False
    return f"{text}\n\n{stamp(before, start)}", fine


def run_for(seconds: float, command: list[str], output: IO[str]) -> None:
    """Run a command for so long at most; interrupt it then, so that it ends its own servers and kernels."""
    with subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ValueError, subprocess.TimeoutExpired):  # Windows knows no such signal
                process.send_signal(signal.SIGINT)
                process.wait(20)
            process.kill()
            raise
    if code:
        raise subprocess.CalledProcessError(code, command)


def describe(error: Exception, part: Part) -> str:
    """Say in a few words why a part failed."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{part.script} did not end within {part.minutes:g} minutes"
    if isinstance(error, subprocess.CalledProcessError):
        return f"{part.script} ended with exit code {error.returncode}"
    return f"{part.script}: {type(error).__name__}: {error}"


def stamp(load: str, start: float) -> str:
    """Say when a section was measured, on what commit, and how busy the machine was."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        f"*{now:%Y-%m-%d %H:%M} UTC, commit {page.commit()}, load {load} before and {page.load()} after, "
        f"{time.perf_counter() - start:.0f} s.*"
    )


if __name__ == "__main__":
    raise SystemExit(main())
