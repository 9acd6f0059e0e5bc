"""A progress file that is no such file, or full of garbage: said in words, kept whole, and never waited for."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from learner import RIGHT, WRONG, notebook

from bptt_lessons.course import cli, doctor, progress

OURS = (
    b'{"version": 1, "time": "2026-01-01T00:00:00+00:00", "lesson": "00_start_here", '
    b'"exercise": "activations.sigmoid", "status": "correct", "misconception": null}'
)
ANOTHER = OURS.replace(b"activations.sigmoid", b"rnn.step").replace(b"00_start_here", b"01_unrolling")
NEWER = OURS.replace(b'"version": 1', b'"version": 2').replace(b"activations.sigmoid", b"losses.mse")

DAMAGED = {
    "random bytes": random.Random(1).randbytes(20_000) + b"\n" + OURS,
    "a tail of zeros, as after a power cut": OURS + b"\n" + b"\0" * 4096,
    "zeros throughout": OURS + b"\n" + b"\0" * 100 + b"\n" + OURS + b"\n",
    "a newer version": OURS + b"\n" + NEWER + b"\n",
    "invalid UTF-8": OURS + b"\n" + OURS.replace(b"00_start", b"\xff\xfe") + b"\n",
    "half a line": OURS + b"\n" + OURS[:40],
    "half a character": OURS + b"\n" + '{"é'.encode()[:-1],
    "UTF-16": OURS + b"\n" + OURS.decode().encode("utf-16"),
    "no lines at all": OURS + b"\n" + b"[" * 300_000,
}
SOUND = {
    "line ends of Windows": OURS + b"\r\n",
    "no line end": OURS,
    "blank lines": b"\n\n" + OURS + b"\n\n\r\n",
    "a byte order mark": b"\xef\xbb\xbf" + OURS + b"\n",
}


@pytest.mark.parametrize("name", [*DAMAGED, *SOUND])
def test_garbage_is_passed_over_kept_and_said(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / progress.FILE
    content = (DAMAGED | SOUND)[name]
    file.write_bytes(content)
    report = str(progress.progress_report(tmp_path))
    assert "activations.sigmoid: solved" in report
    assert ("is damaged, or was written by another version" in report) == (name in DAMAGED)
    progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert "rnn.step: solved" in str(progress.progress_report(tmp_path))
    assert file.read_bytes().startswith(content)
    assert doctor.recording(tmp_path).problem == ""
    assert cli.main(["reset", "--yes", str(tmp_path)]) == 0
    [aside] = tmp_path.glob("progress-until-*.jsonl")
    assert aside.read_bytes().startswith(content)
    assert str(aside) in capsys.readouterr().out


def test_a_huge_file_is_read_to_its_end_only_for_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred megabytes: a check looks at the last one alone, and nothing but possible lines is decoded."""
    file = tmp_path / progress.FILE
    with file.open("wb") as writing:
        writing.write(OURS + b"\n")
        writing.truncate(50_000_000)  # zeros without a line end, which take no room
        writing.seek(0, os.SEEK_END)
        writing.write(b"\n" + b"#" * 2_000_000 + b"\n" + ANOTHER + b"\n")
        writing.truncate(100_000_000)
    looked_at: list[int] = []
    decode = progress.json.loads
    parse = progress.parse
    monkeypatch.setattr(progress.json, "loads", lambda text: looked_at.append(-1) or decode(text))
    monkeypatch.setattr(progress, "parse", lambda line: looked_at.append(len(line)) or parse(line))
    progress.record("00_start_here", "losses.mse", "correct", None, folder=tmp_path)
    assert sum(looked_at) <= progress.LOOKED_BACK
    assert max(looked_at) <= progress.LONGEST
    looked_at.clear()
    report = str(progress.report_on(tmp_path))
    assert looked_at.count(-1) == 3
    assert all(f"{name}: solved" in report for name in ("activations.sigmoid", "rnn.step", "losses.mse"))


def test_the_last_result_is_found_in_a_long_file(tmp_path: Path) -> None:
    (tmp_path / progress.FILE).write_bytes((ANOTHER + b"\n") * (2 * progress.LOOKED_BACK // len(ANOTHER)))
    size = (tmp_path / progress.FILE).stat().st_size
    progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert (tmp_path / progress.FILE).stat().st_size == size


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


PLACES: dict[str, Callable[[Path], None]] = {
    "a folder": Path.mkdir,
    "a pipe": lambda path: os.mkfifo(path),
    "a loop of links": make_loop,
    "a broken link": lambda path: path.symlink_to("nowhere"),
    "a device": lambda path: path.symlink_to("/dev/full"),
}


@pytest.mark.skipif(os.name != "posix", reason="makes pipes and links")
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_is_refused_at_once_and_set_aside(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)
    file = tmp_path / progress.FILE
    PLACES[place](file)
    before = file.lstat()[:2]  # its kind and its number
    with pytest.raises(OSError, match=r"is not a file .* It was left as it is: rename it, and progress is kept again"):
        progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert str(progress.progress_report(tmp_path)).startswith(f"Your progress cannot be shown: {file} is not a file")
    assert cli.main(["progress", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"bptt-lessons: {file} is not a file")
    assert "Make the folder writable" not in error
    check = doctor.recording(tmp_path)
    assert check.problem == f"{file} cannot be read (it is not a file)"
    assert check.mend.startswith("rename it")
    assert file.lstat()[:2] == before
    assert cli.main(["reset", "--yes", str(tmp_path)]) == 0
    [aside] = [path for path in tmp_path.iterdir() if path.name.startswith("progress-until-")]
    assert aside.lstat()[:2] == before
    progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path)
    assert len(progress.read(tmp_path)) == 1


@pytest.mark.skipif(os.name != "posix", reason="makes pipes")
def test_a_pipe_in_the_place_of_a_lesson_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "00_start_here.ipynb")
    assert cli.main(["copy", str(tmp_path)]) == 0
    assert (tmp_path / "00_start_here.ipynb").is_fifo()
    assert [*tmp_path.glob("00_start_here (version *).ipynb")]


def test_in_a_notebook(tmp_path: Path) -> None:
    folder = tmp_path / "my lessons é"
    folder.mkdir()
    with notebook(folder, tmp_path) as run:
        (folder / progress.FILE).mkdir()
        shown = run(RIGHT)
        assert "correct, in all" in shown
        assert "Your progress could not be written down" in shown
        assert "rename it, and progress is kept again." in shown
        assert "Your progress cannot be shown" in run("progress_report()")
        (folder / progress.FILE).rename(folder / "renamed")
        assert "could not be written" not in run(WRONG)
        moved = folder.rename(tmp_path / "moved")
        assert "could not be written" not in run(RIGHT)
        assert [entry.status for entry in progress.read(moved)] == ["wrong", "correct"]
        shutil.rmtree(moved)
        gone = "the folder of this notebook was moved or deleted"
        assert gone in run(RIGHT)
        assert gone in run("progress_report()")
        report = run("from bptt_lessons.course.doctor import environment_report\nenvironment_report()")
        assert report.startswith(f"Your folder: problem: {gone}")
