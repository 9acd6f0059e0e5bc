"""Records are written whole or not at all, and hold what was measured."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from bptt_lessons.course import side_by_side
from bptt_lessons.experiments import __main__ as command
from bptt_lessons.experiments import recording
from bptt_lessons.experiments.recording import Experiment, record, recorded, rounded, summary
from bptt_lessons.experiments.registry import EXPERIMENTS


def throw(seed, *, sides):
    rng = np.random.default_rng(seed)
    return {"mean": rng.random() * sides, "won": bool(seed % 2), "curve": [0.5, math.pi], "solved at": None}


DICE = Experiment("dice", "What comes up?", throw, (0, 1, 2), {"sides": (6)}, {"sides": 2}, {"mean": "3.5"})


def test_a_record_keeps_what_was_measured(tmp_path):
    result = record(DICE, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["dice.json"]
    read = recording.Recorded(**json.loads((tmp_path / "dice.json").read_text(encoding="utf-8")))
    assert read == result
    assert read.setting == {"sides": 6}
    assert read.seeds == [0, 1, 2]
    assert read.values["mean"] == [float(f"{throw(s, sides=6)['mean']:.6g}") for s in range(3)]
    assert read.values["won"] == [False, True, False]
    assert read.values["curve"] == [[0.5, 3.14159]] * 3
    assert read.values["solved at"] == [None] * 3
    assert len(read.seconds) == 3
    assert read.made_with["numpy"] == np.__version__
    assert re.fullmatch(r"[0-9a-f]{12}( with changes)?|unknown", read.made_with["commit"])


@pytest.mark.parametrize("bad", [math.nan, math.inf, "1", 1j])
def test_a_run_that_fails_leaves_the_old_record(tmp_path, bad):
    record(DICE, tmp_path)
    before = (tmp_path / "dice.json").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="finite numbers"):
        record(DICE._replace(run=lambda seed, sides: {"mean": bad}), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["dice.json"]
    assert (tmp_path / "dice.json").read_text(encoding="utf-8") == before


def test_seeds_must_measure_the_same(tmp_path):
    with pytest.raises(ValueError, match="for one seed"):
        record(DICE._replace(run=lambda seed, sides: {f"mean {seed}": 1.0}), tmp_path)


def test_rounding():
    assert rounded(1234567.0) == 1234570.0
    assert rounded(1234567) == 1234567
    assert rounded(np.float32(0.1)) == 0.1
    assert rounded(np.bool_(True)) is True
    assert rounded(np.array([1 / 3, 2.0])) == [0.333333, 2.0]
    assert rounded(None) is None


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([True, False, True], "2 of 3"),
        ([0.5], "0.5"),
        ([0.5, 0.5], "0.5"),
        ([3.0, 1.0, 2.5], "2.5 (1 ... 3)"),
        ([800, None, 400], "600 (400 ... 800), never in 1 of 3"),
        ([None, None], "never"),
        ([18703800.0], "1.87e+07"),
        ([1445.2, 280.0], "863 (280 ... 1,445)"),
    ],
)
def test_summaries(values, text):
    assert summary(values) == text


def test_nothing_cannot_be_summed_up():
    with pytest.raises(ValueError, match="number of values"):
        summary([])


@pytest.mark.parametrize("name", ["dice", "", "../recording"])
def test_no_such_record(name):
    with pytest.raises(ValueError, match="there is no record"):
        recorded(name)


def test_the_command_records(capsys, tmp_path):
    assert command.main(["orthogonal_gain", "--folder", str(tmp_path)]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["orthogonal_gain.json"]
    assert "gain 1.05, input 1: " in capsys.readouterr().out


def test_the_command_knows_no_other_name(capsys, tmp_path):
    with pytest.raises(SystemExit):
        command.main(["gradient_bound", "orthogonal", "--folder", str(tmp_path)])
    assert "no experiment is called orthogonal" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def unmeasured(text):
    return re.sub(r"\[measured [^\]]*\]", "[measured]", text)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_table_fits_the_page(name):
    experiment = EXPERIMENTS[name]
    found = recorded(name)
    live = {quantity: values[0] for quantity, values in found.values.items()}
    text = side_by_side.table(experiment, live)
    assert max(map(len, text.splitlines())) <= 95
    assert max(map(len, unmeasured(text).splitlines())) <= 92
    other = {quantity: values[-1] for quantity, values in found.values.items()}
    assert unmeasured(side_by_side.table(experiment, other)) == unmeasured(text)
    measured_here = [quantity for quantity, values in found.values.items() if not isinstance(values[0], list)]
    assert text.count("[measured ") == len(measured_here)


def test_the_table_says_which_setting_was_recorded(capsys):
    experiment = EXPERIMENTS["gradient_bound"]
    side_by_side.compared(experiment, recording.live(experiment))
    shown = capsys.readouterr().out
    assert "Recorded with sizes = (2, 8, 32); here with sizes = (2, 8)." in shown
    assert "recorded, 10 seeds" in shown
    assert "[measured 2,800]" in shown


def test_outcomes_that_did_not_happen():
    assert side_by_side.here(None) == "[measured never]"
    assert side_by_side.here(True) == "[measured 1 of 1]"
    assert side_by_side.here(False) == "[measured 0 of 1]"
    with pytest.raises(ValueError, match="one number"):
        side_by_side.here([1.0])


def test_a_stranger_among_the_live_values():
    with pytest.raises(ValueError, match="quantities of gradient_bound"):
        side_by_side.table(EXPERIMENTS["gradient_bound"], {"trails": 1})
