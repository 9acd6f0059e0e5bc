"""A progress file full of garbage: reported in plain words, and kept whole."""

from __future__ import annotations

import random
from pathlib import Path

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
