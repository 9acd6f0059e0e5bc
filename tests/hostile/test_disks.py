"""A full disk and a folder that may only be read: said in plain words, nothing lost, and gone on with afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from disks import enlarge, fill, read_only, small_disk
from learner import RIGHT, WRONG, notebook
from test_first_start import EVERYTHING, finishes, make_clone, started

from bptt_lessons.course import cli, doctor, learner_folder, progress
from bptt_lessons.training import saving
from bptt_lessons.training.loop import Session

NAME = "my lessons é"
SAFE = "What was written there before is safe"


def alternate(folder: Path) -> int:
    """Record until it fails; return how often it went well."""
    for done in range(1000):
        status = ("correct", "wrong")[done % 2]
        try:
            progress.record("00_start_here", "activations.sigmoid", status, None, folder=folder)
        except OSError:
            return done
    raise AssertionError("the disk never filled")


def statuses(folder: Path) -> list[str]:
    return [entry.status for entry in progress.read(folder)]


def test_progress_on_a_full_disk_stops_with_words_and_goes_on(tmp_path: Path) -> None:
    with small_disk(tmp_path / NAME, 64) as folder:
        progress.record("00_start_here", "activations.sigmoid", "wrong", None, folder=folder)
        filling = fill(folder)
        done = alternate(folder)
        assert done > 10  # to the end of the last page of the file
        assert statuses(folder) == ["wrong", *["correct", "wrong"] * done][: done + 1]
        assert "activations.sigmoid: solved" in str(progress.progress_report(folder))
        with pytest.raises(OSError, match=r"the disk that holds .*my lessons é is full\. .* Make room, then run this"):
            progress.record("00_start_here", "rnn.step", "correct", None, folder=folder)
        filling.unlink()
        progress.record("00_start_here", "rnn.step", "correct", None, folder=folder)
        assert len(statuses(folder)) == done + 2


LIMITED = """
import resource, sys
from bptt_lessons.course import progress
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for number in range(100):
    try:
        progress.record("a_lesson", f"exercise {number}", "correct", None)
    except OSError as error:
        print(number, error)
        break
"""


@pytest.mark.skipif(os.name != "posix", reason="limits a file's size as POSIX does")
def test_a_line_that_the_disk_took_half_of_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without mounting: a file that may not grow beyond 1000 bytes, in the middle of a line."""
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(tmp_path))
    for _ in range(2):
        result = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
        number, _, words = result.stdout.partition(" ")
        assert SAFE in words
        assert [entry.exercise for entry in progress.read()] == [f"exercise {n}" for n in range(6)]
    assert int(number) == 6
    assert (tmp_path / progress.FILE).stat().st_size == 1000
    progress.record("a_lesson", "exercise 6", "correct", None)
    assert [entry.exercise for entry in progress.read()] == [f"exercise {n}" for n in range(7)]
    assert "is damaged" in str(progress.progress_report())


