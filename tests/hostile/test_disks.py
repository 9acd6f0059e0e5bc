"""A full disk: the message is plain, nothing is lost, and work continues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import cli, learner_folder, progress

NAME = "my lessons é"
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
