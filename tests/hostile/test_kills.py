"""Killed at random moments, and at every call that changes a disk: nothing is lost, nothing is damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import every_call
import kill_kernels
import pytest
from every_call import LESSONS, MINE, RESULTS, WORK

from bptt_lessons.course import learner_folder, progress
from bptt_lessons.training import saving


@pytest.mark.parametrize("variant", ["one kernel", "one process", "a training that is saved"])
def test_killed_at_random_moments(variant: str, whole: bool, tmp_path: Path) -> None:
    kills(variant, 5 if whole else 1, tmp_path)


@pytest.mark.long
def test_one_of_two_kernels_killed_at_random_moments(tmp_path: Path) -> None:
    kills("one of two kernels", 2, tmp_path)


def kills(variant: str, times: int, tmp_path: Path) -> None:
    counts = kill_kernels.run(variant, times, tmp_path)  # which raises if an acknowledged record is not there
    assert len(counts) == times
    assert all(c.acknowledged >= 1 for c in counts)


def test_a_lost_record_would_be_noticed(tmp_path: Path) -> None:
    every_call.record(RESULTS)(tmp_path)
    file = tmp_path / MINE / progress.FILE
    for damage in (lambda lines: lines[:-1], lambda lines: [*lines[:-1], b"#" + lines[-1]]):
        kill_kernels.counted(tmp_path / MINE, 3, len(progress.read(tmp_path / MINE)))
        whole = file.read_bytes()
        file.write_bytes(b"\n".join(damage(whole.split(b"\n")[:-1])) + b"\n")
        with pytest.raises(AssertionError, match="3 records were acknowledged, 2 are there"):
            kill_kernels.counted(tmp_path / MINE, 3, len(progress.read(tmp_path / MINE)))
        file.write_bytes(whole)


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


def look_at_copy(folder: Path) -> None:
    mine, shipped = folder / MINE, folder / "as shipped"
    for path in mine.glob("*.ipynb"):
        assert path.read_bytes() in (b"", (shipped / path.name).read_bytes()), "half a lesson"
    done = learner_folder.prepare(mine, shipped=shipped, version="1")
    assert sorted(done.copied + done.kept) == [*LESSONS]
    assert all((mine / name).read_bytes() == (shipped / name).read_bytes() for name in LESSONS)
    assert not [*mine.rglob("*.tmp")]


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


def look_at_saved(folder: Path, least: int) -> None:
    path = folder / MINE / "training.npz"
    assert path.exists() or least == 0
    if path.exists():
        loaded = saving.load(path, every_call.session(0))
        number = len(loaded.losses)
        assert number in (1, 2)
        assert (loaded.model == number).all()
    assert len([*path.parent.glob("*")]) <= 2  # the file, and what was being written beside it
    every_call.save(3)(folder)
    assert len(saving.load(path, every_call.session(0)).losses) == 3


LOOKS: dict[str, Callable[[Path], None]] = {
    "record": lambda folder: look_at_records(folder, 2),
    "record for the first time": lambda folder: look_at_records(folder, 0),
    "reset": look_at_reset,
    "copy without links": look_at_copy,
    "upgrade": look_at_upgrade,
    "save": lambda folder: look_at_saved(folder, 1),
}
CALLS = {"record": 8, "record for the first time": 20, "reset": 3, "copy without links": 20, "upgrade": 20, "save": 6}


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
