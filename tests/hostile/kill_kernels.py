"""Kill -9 at random moments while progress, or a training, is written; then count what is left.

    python tests/hostile/kill_kernels.py --times 100

kills each kind of writer 100 times (ten minutes on two cores) and prints a table; it fails if
anything acknowledged is lost.  The suite does it a few times (`test_kills.py`).

A writer acknowledges a record, in a file of its own, as soon as `progress.record` has returned.
After a kill the progress file must hold every acknowledged line, at most one more, and at most
half a line at its end; the lock must be free at once.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jupyter_client.manager import KernelManager

from bptt_lessons.course import progress
from bptt_lessons.course.kernels import ThisPython
from bptt_lessons.course.locking import locked
from bptt_lessons.training import saving
from bptt_lessons.training.loop import Session

ODD_NAME = (
    '-Élodie\'s "lessons" 100% #1?\n e\N{COMBINING ACUTE ACCENT}' if os.name == "posix" else "Élodie's lessons 100% ü"
)
PATIENCE = 60  # seconds that a writer may take to begin
SPREAD = 0.2  # the kill comes within so many seconds: several checks, many records

# Every writer begins with this: each return from `progress.record` is acknowledged.
ACKNOWLEDGING = """
import os
from bptt_lessons.course import progress
descriptor = os.open({acknowledged!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
record = progress.record
def acknowledging(*arguments):
    record(*arguments)
    os.write(descriptor, b".")
progress.record = acknowledging
last = [entry.status for entry in progress.read() if entry.exercise == {exercise!r}][-1:]
"""

# A lesson's cell that checks right and wrong answers in turn, so that every check writes a line.
CHECKS = """
from bptt_lessons.course import EXERCISES, check
exercise = EXERCISES[{exercise!r}]
answers = [exercise.solution, next(iter(exercise.misconceptions.values())).function]
if last == ["correct"]:
    answers.reverse()
while True:
    for answer in answers:
        globals()[exercise.learner_name] = answer
        check({exercise!r})
"""

# The same without a kernel and without a check: it does nothing but record.
RECORDS = """
answers = ["correct", "wrong"]
if last == ["correct"]:
    answers.reverse()
while True:
    for status in answers:
        progress.record("a_lesson", {exercise!r}, status, None)
"""

SAVES = """
import os
import numpy as np
from bptt_lessons.training import saving
from bptt_lessons.training.loop import Session
descriptor = os.open({acknowledged!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
number = {done}
while True:
    number += 1
    session = Session(model=np.full((250, 250), float(number)), losses=tuple(map(float, range(number))))
    saving.save("training.npz", session)
    os.write(descriptor, b".")
"""


class Counts(NamedTuple):
    """What one kill left."""

    acknowledged: int
    found: int  # as many, or one more
    cut_off: int  # 1 if half a line is at the end


def environment(scratch: Path) -> dict[str, str]:
    """Return what a writer runs with: progress in its folder, and Jupyter's own files under `scratch`."""
    kept = {name: value for name, value in os.environ.items() if name != "BPTT_LESSONS_HOME"}
    return kept | {"IPYTHONDIR": str(scratch / "ipython"), "PYTHONPATH": os.pathsep.join(sys.path)}


@contextlib.contextmanager
def kernel(code: str, folder: Path) -> Iterator[Any]:
    """Run a cell in a kernel, as a notebook in `folder` would; give its process."""
    manager = KernelManager(kernel_spec_manager=ThisPython())
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager.start_kernel(cwd=str(folder), env=environment(folder.parent), **quiet)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        client.execute(code)
        yield manager.provisioner.process
    finally:
        client.stop_channels()
        manager.provisioner.process.kill()
        manager.provisioner.process.wait()
        manager.cleanup_resources()


@contextlib.contextmanager
def process(code: str, folder: Path) -> Iterator[Any]:
    """Run code in a bare Python process; give the process."""
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=environment(folder.parent)) as started:
        yield started
        started.kill()


def size(path: Path) -> int:
    """Return a file's size; 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def wait_for(writer: Any, path: Path, least: int) -> None:
    """Wait until a writer has acknowledged so many records."""
    end = time.monotonic() + PATIENCE
    while size(path) < least:
        if writer.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the writer acknowledged {size(path)} records, and then ended or hung")
        time.sleep(0.001)


def kill(writer: Any) -> None:
    """Send kill -9, or what Windows has for it."""
    writer.kill()
    writer.wait()


def lines_of(folder: Path, exercise: str) -> list[str]:
    """Return the statuses recorded for an exercise; they must alternate, for none is recorded twice or left out."""
    statuses = [entry.status for entry in progress.read(folder) if entry.exercise == exercise]
    assert all(one != other for one, other in itertools.pairwise(statuses)), "a record is missing"
    return statuses


def writing(code: str, exercise: str, acknowledged: Path) -> str:
    """Return a writer's code."""
    return (ACKNOWLEDGING + code).format(exercise=exercise, acknowledged=str(acknowledged))


def kill_recording(start: Callable[..., Any], code: str, folder: Path, rng: random.Random) -> Counts:
    """Start a writer, kill it, and count what is left; the folder may hold what earlier kills left."""
    exercise = "activations.sigmoid"
    acknowledged = folder.parent / "acknowledged"
    acknowledged.unlink(missing_ok=True)
    before = len(lines_of(folder, exercise))
    with start(writing(code, exercise, acknowledged), folder) as writer:
        wait_for(writer, acknowledged, 1)  # it continues at once where a killed one stopped
        time.sleep(rng.uniform(0, SPREAD))
        kill(writer)
    counts = counted(folder, size(acknowledged), len(lines_of(folder, exercise)) - before)
    assert "solved" in str(progress.progress_report(folder))
    return counts


def counted(folder: Path, acknowledged: int, found: int) -> Counts:
    """Compare what was acknowledged with what the file holds."""
    assert acknowledged <= found <= acknowledged + 1, f"{acknowledged} records were acknowledged, {found} are there"
    cut_off = not (folder / progress.FILE).read_bytes().endswith(b"\n")
    return Counts(acknowledged, found, int(cut_off))


def kill_beside_a_survivor(times: int, folder: Path, rng: random.Random) -> list[Counts]:
    """Kill kernels while another one writes into the same folder: it must go on, and lose nothing."""
    exercise, acknowledged = "losses.mse", folder.parent / "acknowledged by the survivor"
    counts = []
    with kernel(writing(CHECKS, exercise, acknowledged), folder) as survivor:
        wait_for(survivor, acknowledged, 1)
        for _ in range(times):
            counts.append(kill_recording(kernel, CHECKS, folder, rng))
            wait_for(survivor, acknowledged, size(acknowledged) + 2)
        kill(survivor)
    assert 0 <= len(lines_of(folder, exercise)) - size(acknowledged) <= 1
    return counts


def kill_saving(folder: Path, rng: random.Random) -> Counts:
    """Kill a process that saves a training over and over; the file must hold one of them, whole."""
    path, acknowledged = folder / "training.npz", folder.parent / "acknowledged"
    acknowledged.unlink(missing_ok=True)
    done = saved_number(path) if path.exists() else 0
    with process(SAVES.format(acknowledged=str(acknowledged), done=done), folder) as writer:
        wait_for(writer, acknowledged, 1)
        time.sleep(rng.uniform(0, SPREAD))
        kill(writer)
    parts = [*folder.glob("*.part")]
    for part in parts:  # the half that was being written has a name of its own
        part.unlink()
    assert len(parts) <= 1
    found = saved_number(path) - done
    assert size(acknowledged) <= found <= size(acknowledged) + 1
    return Counts(size(acknowledged), found, len(parts))


def saved_number(path: Path) -> int:
    """Return the number of the session that a file holds; raise unless it holds exactly that one."""
    loaded = saving.load(path, Session(model=np.zeros((250, 250))))
    number = len(loaded.losses)
    assert (loaded.model == number).all()
    return number


def run(variant: str, times: int, folder: Path, seed: int = 0) -> list[Counts]:
    """Kill one kind of writer some times, always in the same folder."""
    folder = folder / ODD_NAME
    folder.mkdir(parents=True)
    rng = random.Random(seed)
    if variant == "a training that is saved":
        return [kill_saving(folder, rng) for _ in range(times)]
    if variant == "one of two kernels":
        return kill_beside_a_survivor(times, folder, rng)
    start, code = (process, RECORDS) if variant == "one process" else (kernel, CHECKS)
    counts = []
    for _ in range(times):
        counts.append(kill_recording(start, code, folder, rng))
        with locked(folder / progress.LOCK, seconds=0):  # the dead hold no lock
            pass
    return counts


VARIANTS = ("one kernel", "one of two kernels", "one process", "a training that is saved")


def main() -> None:
    """Run every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("variants", nargs="*", default=VARIANTS, metavar="VARIANT", help="; ".join(VARIANTS))
    options = parser.parse_args()
    head = ("what was killed", "kills", "acknowledged", "lost", "written, not acknowledged", "cut off")
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for variant in options.variants:
        with tempfile.TemporaryDirectory() as folder:
            counts = run(variant, options.times, Path(folder), options.seed)
        acknowledged, found, cut_off = (sum(column) for column in zip(*counts, strict=True))
        row = (variant, len(counts), acknowledged, max(0, acknowledged - found), found - acknowledged, cut_off)
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
