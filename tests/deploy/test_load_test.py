"""The load test without a hub: its answers, and where its hub listens."""

from __future__ import annotations

import importlib.util
import random
import re
from pathlib import Path
from typing import Any

import pytest

from bptt_lessons.course import EXERCISES

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "load_test.py"
specification = importlib.util.spec_from_file_location("load_test", SCRIPT)
assert specification is not None
assert specification.loader is not None
load_test = importlib.util.module_from_spec(specification)
specification.loader.exec_module(load_test)


@pytest.mark.parametrize("lesson", ["01", "02"])
def test_answers_are_right_and_wrong_as_claimed(lesson: str) -> None:
    for name in (name for name, exercise in EXERCISES.items() if exercise.lesson.startswith(lesson)):
        for answer in load_test.answers(name, random.Random(1)):
            names: dict[str, Any] = {}
            exec(answer.code, names)
            report = EXERCISES[name].grade(names[EXERCISES[name].learner_name])
            assert report.misconception == answer.misconception
            assert (report.status == "correct") == (answer.misconception is None)
            if answer.misconception:
                assert " ".join(answer.expected.split()) in " ".join(str(report).split())


def test_the_hub_listens_on_loopback_only() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:https?|ws)://([\w.{}]+)", source)) == {"127.0.0.1"}
    assert 'hub_ip = "127.0.0.1"' in source
    assert "DummyAuthenticator.password = {token!r}" in source