def test_checks_in_a_lesson(tmp_path: Path) -> None:
    with small_disk(tmp_path / NAME, 64) as folder, notebook(folder, tmp_path) as run:
        filling = fill(folder)
        shown = run(RIGHT)
        assert "correct, in all" in shown
        assert "Your progress could not be written down: the disk that holds" in shown
        assert "Make room, then run this cell again." in shown
        assert "0 of 1 solved" in run("progress_report()")
        filling.unlink()
        assert "could not be written" not in run(RIGHT)
        with read_only(folder):
            shown = run(WRONG)
            assert "not right yet" in shown
            assert "could not be written down" in shown
            assert f"{SAFE}. Make that place writable, or open the course in another folder" in shown
            assert "activations.sigmoid: solved" in run("progress_report()")
        assert "could not be written" not in run(WRONG)
        assert statuses(folder) == ["correct", "wrong"]


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run a command; return its code and what it says."""
    code = cli.main(words)
    out, error = capsys.readouterr()
    return code, out, error


@pytest.mark.parametrize("command", ["copy", "open"])
def test_lessons_do_not_fit(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lessons = learner_folder.shipped_lessons(learner_folder.shipped_folder())
    room = sum(len(learner_folder.as_copied(path.read_bytes())) for path in lessons[:2]) // 1024 + 30
    with small_disk(tmp_path / NAME, room) as disk:
        mine = disk / "mine"
        code, _, error = said([command, str(mine)], capsys)
        assert code == 1
        assert error.splitlines() == [
            f"bptt-lessons: {mine}: No space left on device",
            "Nothing that was there before is lost.",
            f"Make room on the disk, or choose another folder: {cli.typed('open FOLDER')}",
        ]
        there = sorted(mine.glob("*.ipynb"))
        assert 1 <= len(there) < len(lessons)
        whole = [learner_folder.as_copied(path.read_bytes()) for path in lessons]
        assert all(path.read_bytes() == content for path, content in zip(there, whole, strict=False))
        there[0].write_text("my work")
        enlarge(disk)
        assert said(["copy", str(mine)], capsys)[0] == 0
        assert there[0].read_text() == "my work"
        assert [path.name for path in sorted(mine.glob("*.ipynb"))] == [path.name for path in lessons]
        assert not [*mine.rglob("*.tmp")]


def test_commands_on_a_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_disk(tmp_path / NAME, 64) as folder:
        progress.record("00_start_here", "activations.sigmoid", "correct", None, folder=folder)
        filling = fill(folder)
        assert "activations.sigmoid: solved" in said(["progress", str(folder)], capsys)[1]
        problems = {check.name: check.problem for check in [*doctor.quick_checks(folder), doctor.writing(folder)]}
        assert problems["Disk space"] == "only 0 MB are free"
        assert problems["Writing a file"] == f"writing into {folder} failed (No space left on device)"
        assert said(["reset", "--yes", str(folder)], capsys)[0] == 0  # takes no room
        filling.unlink()
        assert [path.name[:15] for path in folder.glob("*.jsonl")] == ["progress-until-"]


def test_commands_on_a_folder_that_may_only_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)
    folder = tmp_path / NAME
    progress.record("00_start_here", "activations.sigmoid", "correct", None, folder=folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with read_only(folder):
        for words in (["copy"], ["open"], ["reset", "--yes"]):
            code, _, error = said([*words, str(folder)], capsys)
            assert code == 1
            assert str(folder) in error.splitlines()[0]
            assert error.splitlines()[1:] == [
                "Nothing that was there before is lost.",
                f"Make the folder writable, or choose another folder: {cli.typed('open FOLDER')}",
            ]
        assert "activations.sigmoid: solved" in said(["progress", str(folder)], capsys)[1]
        assert doctor.can_write(folder).problem == f"{folder} cannot be written"
        assert f"writing into {folder} failed" in doctor.writing(folder).problem
        assert f"writing into {folder} failed" in doctor.recording(folder).problem
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert said(["reset", "--yes", str(folder)], capsys)[0] == 0


def test_a_training_is_saved_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    def session(size: int) -> Session:
        return Session(model=np.full(size, float(size)))

    with small_disk(tmp_path / NAME, 64) as folder:
        path = folder / "training.npz"
        saving.save(path, session(100))
        with pytest.raises(
            OSError, match=r"training\.npz: No space .* is as it was\. Make room on that disk, then save"
        ):
            saving.save(path, session(10_000))
        assert saving.load(path, session(100)).model[0] == 100
        assert [p.name for p in folder.iterdir()] == ["training.npz"]
        with read_only(folder), pytest.raises(OSError, match=r"is as it was\. See that .* can be written, then save"):
            saving.save(path, session(10))
        enlarge(folder)
        saving.save(path, session(10_000))
        assert saving.load(path, session(10_000)).model[0] == 10_000


def test_a_clone_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / NAME, 128) as disk:
        clone = make_clone(disk / "clone")
        filling = fill(disk)
        with started(clone) as process:
            _, error = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "No space left on device" in error
        assert "full disk" in error
        assert "run this again" in error
        filling.unlink()
        assert finishes(clone) == EVERYTHING


def test_a_clone_that_may_only_be_read(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / NAME)
    with read_only(clone):
        with started(clone) as process:
            output, error = process.communicate(timeout=60)
        assert process.returncode == 1
        assert output == ""
        assert error.splitlines()[2:] == [
            f"The folder {clone} must be writable, and its disk not full. If the course is open, close it first.",
            "Then run this again.",
        ]
    assert finishes(clone) == EVERYTHING
    with read_only(clone):  # once it is set up, it need not be written
        assert finishes(clone) == EVERYTHING[-1:]
