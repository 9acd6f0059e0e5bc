"""Progress: what is written, what survives damage, and what is said of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bptt_lessons.course import progress
from bptt_lessons.course.progress import Entry, Standing

EXERCISES = {"activations.sigmoid": "00_start_here", "rnn.step": "01_unrolling", "losses.mse": "01_unrolling"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mein Kurs ü"
    monkeypatch.setenv("BPTT_LESSONS_HOME", str(folder))
    return folder


def test_a_record_is_one_line_without_code_or_names(home: Path) -> None:
    progress.record("01_unrolling", "rnn.step", "wrong", "no-return")
    content = (home / "progress.jsonl").read_bytes()
    assert content.endswith(b"\n")
    assert content.count(b"\n") == 1
    fields = json.loads(content)
    assert set(fields) == {"version", "time", "lesson", "exercise", "status", "misconception"}
    assert progress.read() == [Entry(fields["time"], "01_unrolling", "rnn.step", "wrong", "no-return")]
    assert fields["time"].endswith("+00:00")


def test_the_same_result_again_adds_nothing(home: Path) -> None:
    for status in ("not attempted", "not attempted", "wrong", "wrong", "correct", "wrong"):
        progress.record("01_unrolling", "rnn.step", status, None)
        progress.record("01_unrolling", "losses.mse", "wrong", None)
    statuses = [entry.status for entry in progress.read() if entry.exercise == "rnn.step"]
    assert statuses == ["not attempted", "wrong", "correct", "wrong"]
    assert len(progress.read()) == 5


def test_another_misconception_is_another_result(home: Path) -> None:
    progress.record("01_unrolling", "rnn.step", "wrong", "no-return")
    progress.record("01_unrolling", "rnn.step", "wrong", "timeout")
    assert [entry.misconception for entry in progress.read()] == ["no-return", "timeout"]


def test_an_unknown_status_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="status is 'solved'; expected one of 'correct'"):
        progress.record("01_unrolling", "rnn.step", "solved", None)


def test_a_line_that_was_cut_off_costs_only_itself(home: Path) -> None:
    progress.record("01_unrolling", "rnn.step", "wrong", None)
    whole = (home / "progress.jsonl").read_bytes()
    for length in range(1, len(whole), 10):
        (home / "progress.jsonl").write_bytes(whole + whole[:length])
        progress.record("01_unrolling", "losses.mse", "correct", None)
        assert [e.exercise for e in progress.read()][::-1][0] == "losses.mse"
        assert {e.exercise for e in progress.read()} == {"rnn.step", "losses.mse"}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe\x00garbage",
        b"null",
        b"[1, 2]",
        b"{}",
        b'{"version": 2, "time": "t", "lesson": "l", "exercise": "e", "status": "correct", "misconception": null}',
        b'{"version": 1, "time": 5, "lesson": "l", "exercise": "e", "status": "correct", "misconception": null}',
        b'{"version": 1, "time": "t", "lesson": "l", "exercise": "e", "status": "done", "misconception": null}',
        b'{"version": 1, "time": "t", "lesson": "l", "exercise": "e", "status": "wrong", "misconception": 3}',
        b'{"version": 1, "time": "t", "lesson": "l", "exercise": "e", "status": ["wrong"], "misconception": null}',
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_foreign_lines_are_passed_over(home: Path, line: bytes) -> None:
    progress.record("01_unrolling", "rnn.step", "wrong", None)
    ours = (home / "progress.jsonl").read_bytes()
    (home / "progress.jsonl").write_bytes(line + b"\n" + ours + line + b"\r\n" + ours + line)
    assert [entry.exercise for entry in progress.read()] == ["rnn.step", "rnn.step"]


def test_nothing_recorded_is_nothing_read(home: Path, tmp_path: Path) -> None:
    assert progress.read() == []
    (tmp_path / "file").touch()
    assert progress.read(tmp_path / "file") == []


def test_without_the_variable_home_is_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME")
    monkeypatch.chdir(tmp_path)
    progress.record("01_unrolling", "rnn.step", "correct", None)
    assert progress.home() == tmp_path
    assert (tmp_path / "progress.jsonl").exists()


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        progress.record("01_unrolling", "rnn.step", "correct", None, folder=tmp_path / "file")


def test_a_full_disk_is_an_os_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress.record("01_unrolling", "rnn.step", "wrong", None)
    with monkeypatch.context() as patch:
        write = progress.os.write
        patch.setattr(progress.os, "write", lambda descriptor, data: write(descriptor, data[:7]))
        with pytest.raises(OSError, match=r"disk that holds .* is full"):
            progress.record("01_unrolling", "rnn.step", "correct", None)
    progress.record("01_unrolling", "rnn.step", "correct", None)
    assert [entry.status for entry in progress.read()] == ["wrong", "correct"]


WRITER = """
import sys
from pathlib import Path
sys.modules["bptt_lessons.course"] = type(sys)("bptt_lessons.course")  # without the exercises it starts sooner
sys.modules["bptt_lessons.course"].__path__ = [sys.argv[1]]
from bptt_lessons.course import progress
for number in range(40):
    progress.record("lesson", f"{sys.argv[2]}.{number}", "wrong", None)
    progress.record("lesson", "shared", "wrong", "the same for all")
