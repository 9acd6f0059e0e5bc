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
from bptt_lessons.experiments.recording import Experiment, record, recorded, summary
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


def test_the_command_records(capsys, tmp_path):
    assert command.main(["orthogonal_gain", "--folder", str(tmp_path)]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["orthogonal_gain.json"]
    assert "gain 1.05, input 1: " in capsys.readouterr().out


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
