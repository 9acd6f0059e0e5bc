"""Measured numbers carry the brackets that the comparison of outputs looks for."""

import configparser
import re
from pathlib import Path

import numpy as np

from bptt_lessons.course.measured import measured, passage

SANITIZE = Path(__file__).resolve().parents[1] / "nbval_sanitize.cfg"


def test_text() -> None:
    assert measured(1.2345, unit="s") == "[measured 1.23 s]"
    assert measured(np.float32(0.5)) == "[measured 0.5]"
    assert measured(12_345_678, ",d", "bytes") == "[measured 12,345,678 bytes]"


def test_the_one_pattern_removes_all_of_it() -> None:
    config = configparser.ConfigParser()
    config.read(SANITIZE)
    sections = [config[name] for name in config.sections()]
    patterns = [section["regex"] for section in sections if "measured" in section["regex"]]
    assert len(patterns) == 1
    assert re.sub(patterns[0], "", f"took {measured(3.1, '.2f', 's')} here") == "took  here"


def test_a_passage_is_between_its_marks() -> None:
    assert passage("one [two]\nthree") == "«one [two]\nthree»"