"""


def test_two_processes_lose_nothing_and_repeat_nothing(home: Path) -> None:
    course = str(Path(progress.__file__).parent)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, course, name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    exercises = [entry.exercise for entry in progress.read()]
    assert sorted(exercises) == sorted([f"{name}.{n}" for name in "ab" for n in range(40)] + ["shared"])
    assert (home / "progress.jsonl").read_bytes().count(b"\n") == 81


def entry(exercise: str, status: str, misconception: str | None = None) -> Entry:
    return Entry("2026-01-01T00:00:00+00:00", "any", exercise, status, misconception)


def test_summary_tells_solved_from_tried_from_not_attempted() -> None:
    entries = [
        entry("activations.sigmoid", "correct"),
        entry("activations.sigmoid", "wrong", "no-return"),  # changed later: it stays solved
        entry("rnn.step", "wrong", "no-bias"),
        entry("rnn.step", "wrong"),
        entry("losses.mse", "not attempted"),
        entry("from.another.version", "correct"),
    ]
    assert progress.summary(entries, EXERCISES) == [
        Standing("00_start_here", "activations.sigmoid", "solved", None),
        Standing("01_unrolling", "rnn.step", "tried", "no-bias"),
        Standing("01_unrolling", "losses.mse", "not attempted", None),
    ]


def test_the_report_says_where_one_stands_and_what_comes_next() -> None:
    standings = progress.summary([entry("activations.sigmoid", "correct"), entry("rnn.step", "wrong", "x")], EXERCISES)
    report = progress.ProgressReport(standings)
    assert repr(report) == str(report)
    assert str(report).splitlines() == [
        "00_start_here: 1 of 1 solved",
        "  activations.sigmoid: solved",
        "01_unrolling: 0 of 2 solved",
        "  rnn.step: tried (last diagnosis: x)",
        "  losses.mse: not attempted",
        "Next: rnn.step in 01_unrolling",
    ]


def test_lessons_that_are_still_to_come_get_one_line() -> None:
    lines = str(progress.ProgressReport(progress.summary([], EXERCISES))).splitlines()
    assert lines == [
        "00_start_here: 0 of 1 solved",
        "  activations.sigmoid: not attempted",
        "01_unrolling: 0 of 2 solved",
        "Next: activations.sigmoid in 00_start_here",
    ]


def test_the_report_of_one_who_is_through() -> None:
    standings = progress.summary([entry(name, "correct") for name in EXERCISES], EXERCISES)
    assert str(progress.ProgressReport(standings)).endswith("Every exercise is solved.")


def test_setting_aside_keeps_the_record(home: Path) -> None:
    assert progress.set_aside() is None
    asides = []
    for status in ("wrong", "correct"):
        progress.record("01_unrolling", "rnn.step", status, None)
        asides.append(progress.set_aside())
        assert progress.read() == []
    assert len(set(asides)) == 2
    assert all(aside is not None and aside.exists() for aside in asides)
