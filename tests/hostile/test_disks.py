"""A full disk and a folder that may only be read: the message is plain, nothing is lost, and work continues."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bptt_lessons.course import cli, doctor, learner_folder, progress
from bptt_lessons.training import saving
from bptt_lessons.training.loop import Session

NAME = "my lessons é"
SAFE = "What was written there before is safe"
RIGHT = "my_activations_sigmoid = EXERCISES['activations.sigmoid'].solution\nf = check('activations.sigmoid')"
WRONG = "my_activations_sigmoid = lambda z: z\nf = check('activations.sigmoid')"


def record(exercise: str, status: str, folder: Path) -> None:
    progress.record("00_start_here", exercise, status, None, folder=folder)


def statuses(folder: Path) -> list[str]:
    return [entry.status for entry in progress.read(folder)]


def record_until_full(folder: Path) -> int:
    """Record until it fails; return how often it succeeded."""
    for done in range(1000):
        try:
            record("activations.sigmoid", ("correct", "wrong")[done % 2], folder)
        except OSError:
            return done
    raise AssertionError("the disk never filled")


def test_progress_on_a_full_disk_stops_with_words_and_goes_on(disks: Any, tmp_path: Path) -> None:
    with disks.small(tmp_path / NAME, 64) as folder:
        record("activations.sigmoid", "wrong", folder)
        filling = disks.fill(folder)
        done = record_until_full(folder)
        assert done > 10  # to the end of the last page of the file
        assert statuses(folder) == ["wrong", *["correct", "wrong"] * done][: done + 1]
        assert "activations.sigmoid: solved" in str(progress.progress_report(folder))
        with pytest.raises(OSError, match=r"the disk that holds .*my lessons é is full\. .* Make room, then run this"):
            record("rnn.step", "correct", folder)
        filling.unlink()
        record("rnn.step", "correct", folder)
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
    result = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    number, _, words = result.stdout.partition(" ")
    assert SAFE in words
    assert int(number) == 6
    assert (tmp_path / progress.FILE).stat().st_size == 1000
    progress.record("a_lesson", "exercise 6", "correct", None)
    assert [entry.exercise for entry in progress.read()] == [f"exercise {n}" for n in range(7)]
    assert "is damaged" in str(progress.progress_report())


def test_checks_in_a_lesson(disks: Any, notebook: Any, tmp_path: Path) -> None:
    with disks.small(tmp_path / NAME, 64) as folder, notebook(folder) as run:
        filling = disks.fill(folder)
        shown = run(RIGHT)
        assert "correct, in all" in shown
        assert "Your progress could not be written down: the disk that holds" in shown
        assert "Make room, then run this cell again." in shown
        assert "0 of 1 solved" in run("progress_report()")
        filling.unlink()
        assert "could not be written" not in run(RIGHT)
        with disks.read_only(folder):
            shown = run(WRONG)
            assert "not right yet" in shown
            assert f"{SAFE}. Make that place writable, or open the course in another folder" in shown
            assert "activations.sigmoid: solved" in run("progress_report()")
        assert "could not be written" not in run(WRONG)
        assert statuses(folder) == ["correct", "wrong"]


def run_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run a command; return its code, output and errors."""
    code = cli.main(words)
    out, error = capsys.readouterr()
    return code, out, error


@pytest.mark.parametrize("command", ["copy", pytest.param("open", marks=pytest.mark.long)])
def test_lessons_do_not_fit(command: str, disks: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lessons = learner_folder.shipped_lessons(learner_folder.shipped_folder())
    whole = [learner_folder.as_copied(path.read_bytes()) for path in lessons]
    with disks.small(tmp_path / NAME, sum(map(len, whole[:2])) // 1024 + 30) as disk:
        mine = disk / "mine"
        code, _, error = run_command([command, str(mine)], capsys)
        assert code == 1
        assert error.splitlines() == [
            f"bptt-lessons: {mine}: No space left on device",
            "Nothing that was there before is lost.",
            f"Make room on the disk, or choose another folder: {cli.typed('open FOLDER')}",
        ]
        there = sorted(mine.glob("*.ipynb"))
        assert 1 <= len(there) < len(lessons)
        assert all(path.read_bytes() == content for path, content in zip(there, whole, strict=False))
        there[0].write_text("my work")
        disks.enlarge(disk)
        assert run_command(["copy", str(mine)], capsys)[0] == 0
        assert there[0].read_text() == "my work"
        assert [path.name for path in sorted(mine.glob("*.ipynb"))] == [path.name for path in lessons]
        assert not [*mine.rglob("*.tmp")]


def test_commands_on_a_full_disk(disks: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with disks.small(tmp_path / NAME, 64) as folder:
        record("activations.sigmoid", "correct", folder)
        filling = disks.fill(folder)
        assert "activations.sigmoid: solved" in run_command(["progress", str(folder)], capsys)[1]
        problems = {check.name: check.problem for check in doctor.quick_checks(folder)}
        assert problems["Disk space"] == "only 0 MB are free"
        assert doctor.writing_problem(folder) == f"writing into {folder} failed (No space left on device)"
        assert run_command(["reset", "--yes", str(folder)], capsys)[0] == 0  # takes no room
        filling.unlink()
        assert [path.name[:15] for path in folder.glob("*.jsonl")] == ["progress-until-"]


def test_commands_on_a_folder_that_may_only_be_read(
    disks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)
    folder = tmp_path / NAME
    record("activations.sigmoid", "correct", folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with disks.read_only(folder):
        for words in (["copy"], ["open"], ["reset", "--yes"]):
            code, _, error = run_command([*words, str(folder)], capsys)
            assert code == 1
            assert str(folder) in error.splitlines()[0]
            assert error.splitlines()[1:] == [
                "Nothing that was there before is lost.",
                f"Make the folder writable, or choose another folder: {cli.typed('open FOLDER')}",
            ]
        assert "activations.sigmoid: solved" in run_command(["progress", str(folder)], capsys)[1]
        assert doctor.can_write(folder).problem == f"{folder} cannot be written"
        assert f"writing into {folder} failed" in doctor.writing(folder).problem
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert run_command(["reset", "--yes", str(folder)], capsys)[0] == 0


def test_a_training_is_saved_whole_or_stays_as_it_was(disks: Any, tmp_path: Path) -> None:
    def session(size: int) -> Session:
        return Session(model=np.full(size, float(size)))

    with disks.small(tmp_path / NAME, 64) as folder:
        path = folder / "training.npz"
        saving.save(path, session(100))
        with pytest.raises(
            OSError, match=r"training\.npz: No space .* is as it was\. Make room on that disk, then save"
        ):
            saving.save(path, session(10_000))
        assert saving.load(path, session(100)).model[0] == 100
        assert [p.name for p in folder.iterdir()] == ["training.npz"]
        with (
            disks.read_only(folder),
            pytest.raises(OSError, match=r"is as it was\. See that .* can be written, then save"),
        ):
            saving.save(path, session(10))
