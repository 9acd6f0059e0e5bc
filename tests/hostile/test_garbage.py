"""A progress file that is not a file, or full of garbage: reported in plain words, kept whole, never waited for."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import cli, doctor, progress

LINE = (
    b'{"version": 1, "time": "2026-01-01T00:00:00+00:00", "lesson": "00_start_here", '
    b'"exercise": "activations.sigmoid", "status": "correct", "misconception": null}'
)
NEWER = LINE.replace(b'"version": 1', b'"version": 2').replace(b"activations.sigmoid", b"losses.mse")
DAMAGED = {
    "random bytes": random.Random(1).randbytes(20_000) + b"\n" + LINE,
    "a tail of zeros, as after a power cut": LINE + b"\n" + b"\0" * 4096,
    "a newer version": LINE + b"\n" + NEWER + b"\n",
    "half a line": LINE + b"\n" + LINE[:40],
    "UTF-16": LINE + b"\n" + LINE.decode().encode("utf-16"),
    "a long line": LINE + b"\n" + b"{" + b"[" * 300_000,
}
SOUND = {
    "Windows line ends": LINE + b"\r\n",
    "no line end": LINE,
    "blank lines": b"\n\n" + LINE + b"\n\n\r\n",
    "a byte order mark": b"\xef\xbb\xbf" + LINE + b"\n",
}


@pytest.mark.parametrize("name", [*DAMAGED, *SOUND])
def test_garbage_is_passed_over_kept_and_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)
    file = tmp_path / progress.FILE
    content = (DAMAGED | SOUND)[name]
    file.write_bytes(content)
    report = str(progress.progress_report(tmp_path))
    assert "activations.sigmoid: solved" in report
    assert ("is damaged, or was written by another version" in report) == (name in DAMAGED)
    progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert "rnn.step: solved" in str(progress.progress_report(tmp_path))
    assert file.read_bytes().startswith(content)
    assert doctor.writing(tmp_path).problem == ""
    assert cli.main(["reset", "--yes", str(tmp_path)]) == 0
    [aside] = tmp_path.glob("progress-until-*.jsonl")
    assert aside.read_bytes().startswith(content)


PLACES: dict[str, Callable[[Path], None]] = {
    "a folder": Path.mkdir,
    "a pipe": lambda path: os.mkfifo(path),
    "a broken link": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.skipif(os.name != "posix", reason="makes pipes and links")
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_is_refused_at_once_and_set_aside(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)
    file = tmp_path / progress.FILE
    PLACES[place](file)
    before = file.lstat()[:2]  # kind and inode number
    with pytest.raises(OSError, match=r"is not a file .* It was left as it is: rename it, and progress is kept again"):
        progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert str(progress.progress_report(tmp_path)).startswith(f"Your progress cannot be shown: {file} is not a file")
    assert cli.main(["progress", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"bptt-lessons: {file} is not a file")
    check = doctor.writing(tmp_path)
    assert check.problem == f"{file} cannot be read (it is not a file)"
    assert check.mend.startswith("rename it")
    assert file.lstat()[:2] == before
    assert cli.main(["reset", "--yes", str(tmp_path)]) == 0
    [aside] = [path for path in tmp_path.iterdir() if path.name.startswith("progress-until-")]
    assert aside.lstat()[:2] == before
    progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert len(progress.read(tmp_path)) == 1


@pytest.mark.long
def test_in_a_notebook(notebook: Any, tmp_path: Path) -> None:
    right = "my_activations_sigmoid = EXERCISES['activations.sigmoid'].solution\nf = check('activations.sigmoid')"
    folder = tmp_path / "my lessons é"
    folder.mkdir()
    with notebook(folder) as run:
        (folder / progress.FILE).mkdir()
        shown = run(right)
        assert "correct, in all" in shown
        assert "Your progress could not be written down" in shown
        assert "rename it, and progress is kept again." in shown
        assert "Your progress cannot be shown" in run("progress_report()")
        (folder / progress.FILE).rename(folder / "renamed")
        moved = folder.rename(tmp_path / "moved")
        assert "could not be written" not in run(right)
        assert [entry.status for entry in progress.read(moved)] == ["correct"]
        shutil.rmtree(moved)
        gone = "the folder of this notebook was moved or deleted"
        assert gone in run(right)
        assert gone in run("progress_report()")
        report = run("from bptt_lessons.course.doctor import environment_report\nenvironment_report()")
        assert report.startswith(f"Your folder: problem: {gone}")
