"""Folders whose names hold spaces, quotes, accents, percent signs and worse: everything works in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bptt_lessons.course import cli, learner_folder, progress

ROOT = Path(__file__).resolve().parents[2]
WORST = '-Élodie\'s "cours" `1` 100% %s #1?;$HOME\ne\N{COMBINING ACUTE ACCENT} обучение'
NAMES = {
    "everything at once": WORST,
    "spaces": " two  spaces ",
    "a leading dash": "--help",
    "beyond the first plane": "\N{MATHEMATICAL BOLD CAPITAL L} 学习",
    "signs of shells and addresses": "a#b?c&d;$HOME {e} [f] ~ 100%20",
    "a backslash": "a\\b",
}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="such names are not allowed everywhere")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_copy_progress_and_reset(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "00_start_here.ipynb").write_text("a lesson")
    monkeypatch.setattr(learner_folder, "shipped_folder", lambda: shipped)
    monkeypatch.setenv("HOME", str(tmp_path / NAMES[name]))
    folder = tmp_path / NAMES[name] / "my lessons"
    assert cli.main(["copy", "~/my lessons"]) == 0
    assert (folder / "00_start_here.ipynb").read_text() == "a lesson"
    monkeypatch.setenv("BPTT_LESSONS_HOME", "~/my lessons")
    progress.record("00_start_here", "activations.sigmoid", "correct", None)
    assert cli.main(["progress"]) == 0
    assert cli.main(["reset", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "activations.sigmoid: solved" in out
    assert f"The record of before is now {folder}/progress-until-" in out
