"""Killed at random moments, and at every call that changes a disk: nothing is lost, nothing is damaged."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import every_call
import pytest
from every_call import LESSONS, MINE, RESULTS, WORK

from bptt_lessons.course import learner_folder, progress
from bptt_lessons.course.locking import locked

ODD_NAME = 'my "lessons" 100% #1? é' if os.name == "posix" else "my lessons 100% é"
PATIENCE = 60  # seconds that a writer may take to begin
SPREAD = 0.2  # the kill comes within so many seconds: several checks, many records

# A writer acknowledges each return from `progress.record` in a file of its own.
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
statuses = ["wrong", "correct"] if last == ["correct"] else ["correct", "wrong"]
"""

RECORDS = """
while True:
    for status in statuses:
        progress.record("a_lesson", {exercise!r}, status, None)
"""


def environment(scratch: Path) -> dict[str, str]:
    """Return the environment of a writer: progress in its own folder."""
    kept = {name: value for name, value in os.environ.items() if name != "BPTT_LESSONS_HOME"}
    return kept | {"IPYTHONDIR": str(scratch / "ipython"), "PYTHONPATH": os.pathsep.join(sys.path)}


@contextlib.contextmanager
def process(code: str, folder: Path) -> Iterator[Any]:
    """Run code in a bare Python process; give the process."""
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=environment(folder.parent)) as started:
        yield started
        started.kill()


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def wait_for(writer: Any, path: Path, least: int) -> None:
    """Wait until a writer has acknowledged so many records."""
    end = time.monotonic() + PATIENCE
    while size(path) < least:
        assert writer.poll() is None, f"the writer ended after {size(path)} records"
        assert time.monotonic() < end, f"the writer hung after {size(path)} records"
        time.sleep(0.001)


def count(folder: Path, exercise: str) -> int:
    """Count the results of an exercise; they must alternate, for none is recorded twice or left out."""
    statuses = [entry.status for entry in progress.read(folder) if entry.exercise == exercise]
    assert all(one != other for one, other in itertools.pairwise(statuses)), "a record is missing"
    return len(statuses)


def check_all_there(acknowledged: int, found: int) -> None:
    assert acknowledged <= found <= acknowledged + 1, f"{acknowledged} records were acknowledged, {found} are there"


def kill_once(folder: Path, rng: random.Random) -> None:
    """Start a writer and kill it; every acknowledged record must be there, and at most one more."""
    exercise, acknowledged = "activations.sigmoid", folder.parent / "acknowledged"
    acknowledged.unlink(missing_ok=True)
    before = count(folder, exercise)
    code = (ACKNOWLEDGING + RECORDS).format(exercise=exercise, acknowledged=str(acknowledged))
    with process(code, folder) as writer:
        wait_for(writer, acknowledged, 1)
        time.sleep(rng.uniform(0, SPREAD))
        writer.kill()
        writer.wait()
    check_all_there(size(acknowledged), count(folder, exercise) - before)
    assert "solved" in str(progress.progress_report(folder))


def test_killed_at_random_moments(whole: bool, tmp_path: Path) -> None:
    folder, rng = tmp_path / ODD_NAME, random.Random(0)
    folder.mkdir()
    for _ in range(10 if whole else 1):
        kill_once(folder, rng)
        with locked(folder / progress.LOCK, seconds=0):  # the dead hold no lock
            pass


def results(folder: Path) -> list[tuple[str, str, str | None]]:
    """Return what is recorded."""
    return [entry[2:] for entry in progress.read(folder)]


def look_at_records(folder: Path, least: int) -> None:
    found = results(folder / MINE)
    assert found == RESULTS[: len(found)]
    assert len(found) >= least
    every_call.record(RESULTS[len(found) :])(folder)
    assert results(folder / MINE) == RESULTS
    assert "rnn.step: solved" in str(progress.progress_report(folder / MINE))


def look_at_reset(folder: Path) -> None:
    [file] = (folder / MINE).glob("*.jsonl")
    assert [entry[2:] for entry in map(progress.parse, file.read_bytes().splitlines()) if entry] == RESULTS
    progress.set_aside(folder / MINE)
    [file] = (folder / MINE).glob("progress-until-*.jsonl")
    assert file.read_bytes().count(b"\n") == 3


def look_at_upgrade(folder: Path) -> None:
    mine, better = folder / MINE, folder / "better"
    learner_folder.prepare(mine, shipped=better, version="2")
    assert (mine / LESSONS[1]).read_text() == WORK
    names = [f"{name.removesuffix('.ipynb')} (version 2).ipynb" for name in LESSONS]
    assert sorted(path.name for path in mine.glob("*.ipynb")) == sorted([*LESSONS, *names])
    assert all(
        (mine / new).read_bytes() == (better / old).read_bytes() for new, old in zip(names, LESSONS, strict=True)
    )
    assert not [*mine.rglob("*.tmp")]


LOOKS: dict[str, Callable[[Path], None]] = {
    "record": lambda folder: look_at_records(folder, 2),
    "record for the first time": lambda folder: look_at_records(folder, 0),
    "reset": look_at_reset,
    "upgrade": look_at_upgrade,
}
CALLS = {"record": 8, "record for the first time": 20, "reset": 3, "upgrade": 20}


@pytest.fixture(scope="module")
def deaths(whole: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what every death of every action has left."""
    if not hasattr(os, "fork"):
        pytest.skip("needs a process that can be forked")
    folder = tmp_path_factory.mktemp("deaths")
    command = [sys.executable, str(every_call.__file__), str(folder), "1" if whole else "3"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("action", LOOKS)
def test_killed_at_every_call_that_changes_a_disk(action: str, deaths: Path) -> None:
    folders = {int(folder.name): folder for folder in (deaths / action).iterdir()}
    assert max(folders) > CALLS[action]  # the last one ran through
    for folder in folders.values():
        LOOKS[action](folder)
